import { readerOf } from '../../../src/engine/hosts/reader.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { ADMINS } from '../../../src/cluster/access.ts';
import { convergeApi } from '../../../src/engine/work/api.ts';
import { bindAdmins } from '../../../src/engine/work/break-glass.ts';
import { API } from '../../../src/core/places.ts';
import type { Command, CommandResult, Fleet } from '../../../src/engine/hosts/fleet.ts';
import { createMaterials } from '../../../src/engine/work/materials.ts';
import { bareHost } from '../../../src/cluster/bare-host.ts';
import type { Observed } from '../../../src/resources/types.ts';
import type { Means } from '../../../src/engine/work/means.ts';
import type { PlanItem } from '../../../src/engine/types.ts';
import { apiAccess } from '../../../src/states/api-access.ts';
import { emptyObserved } from '../../resources/case.ts';
import { contextOf, factsOf, labCluster } from '../../states/cluster.ts';
import { AUTHORITY, CHANGE, runOf } from '../support/fake-run.ts';

const REF = `kubeObject:${ADMINS.binding}`;

interface Binding {
  roleRef: { kind: string; name: string };
  subjects: { kind: string; name: string }[];
  labelled?: boolean;
}
const RIGHT: Binding = {
  roleRef: { kind: 'ClusterRole', name: ADMINS.role },
  subjects: [{ kind: 'Group', name: ADMINS.group }],
};

/** A cluster that outlives the runs on it, and a count of the steps until the next run is killed. */
let binding: Binding | undefined;
let left = Infinity;
/** All that went to a host but standard input, which lies in the session's own folder below /run. */
let laid = '';
let keys: string[] = [];

beforeEach(() => {
  binding = undefined;
  left = Infinity;
  laid = '';
  keys = [];
});

const letsIn = (): boolean => binding?.roleRef.name === ADMINS.role && binding.subjects[0]?.name === ADMINS.group;

/** kill -9: before a step or right after it, and then nothing of the run does anything any more. */
function step<T>(killed: AbortController, work: () => T): T {
  const cut = (): void => {
    if (left <= 0) killed.abort(new Error('killed'));
    killed.signal.throwIfAborted();
    left -= 1;
  };
  cut();
  const done = work();
  cut();
  return done;
}

function answer({ argv, stdin = '' }: Command): CommandResult {
  const said = (exitCode: number, stdout = ''): CommandResult => ({ exitCode, stdout, stderr: 'forbidden' });
  const http = (status: number): CommandResult => said(0, `HTTP/1.1 ${status} X\r\nContent-Length: 2\r\n\r\n{}`);
  if (argv[0] === 'socat') return http(letsIn() ? 200 : 403);
  laid += argv.join(' ');
  const [, kubeconfig, , , verb] = argv;
  if (kubeconfig === '--kubeconfig=/dev/stdin') {
    keys.push(/"client-key-data":"([^"]+)"/.exec(stdin)?.[1] ?? '');
    if (verb === 'delete') binding = undefined;
    else if (binding !== undefined) return said(1);
    else binding = structuredClone(RIGHT);
    return said(0);
  }
  laid += stdin;
  if (!letsIn()) return said(1);
  if (verb === 'apply' && stdin.includes('"kind":"ClusterRoleBinding"')) binding = { ...RIGHT, labelled: true };
  return said(0);
}

/** What a run does about the binding: as the engine has it where the API refuses, and where it does not. */
async function runs(): Promise<void> {
  const cluster = await labCluster();
  const { means, events } = runOf({});
  const killed = new AbortController();
  const fleet = {
    ...means.fleet,
    exec: (_host: string, commands: readonly Command[]) =>
      Promise.resolve().then(() => commands.map((command) => step(killed, () => answer(command)))),
    sessions: new Map([['m1', {}]]),
  };
  const materials = createMaterials({
    fleet: means.fleet,
    shared: new Map([['authority/cluster', { state: 'absent', hashes: {}, texts: {} }]]),
    secrets: new Map([['authority/cluster', [{ host: 'm1', resource: AUTHORITY }]]]),
    signal: killed.signal,
    now: () => new Date(),
  });
  const states = apiAccess.states(contextOf(cluster, 'm1', factsOf(cluster)));
  const [resource] = Array.isArray(states) ? states : [];
  const item: PlanItem = { ref: REF, title: '', kind: 'kubeObject', comparison: CHANGE };
  const seen = (): Map<string, Observed> => {
    const texts = binding === undefined ? {} : { [`api:${ADMINS.binding}`]: JSON.stringify(binding) };
    return new Map([[API, { ...emptyObserved(), texts }]]);
  };
  const journal = {
    ...means.journal,
    note: (...words: string[]) => void (laid += words.join(' ')),
    send: () => Promise.resolve().then(() => step(killed, () => undefined)),
  };
  const facts = { ...means.facts, apiHost: 'm1', hosts: new Map([['m1', bareHost('m1', '')]]) };
  const comparisons = { ...means.comparisons, byHost: new Map([[API, new Map([[REF, { resource }]])]]) };
  const made = {
    ...means,
    cluster,
    fleet,
    reader: readerOf(fleet as unknown as Fleet, killed.signal),
    state: { ...means.state, signal: killed.signal },
    facts,
    materials,
    journal,
    comparisons,
  } as unknown as Means;
  try {
    // Nothing of the API is known then, so the binding comes first (prepare's undefer).
    if (!letsIn()) await bindAdmins(made, ADMINS.stage, 'm1');
    await convergeApi({ ...made, observed: seen() }, ADMINS.stage, { host: API, items: [item] });
  } finally {
    laid += JSON.stringify(events);
  }
}

const CLUSTERS: [string, Binding | undefined][] = [
  ['a new cluster', undefined],
  ['a binding of another role', { ...RIGHT, roleRef: { kind: 'ClusterRole', name: 'view' }, labelled: true }],
  ['a binding for others', { ...RIGHT, subjects: [{ kind: 'Group', name: 'others' }] }],
  ['a binding without its label', RIGHT],
];

describe('a run that is killed while it binds the administrator', () => {
  it.each(CLUSTERS)('is mended by the next one, wherever it was: %s', async (_what, before) => {
    for (let kill = 0; ; kill += 1) {
      binding = structuredClone(before);
      left = kill;
      const whole = await runs().then(
        () => true,
        () => false,
      );
      left = Infinity;
      await runs();
      expect([kill, binding]).toEqual([kill, { ...RIGHT, labelled: true }]);
      if (whole) break;
      expect(kill).toBeLessThan(40);
    }
    for (const key of new Set(keys)) {
      expect(key.length).toBeGreaterThan(100);
      expect(laid).not.toContain(key);
      expect(laid).not.toContain(atob(key).slice(40, 80));
    }
  });
});
