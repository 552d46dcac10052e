/** What of docs/ is made from the sources; `npm run generate` writes it, a test finds what is out of step. */
import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withRuntimeSource } from '../src/cluster/runtime-source.ts';
import { COMPONENTS, filesOf } from '../src/artifacts/components.ts';
import { COMMANDS } from '../src/commands/main.ts';
import { assumedFacts } from '../src/commands/shared/assumed-facts.ts';
import { endingsOf, type Ending } from '../src/commands/shared/exit-codes.ts';
import { EXIT_CODES } from '../src/core/errors.ts';
import { compile } from '../src/engine/plan/compile.ts';
import { UNSEEN_ARTIFACTS } from '../src/engine/runs/with-materials.ts';
import { loadTexts } from '../src/inventory/load.ts';
import type { Cluster, Host } from '../src/inventory/types.ts';
import { binariesOf } from '../src/states/artifacts.ts';
import { STAGES } from '../src/states/index.ts';
import { LEAST } from '../src/states/preflight/host.ts';
import { lanesOf } from '../src/states/preflight/lanes.ts';
import type { Stage } from '../src/states/stage.ts';
import { PAGES } from '../test/e2e/scenarios/pages.ts';
import { AREAS } from './areas.ts';
import { ROOT } from './process.ts';
import { withDeeds } from './recorded.ts';

/** Parts of pages, by the name that stands in `<!-- made: NAME -->`. */
export const PARTS: Readonly<Record<string, () => string | Promise<string>>> = {
  'exit codes': exitCodes,
  stages,
  ports,
  sizes,
  packages,
  binaries,
  images,
  areas,
};

/** A page with each of its parts as it is now. Throws for a part that nothing makes, or that has no end. */
export async function withParts(text: string): Promise<string> {
  let made = text;
  for (const [whole, name = ''] of text.matchAll(/^<!-- made: (.+) -->\n[^]*?^<!-- end -->$/gm)) {
    const part = PARTS[name];
    if (part === undefined) throw new Error(`nothing makes "${name}"`);
    made = made.replace(whole, `<!-- made: ${name} -->\n\n${await part()}\n\n<!-- end -->`);
  }
  return made;
}

/** Pages with such parts, or with scenarios, by path, each with what it shall be. */
export async function pages(): Promise<Map<string, string>> {
  const made = new Map<string, string>();
  for (const path of globSync(['docs/*.md', 'CONTRIBUTING.md'], { cwd: ROOT })) {
    const text = await readFile(join(ROOT, path), 'utf8');
    if (text.includes('<!-- made: ')) made.set(path, await withParts(text));
    const page = PAGES.find((each) => each.path === path);
    if (page) made.set(path, withDeeds(text, Object.values(page.sequences).flat()));
  }
  return made;
}

async function areas(): Promise<string> {
  const rows = Object.entries(AREAS).map(async ([name, { about, files }]) => {
    const known = await Promise.all(files.map(async (file) => ({ file: shortName(file), ci: await inCi(file) })));
    const cell = (wanted: InCi): string => known.flatMap(({ file, ci }) => (ci === wanted ? [file] : [])).join(', ');
    return [`\`${name}\``, about, cell('whole'), cell('part'), cell('none')];
  });
  return table(['area', 'what its tests prove', 'whole in CI', 'part in CI', 'not in CI'], await Promise.all(rows));
}

