import { beforeAll, describe, expect, it } from 'vitest';
import { ref } from '../../../src/resources/kinds.ts';
import { renderedFiles } from '../../../src/commands/shared/rendered-files.ts';
import { isMap } from '../../../src/core/merge.ts';
import { redact } from '../../../src/core/redact.ts';
import { packageValidator } from '../../../src/core/package-validator.ts';
import { Secret } from '../../../src/core/secret.ts';
import { compare } from '../../../src/engine/plan/compare.ts';
import { compile } from '../../../src/engine/plan/compile.ts';
import { inventoryOf } from '../../../src/engine/plan/inventory-digest.ts';
import { plan } from '../../../src/engine/plan/plan.ts';
import { API } from '../../../src/core/places.ts';
import type { StateTree } from '../../../src/engine/types.ts';
import { loadTexts } from '../../../src/inventory/load.ts';
import { childSchema, readSchema, resolve, typesOf, type JsonSchema } from '../../../src/inventory/schema.ts';
import type { Cluster } from '../../../src/inventory/types.ts';
import { toJson } from '../../../src/report/json.ts';
import { renderPlan } from '../../../src/report/plan-text.ts';
import { renderStates } from '../../../src/report/states-text.ts';
import { PLAIN } from '../../../src/report/theme.ts';
import { sha256 } from '../../../src/resources/identity.ts';
import type { FileResource, Observed, Resource } from '../../../src/resources/types.ts';
import { STAGES } from '../../../src/states/index.ts';
import { emptyObserved, fileState } from '../../resources/case.ts';
import { anyArtifact, factsOf, registered } from '../../states/cluster.ts';

const schema = readSchema();
const validator = await packageValidator('cluster');
const MARKER = 'hunter2-of-the-token';
/** A host of each kind: a secret goes to all of one kind or to one, and what is shown of each host costs. */
const BASE = `name: c
endpoint: { address: 10.0.0.100 }
network: { plugin: bridge }
hosts:
  - { name: m1, address: 10.0.0.1, roles: [master] }
  - { name: w1, address: 10.0.0.11, roles: [worker] }
`;

type Path = readonly (string | number)[];

/** A place where text may stand; without a rule anything may. */
interface Place {
  path: Path;
  rule: JsonSchema | undefined;
  isFile: boolean;
}

/** Every place of the schema: `kubelet.config.v` for a map without rules (a flag that every component has), `hosts[0]` for a list. */
function places(raw: JsonSchema, path: Path = [], isFile = false): Place[] {
  const rule = resolve(raw, schema);
  const file = isFile || rule['x-path'] === true;
  const own = typesOf(rule).includes('string') ? [{ path, rule, isFile: file }] : [];
  const named = Object.entries(rule.properties ?? {}).flatMap(([key, child]) => places(child, [...path, key], file));
  const items = rule.items === undefined ? [] : places(rule.items, [...path, 0], file);
  const key = rule.propertyNames?.pattern?.includes('./') === true ? 'kernel.any' : 'v';
  const open = rule.additionalProperties === true ? [{ path: [...path, key], rule: undefined, isFile: false }] : [];
  const any =
    typeof rule.additionalProperties === 'object' ? places(rule.additionalProperties, [...path, key], file) : [];
  return [...own, ...named, ...items, ...open, ...any];
}

const ALL = places(schema).filter(isNewKind());

/** Formats of upstream's have many fields of a few kinds: one of each is tried at each depth. */
function isNewKind(): (place: Place) => boolean {
  const seen = new Set<string>();
  return ({ path, rule }) => {
    const at = path.indexOf('config');
    if (at === -1) return true;
    const kind = JSON.stringify([path.slice(0, at), path.length, { ...rule, description: '' }]);
    return !seen.has(kind) && seen.add(kind) !== undefined;
  };
}

