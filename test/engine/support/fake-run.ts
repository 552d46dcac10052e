import { readerOf } from '../../../src/engine/hosts/reader.ts';
import type { Facts, OwnedEntry } from '../../../src/cluster/facts.ts';
import type { GateCheck } from '../../../src/cluster/gate.ts';
import type { Change, SharedSecretResource } from '../../../src/resources/types.ts';
import type { Stage } from '../../../src/states/stage.ts';
import type { Cluster } from '../../../src/inventory/types.ts';
import { stepsAround } from '../../../src/engine/plan/steps.ts';
import type { Fleet } from '../../../src/engine/hosts/fleet.ts';
import type { Program } from '../../../src/engine/plan/program.ts';
import { HostsAtOnce } from '../../../src/engine/hosts/hosts-at-once.ts';
import type { Doing } from '../../../src/engine/work/doing.ts';
import { createHands } from '../../../src/engine/work/hands.ts';
import type { Means } from '../../../src/engine/work/means.ts';
import { createState } from '../../../src/engine/work/run-state.ts';
import { bareHost } from '../../../src/cluster/bare-host.ts';
import type { Event, Plan, PlanItem, StagePlan } from '../../../src/engine/types.ts';
import { fakeFleet } from './fake-fleet.ts';

export const CHANGE: Change = {
  result: 'change',
  verb: 'update',
  reasons: ['content differs'],
  hash: 'h',
  rests: '',
};

/** Of the cluster, held by the one host that has it. */
export const AUTHORITY: SharedSecretResource = {
  kind: 'sharedSecret',
  id: 'authority/cluster',
  recipe: { type: 'authority', commonName: 'kubernetes', days: 3650, keyAlgorithm: 'ecdsa-p256' },
  files: [],
  holder: true,
};

export interface Spec {
  needs?: string[];
  along?: string[];
  batches?: string[][];
  around?: Stage['around'];
  guard?: Stage['guard'];
  gate?: (hosts: readonly string[]) => GateCheck[];
  /** Why the stage can't be undone. */
  irreversible?: string;
  /** What changes on each host; by default one file. */
  items?: PlanItem[];
}

/** How a host's stream ends: breaks it off, or says that this resource failed. */
export type Ending = Error | { failed: string; message: string };

export interface FakeRun extends Doing {
  means: Means;
  log: string[];
  events: Event[];
  /** Bodies that were sent, by host. */
  sent: { host: string; body: string }[];
}

/** A run over a fleet that only remembers, and on which only the command `fail` does; `endings` of the hosts' streams are for what is not a restore. */
export function runOf(
  specs: Record<string, Spec>,
  endings: Record<string, Ending> = {},
  more: { owned?: Record<string, OwnedEntry[]>; noRollback?: boolean; reach?: Fleet['reach'] } = {},
): FakeRun {
  const log: string[] = [];
  const events: Event[] = [];
  const sent: FakeRun['sent'] = [];
  const fleet = fakeFleet({
    request: (host, _op, bytes, onRecord) => {
      const body = bytes.toString('utf8');
      sent.push({ host, body });
      const restores = body.includes('\no restore\n');
      log.push(`${restores ? 'restore' : 'converge'} ${host}`);
      if (restores) {
        onRecord({ kind: 'restored', args: [], body: Buffer.from('/etc/x\nunit x.service restarted') });
        return Promise.resolve(0);
      }
      const ending = endings[host];
      if (ending === undefined) return Promise.resolve(0);
      if (ending instanceof Error) return Promise.reject(ending);
      const args = ['1', encodeURIComponent(ending.failed), 'failed', '5'];
      onRecord({ kind: 'event', args, body: Buffer.from(ending.message) });
      return Promise.resolve(15);
    },
    exec: (host, commands) => {
      log.push(`${host}: ${commands.map((each) => each.argv.join(' ')).join('; ')}`);
      return Promise.resolve(
        commands.map(({ argv }) => ({ exitCode: argv[0] === 'fail' ? 1 : 0, stdout: '', stderr: '' })),
      );
    },
    ...(more.reach ? { reach: more.reach } : {}),
  });
  const stages = Object.entries(specs).map(([name, spec]): Stage => ({
    name,
    title: name,
    hosts: () => [],
    needs: spec.needs ?? [],
    states: () => [],
    ...(spec.around ? { around: spec.around } : {}),
    ...(spec.guard ? { guard: spec.guard } : {}),
    ...(spec.gate ? { gate: ({ hosts }) => spec.gate?.(hosts) ?? [] } : {}),
  }));
  // As a plan keeps them: made before anything is carried out.
  const steps = Object.fromEntries(
    stages.map((stage) => {
      const batches = specs[stage.name]?.batches ?? [];
      return [stage.name, stepsAround(stage, { cluster: {} as Cluster, facts: {} as Facts, batches, hosts: [] })];
    }),
  );
  for (const stage of stages) delete stage.around;
  const planOf = (name: string): StagePlan => {
    const batches = specs[name]?.batches ?? [];
    const items = specs[name]?.items ?? [{ ref: 'file:/x', title: '/x', kind: 'file', comparison: CHANGE }];
    const hosts = batches.flat().map((host) => ({ host, items }));
    const { irreversible } = specs[name] ?? {};
    const why = irreversible === undefined ? {} : { irreversible };
    return {
      name,
      title: name,
      needs: specs[name]?.needs ?? [],
      batches,
      order: '',
      gates: [],
      steps: steps[name] ?? [],
      hosts,
      ...why,
    };
  };
  const state = createState({
    id: 'r',
    signal: new AbortController().signal,
    emit: (event) => {
      events.push(event);
      if (event.type === 'stage-end') log.push(`${event.stage} ${event.status}`);
    },
    since: () => 0,
  });
  const known = Object.entries(more.owned ?? {}).map(
    ([host, owned]) => [host, { ...bareHost(host, ''), owned }] as const,
  );
  const means: Means = {
    state,
    cluster: {} as Cluster,
    fleet,
    reader: readerOf(fleet, state.signal),
    facts: { hosts: new Map(known), unreachable: [], etcd: 'formed' },
    comparisons: { byHost: new Map(), shared: new Map(), stages: new Map() },
    observed: new Map(),
    materials: { item: unasked, leaf: unasked },
    laid: new Map(),
    owned: new Map(),
    journal: {
      caller: '',
      note: () => undefined,
      take: () => [],
      send: () => Promise.resolve(),
      hear: () => undefined,
      close: () => Promise.resolve(),
    },
    along: new Map(Object.entries(specs).map(([name, { along = [] }]) => [name, along])),
    turn: (_host, work) => work(),
  };
  const program: Program = {
    cluster: means.cluster,
    plan: { refused: [] } as unknown as Plan,
    stages: stages.map((stage) => ({ stage, plan: planOf(stage.name), inScope: true, isHeld: false })),
    restores: false,
    forceUnsafe: false,
    noRollback: more.noRollback ?? false,
    maxFailures: 0,
    pause: 0,
  };
  const hands = createHands(means, { changing: new HostsAtOnce(10), undefer: unasked });
  return { program, hands, state, means, log, events, sent };
}

/** The same, over a fleet of which this is another: what reads by it does so too. */
export function withFleet(means: Means, more: Partial<Fleet>): Means {
  const fleet = { ...means.fleet, ...more };
  return { ...means, fleet, reader: readerOf(fleet, means.state.signal) };
}

function unasked(): Promise<never> {
  return Promise.reject(new Error('not asked for'));
}