/** `e2e/04` */
function shortName(file: string): string {
  return file.replace(/^test\//, '').replace(/-.*/, '');
}

type InCi = 'whole' | 'part' | 'none';

/** How much of a file on the lab `npm test` runs, as its source says by `FULL` of test/support/tier.ts. */
async function inCi(file: string): Promise<InCi> {
  const text = await readFile(join(ROOT, file), 'utf8');
  if (!/^import .*\/support\/tier\.ts'/m.test(text)) return 'whole';
  const outermost = text.match(/^(?:describe|it)\b.*/gm) ?? [];
  return outermost.every((line) => line.includes('.runIf(FULL)')) ? 'none' : 'part';
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function exitCodes(): string {
  const ids = Object.entries(COMMANDS).flatMap(([id, { hidden }]) => (hidden ? [] : [id]));
  const rows = Object.entries(EXIT_CODES).map(([name, [code, meaning]]) => {
    return [String(code), meaning, commandNames(ids, (id) => endingsOf(COMMANDS[id] ?? {}).includes(name as Ending))];
  });
  return table(['code', 'what it says', 'commands'], rows);
}

/** Commands of which something is so, or, where that is shorter, those of which it is not. */
function commandNames(ids: readonly string[], isSo: (id: string) => boolean): string {
  const { so = [], others = [] } = Object.groupBy(ids, (id) => (isSo(id) ? 'so' : 'others'));
  const names = (all: readonly string[]): string => all.map((id) => `\`${id.replaceAll(':', ' ')}\``).join(', ');
  if (others.length === 0) return 'all';
  return others.length < so.length ? `all but ${names(others)}` : names(so);
}

/** Three masters and two workers, all else by default but for what `over` says. */
async function clusterOf(over = ''): Promise<Cluster> {
  const file = join(ROOT, 'inventories/three-masters.yaml');
  const files = [
    { file, text: await readFile(file, 'utf8') },
    ...(over === '' ? [] : [{ file: 'over.yaml', text: over }]),
  ];
  return withRuntimeSource(await loadTexts(files, { env: { HOME: '/root' } }));
}

async function stages(): Promise<string> {
  const cluster = await clusterOf();
  const rows = STAGES.map((stage) => {
    const where = stage.api === true ? 'the API' : rolesOf(stage.hosts(cluster), cluster);
    return [`\`${stage.name}\``, stage.about ?? '', where, waitsFor(stage)];
  });
  return table(['stage', 'what it sees to', 'on', 'waits for'], rows);
}

function waitsFor({ needs, drainsAfter = [] }: Stage): string {
  const named = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');
  return [named(needs) || '–', ...(drainsAfter.length > 0 ? [`to drain also for ${named(drainsAfter)}`] : [])].join(
    '; ',
  );
}

/** As roles, where these are all hosts of them. */
function rolesOf(some: readonly Host[], { hosts }: Pick<Cluster, 'hosts'>): string {
  if (some.length === hosts.length) return 'all';
  const roles = (['master', 'etcd', 'worker'] as const).filter((role) =>
    hosts.every((host) => !host.roles.includes(role) || some.includes(host)),
  );
  // Masters are members of etcd, unless others are.
  return roles.filter((role) => role !== 'etcd' || !roles.includes('master')).map((role) => `${role}s`.replace('etcds', 'etcd')).join(', '); // prettier-ignore
}

/** Networks of Calico, beside the one by default. */
const ENCAPSULATIONS = ['vxlan', 'ipip', 'bgp'];

async function ports(): Promise<string> {
  const rows = new Map<string, { cells: [string, string, string, string]; when: Set<string> }>();
  for (const kind of ENCAPSULATIONS) {
    const cluster = await clusterOf(`network: { calico: { encapsulation: ${kind} } }`);
    const lanes = Map.groupBy(lanesOf(cluster), (lane) => `${lane.kind} ${String(lane.number)} ${lane.purpose}`);
    for (const [key, all] of lanes) {
      const [{ kind: protocol, number, purpose }] = all as [(typeof all)[number]];
      const [from, to] = (['from', 'to'] as const).map((end) => rolesOf([...new Set(all.map((lane) => lane[end]))], cluster)); // prettier-ignore
      const port = protocol === 'ip' ? `IP protocol ${String(number)}` : `${String(number)}/${protocol}`;
      const row = rows.get(key) ?? { cells: [from ?? '', to ?? '', port, purpose], when: new Set() };
      row.when.add(kind);
      rows.set(key, row);
    }
  }
  const said = [...rows.values()].map(({ cells, when }) => [
    ...cells,
    when.size === ENCAPSULATIONS.length ? '' : `with \`encapsulation\` ${[...when].join(', ')}`,
  ]);
  const { apiServer, endpoint } = await clusterOf();
  const outside = [
    ['you', 'all', '22/tcp', 'SSH', '`ssh.port`; with `ssh.jump` from the jump host'],
    ['clients', 'masters', `${String(endpoint.port)}/tcp`, 'the API at the VIP', '`endpoint.port`'],
    ['clients', 'masters, workers', `${apiServer.nodePortRange}/tcp, udp`, 'services of type NodePort', '`apiServer.nodePortRange`; where you have such services'], // prettier-ignore
  ];
  return table(['from', 'to', 'port', 'what for', ''], [...outside, ...said]);
}

const gib = (bytes: number): string => `${String(bytes / 2 ** 30)} GiB`;

function sizes(): string {
  const rows = (['master', 'other'] as const).map((role) => [
    role === 'master' ? 'a master' : 'any other host',
    gib(LEAST.memory[role]),
    gib(LEAST.disk[role]),
  ]);
  return table(['', 'memory', 'free below /var/lib, on a bare host'], rows);
}

async function packages(): Promise<string> {
  const cluster = await clusterOf();
  const tree = compile({
    cluster,
    facts: assumedFacts(cluster),
    // Those need Calico's manifest, and install nothing.
    stages: STAGES.filter(({ name }) => !['images', 'network', 'calico', 'addons'].includes(name)),
    artifacts: UNSEEN_ARTIFACTS,
    manifests: new Map(),
  });
  const rows = cluster.hosts
    .filter(({ name }) => ['m1', 'w1'].includes(name))
    .map((host) => {
      const resources = tree.stages.flatMap((stage) => stage.hosts.filter((each) => each.host === host.name).flatMap((each) => each.resources)); // prettier-ignore
      const names = resources.flatMap((each) => (each.kind === 'package' ? [each.name] : []));
      return [`${host.roles[0] ?? ''}s`, [...new Set(names)].toSorted().join(', ')];
    });
  return table(['on', 'packages'], rows);
}

/** The folder as `artifacts.directory` wants it, whole, and where upstream has each file. */
async function binaries(): Promise<string> {
  const bridge = await clusterOf('network: { plugin: bridge }');
  const calico = await clusterOf();
  const wanted = new Set(bridge.hosts.flatMap((host) => binariesOf(bridge, host)));
  const rows = COMPONENTS.flatMap((component) => {
    const version = component.version(bridge);
    const release = component.release(component.upstream, version, 'amd64');
    const names = [...wanted].filter((name) => [...component.required(bridge), ...filesOf(release)].includes(name));
    const from = release.type === 'archive' ? `${release.url} (its programs)` : `${release.url('NAME')}`;
    const only = component.required(calico).length === 0 ? 'not with Calico' : '';
    return [
      [`\`${component.name}/${version}/linux-amd64/\``, names.map((name) => `\`${name}\``).join(', '), from, only],
    ];
  });
  return table(['folder', 'files, beside SHA256SUMS', 'upstream', ''], rows);
}

async function images(): Promise<string> {
  const { containerd, versions, addons, verify } = await clusterOf();
  return table(
    ['image', 'what for'],
    [
      [`\`${containerd.sandboxImage}:${versions.pause}\``, 'the sandbox of each pod'],
      [`\`${addons.coredns.image}\``, 'CoreDNS'],
      [`\`${verify.image}\``, 'the test pods of `mcpk verify`'],
      ["those of Calico's manifest", 'Calico: `grep image: calico.yaml`'],
    ],
  );
}