/** What an entry cannot be without, beside the setting that is tried. */
const COMPANIONS: Readonly<Record<string, object>> = {
  'registries.0.username': { name: 'r.example.org', password: 'p' },
  'registries.0.password': { name: 'r.example.org', username: 'u' },
  'registries.0.mirrors.0.username': { url: 'https://m.example.org', password: 'p' },
  'registries.0.mirrors.0.password': { url: 'https://m.example.org', username: 'u' },
  'proxy.noProxy.0': { http: 'http://p.example.org:1' },
  'apiServer.audit.policy.rules.0.resources.0.resourceNames.0': { resources: ['pods'] },
  'apiServer.authentication.jwt.0.claimValidationRules.0.requiredValue': { claim: 'hd' },
  'apiServer.authentication.jwt.0.claimValidationRules.0.message': { expression: 'true' },
  'apiServer.authentication.jwt.0.claimMappings.username.prefix': { claim: 'sub' },
};

/** An inventory with `value` at a place, and around it what the schema asks for there. */
function inventoryWith({ path }: Place, value: unknown): string {
  const build = (at: number, rule: JsonSchema | undefined): unknown => {
    const key = path[at];
    if (key === undefined) return value;
    const child = build(at + 1, childSchema(rule, key, schema));
    if (typeof key === 'number') return [child];
    const needed = (rule?.required ?? []).map((name) => [name, childSchema(rule, name, schema)?.examples?.[0]]);
    const companions = at === path.findLastIndex((part) => typeof part === 'string') ? COMPANIONS[path.join('.')] : {};
    return { ...(at === 0 ? {} : Object.fromEntries(needed)), ...companions, [key]: child };
  };
  return JSON.stringify(build(0, schema));
}

function loadedAll(over: readonly string[], env: Readonly<Record<string, string>>): Promise<Cluster> {
  const texts = [BASE, ...over].map((each, index) => ({ file: `${String(index)}.yaml`, text: each }));
  return loadTexts(texts, { env: { HOME: '/root', ...env }, directory: '/srv', schema, validator });
}

function loaded(text: string, value: string): Promise<Cluster> {
  return loadedAll([text], { MCPK_X: value });
}

/**
 * Those that one inventory can have all at once, as none says what another does, of all hosts or of some: showing an
 * inventory takes most of the time here, once for each set.
 */
function together(all: readonly Place[]): Place[][] {
  const sets: Place[][] = [];
  for (const place of all) {
    const set = sets.find((each) => each.every((other) => !meet(place, other)));
    if (set) set.push(place);
    else sets.push([place]);
  }
  return sets;
}

function meet(one: Place, other: Place): boolean {
  // Who names hosts names all.
  if (one.path[0] === 'hosts' || other.path[0] === 'hosts') return true;
  return saidBy(one).has(settingOf(other)) || saidBy(other).has(settingOf(one));
}

/** Without the group that it is of; a list is one setting. */
function settingOf({ path }: Place): string {
  const own = path[0] === 'groups' ? path.slice(2) : path;
  const end = own.findIndex((part) => typeof part === 'number');
  return own.slice(0, end === -1 ? undefined : end).join('.');
}

/** All that its inventory says, what the setting cannot be without as well. */
function saidBy(place: Place): Set<string> {
  const whole = JSON.parse(inventoryWith(place, '')) as { groups?: object };
  const [own = whole] = Object.values(whole.groups ?? {}) as object[];
  const names = (value: unknown, path: readonly string[]): string[] =>
    isMap(value) ? Object.entries(value).flatMap(([key, child]) => names(child, [...path, key])) : [path.join('.')];
  return new Set(names(own, []));
}

/** The compiled states, and all that commands show of them. */
async function everythingShown(cluster: Cluster): Promise<{ tree: StateTree; shown: string }> {
  const facts = factsOf(cluster, { etcd: 'formed', nodes: registered(cluster) });
  const manifests = new Map<string, string>();
  const tree = compile({ cluster, facts, stages: STAGES, artifacts: anyArtifact, manifests });
  const observed = new Map<string, Observed>([...tree.hosts, API].map((host) => [host, emptyObserved()]));
  const now = new Date(0);
  const comparisons = compare({ tree, observed, facts: facts.hosts, apiOwned: new Map(), now });
  const inventory = inventoryOf({ cluster, artifacts: anyArtifact, manifests });
  const made = plan({ cluster, facts, stages: STAGES, tree, comparisons, selection: {}, inventory, tool: 't', now });
  const shown = [
    JSON.stringify(toJson(cluster)),
    JSON.stringify(toJson(tree)),
    renderStates(tree, PLAIN, { hosts: tree.hosts, verbose: true, ofApi: new Set(), ref }),
    JSON.stringify(await renderedFiles(tree)),
    JSON.stringify(made),
    renderPlan(made, PLAIN, { verbose: true }),
  ];
  return { tree, shown: shown.join('\n') };
}

