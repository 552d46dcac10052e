import type { Facts, OwnedEntry } from '../../../src/cluster/facts.ts';
import type { GateCheck } from '../../../src/cluster/gate.ts';
import type { Change, SharedSecretResource } from '../../../src/resources/types.ts';
import type { Stage } from '../../../src/states/stage.ts';
import type { Cluster } from '../../../src/inventory/types.ts';
import { stepsAround } from '../../../src/engine/plan/steps.ts';
import { convergeHost } from '../../../src/engine/work/converge.ts';
import type { Fleet } from '../../../src/engine/hosts/fleet.ts';
import { asErrors, type Run } from '../../../src/engine/work/run-context.ts';
import type { Event, HostPlan, PlanItem, StagePlan } from '../../../src/engine/types.ts';

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
  batches?: string[][];
  around?: Stage['around'];
  gate?: (hosts: readonly string[]) => GateCheck[];
  /** Why the stage can't be undone. */
  irreversible?: string;
  /** What changes on each host; by default one file. */
  items?: PlanItem[];
}

/** How a host's stream ends: breaks it off, or says that this resource failed. */
export type Ending = Error | { failed: string; message: string };

export interface FakeRun {
  run: Run;
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
  const fleet: Fleet = {
    sessions: new Map(),
    unreachable: new Map(),
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
    read: () => Promise.reject(new Error('not asked for')),
    upload: () => Promise.reject(new Error('not asked for')),
    reach: more.reach ?? (() => Promise.reject(new Error('not asked for'))),
    close: () => Promise.resolve(),
  };
  const stages = Object.entries(specs).map(([name, spec]): Stage => ({
    name,
    title: name,
    hosts: () => [],
    needs: spec.needs ?? [],
    states: () => [],
    ...(spec.around ? { around: spec.around } : {}),
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
    return { name, title: name, needs: [], batches, order: '', gates: [], steps: steps[name] ?? [], hosts, ...why };
  };
  const failures: Run['failures'] = [];
  const run = {
    id: 'r',
    cluster: {},
    stages,
    fleet,
    signal: new AbortController().signal,
    emit: (event: Event) => {
      events.push(event);
      if (event.type === 'stage-end') log.push(`${event.stage} ${event.status}`);
    },
    since: () => 0,
    facts: {
      hosts: new Map(Object.entries(more.owned ?? {}).map(([host, owned]) => [host, { owned }])),
      unreachable: [],
      etcd: 'formed',
    },
    comparisons: { byHost: new Map(), shared: new Map(), stages: new Map() },
    observed: new Map(),
    laid: new Map(),
    owned: new Map(),
    inScope: new Set(Object.keys(specs)),
    gateHeld: new Set<string>(),
    journal: { caller: '', note: () => undefined, take: () => [], send: () => Promise.resolve() },
    failures,
    noRollback: more.noRollback ?? false,
    rolledBack: [],
    forceUnsafe: false,
    stopped: false,
    stop() {
      this.stopped = true;
    },
    fail(error: unknown, stage: string) {
      this.stopped = true;
      failures.push(...asErrors(error, stage));
    },
    turn: (_host: string, work: () => Promise<unknown>) => work(),
    work: (stage: string, plan: HostPlan) => convergeHost(run as unknown as Run, stage, plan),
    stagePlan: (stage: Stage) => Promise.resolve(planOf(stage.name)),
  };
  return { run: run as unknown as Run, log, events, sent };
}