const resourcesOf = (tree: StateTree): Resource[] =>
  tree.stages.flatMap((stage) => stage.hosts).flatMap((host) => host.resources);
const textOf = ({ content }: FileResource): string => (content instanceof Secret ? content.reveal() : content);
const filesWith = (tree: StateTree, value: string): FileResource[] =>
  resourcesOf(tree).filter((each): each is FileResource => each.kind === 'file' && textOf(each).includes(value));

const isUrl = ({ rule }: Place): boolean => rule?.pattern?.startsWith('^https?') === true;
const FREE = ALL.filter(({ rule }) => rule === undefined || rule['x-secret'] === true || rule.writeOnly === true);
const OPEN = ALL.filter(({ rule }) => rule?.['x-open'] === true);
/** A text or the file that holds it: what comes of that is told in test/inventory/api-server.test.ts. */
const CONTENTS = ALL.filter(({ rule }) => rule?.['x-contents'] === true);
const SHOWN = ALL.filter((place) => ![...FREE, ...OPEN, ...CONTENTS].includes(place));
const named = (all: readonly Place[]): (readonly [string, Place])[] =>
  all.map((place) => [place.path.join('.'), place]);

/** What stays on this side, or goes nowhere yet. */
const NOT_ON_HOSTS = /^(pillar|.*\.pillar)\.|becomePassword$/;
describe('a value of the environment in free text', () => {
  it('is looked at in every such setting', () => {
    expect(FREE.length).toBeGreaterThan(20);
    expect(OPEN.length).toBeGreaterThan(6);
    expect(SHOWN.length).toBeGreaterThan(70);
  });

  describe.each(together(FREE).map((places) => ({ first: places[0]?.path.join('.'), places })))(
    '$first and what goes with it',
    ({ places: all }) => {
      const markerOf = (place: Place): string => `${MARKER}-${String(all.indexOf(place))}-`;
      let tree: StateTree;
      let shown: string;
      beforeAll(async () => {
        const texts = all.map((place, index) => {
          const variable = `\${MCPK_${String(index)}}`;
          return inventoryWith(place, isUrl(place) ? `http://x.example.org/${variable}` : variable);
        });
        const env = Object.fromEntries(all.map((place, index) => [`MCPK_${String(index)}`, markerOf(place)]));
        ({ tree, shown } = await everythingShown(await loadedAll(texts, env)));
      });

      it.each(named(all))('%s is a secret, in a file for its reader alone', (name, place) => {
        const marker = markerOf(place);
        const forms = [marker, sha256(marker), Buffer.from(marker).toString('base64')];
        for (const form of forms) expect(shown).not.toContain(form);
        const holding = filesWith(tree, marker);
        expect(holding.length > 0).toBe(!NOT_ON_HOSTS.test(name));
        for (const { mode } of holding) expect(Number.parseInt(mode, 8) & 0o077).toBe(0);
      });
    },
  );

  it.each(named(OPEN))('%s refuses it, and takes a number', async (_name, place) => {
    const text = inventoryWith(place, '${MCPK_X}');
    const outcome: unknown = await loaded(text, MARKER).catch((error: unknown) => error);
    expect(outcome).toMatchObject({
      exitCode: 10,
      details: [expect.stringContaining('takes only numbers, addresses')],
    });
    expect(JSON.stringify(outcome)).not.toContain(MARKER);
    for (const value of ['4', 'true', '10.0.0.9', '10.0.0.0/8', 'fd00::1'])
      await expect(loaded(text, value)).resolves.toHaveProperty('name', 'c');
  });
});

describe('a setting that is shown', () => {
  it.each(named(SHOWN.filter((place) => !place.isFile && !isUrl(place))))(
    '%s can be no free text',
    async (_name, place) => {
      const loading = loaded(inventoryWith(place, '${MCPK_X}'), 'hunter2 of/the=token');
      const outcome: unknown = await loading.catch((error: unknown) => error);
      expect(outcome).toMatchObject({ exitCode: 10 });
      expect(JSON.stringify(outcome)).not.toContain('hunter2');
    },
  );

  it.each(named(SHOWN.filter((place) => place.isFile || isUrl(place))))(
    '%s is a file, or a URL of which errors hide that part',
    async (_name, place) => {
      const url = await loaded(inventoryWith(place, 'https://x.example.org/${MCPK_X}'), MARKER);
      expect(redact(`can't download https://x.example.org/${MARKER}/y`, url.hidden ?? [])).toBe(
        "can't download https://x.example.org/${MCPK_X}/y",
      );
      if (place.isFile) expect(await loaded(inventoryWith(place, '${MCPK_X}'), '/k')).not.toHaveProperty('hidden');
    },
  );
});

describe('what is laid down for a secret variable', () => {
  it('is read by systemd from a file of its own, and the unit restarts with it', async () => {
    const { tree } = await everythingShown(await loaded('etcd: { environment: { A: "${MCPK_X}", B: plain } }', MARKER));
    const [file] = filesWith(tree, MARKER);
    expect(file).toMatchObject({ path: '/etc/etcd/environment', mode: '0600', owner: 'root', group: 'root' });
    expect(file && textOf(file)).toBe(`A="${MARKER}"\n`);
    const [unitFile] = filesWith(tree, 'ExecStart=/usr/local/bin/etcd ');
    expect(unitFile?.content).toContain('\nEnvironment=B=plain\nEnvironmentFile=/etc/etcd/environment\n');
    const unit = resourcesOf(tree).find((each) => each.kind === 'unit' && each.name === 'etcd.service');
    expect(unit).toMatchObject({ inputs: expect.arrayContaining([{ ref: 'file:/etc/etcd/environment', on: 'restart' }]) as unknown }); // prettier-ignore
  });

  it('changes nothing where all variables stand in the inventory', async () => {
    const { tree } = await everythingShown(await loaded('etcd: { environment: { B: "${NOT_SET:-plain}" } }', MARKER));
    const [unitFile] = filesWith(tree, 'ExecStart=/usr/local/bin/etcd ');
    expect(unitFile?.content).toContain('\nEnvironment=B=plain\nExecStart=');
  });

  it('is owned by the service that reads it', async () => {
    const { tree } = await everythingShown(await loaded('etcd: { config: { a: "${MCPK_X}" } }', MARKER));
    expect(filesWith(tree, MARKER)[0]).toMatchObject({ path: '/etc/etcd/etcd.yaml', mode: '0600', owner: 'etcd' });
  });

  it('does not show what an older version wrote into the unit', async () => {
    const cluster = await loaded('etcd: { environment: { A: "${MCPK_X}", B: plain } }', MARKER);
    const facts = factsOf(cluster, { etcd: 'formed', nodes: registered(cluster) });
    const tree = compile({ cluster, facts, stages: STAGES, artifacts: anyArtifact, manifests: new Map() });
    const [unitFile] = filesWith(tree, 'ExecStart=/usr/local/bin/etcd ');
    const former = String(unitFile?.content).replace(
      'EnvironmentFile=/etc/etcd/environment',
      `Environment=A=${MARKER}`,
    );
    const path = unitFile?.path ?? '';
    const there = {
      ...emptyObserved(),
      paths: { [path]: fileState({ sha256: sha256(former) }) },
      texts: { [path]: former },
    };
    const observed = new Map([...tree.hosts, API].map((host) => [host, there]));
    const found = compare({ tree, observed, facts: facts.hosts, apiOwned: new Map(), now: new Date(0) });
    const comparison = found.byHost.get('m1')?.get(`file:${path}`)?.comparison;
    expect(comparison).toMatchObject({ diff: { before: expect.stringContaining('\nEnvironment=B=plain\nEnvironment=A=…\n') as unknown } }); // prettier-ignore
    expect(JSON.stringify(comparison)).not.toContain(MARKER);
  });
});
