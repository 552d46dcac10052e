import type { Facts, HostFacts, Moves } from '../cluster/facts.ts';
import type { Change, Comparison, Resource } from '../resources/types.ts';
import type { McpkError } from '../core/errors.ts';
import type { StepAround } from '../states/stage.ts';

/** Compiled resources of one host in one stage, in the order in which they converge. */
export interface HostStates {
  host: string;
  stage: string;
  resources: Resource[];
}

export interface StateTree {
  hosts: readonly string[];
  stages: readonly {
    name: string;
    title: string;
    needs: readonly string[];
    hosts: HostStates[];
    deferred?: { until: string; why: string };
    /** Hosts on which all that leaves does so with this stage. */
    takes?: readonly string[];
  }[];
}

/** What the user allows this run to change. */
export interface Selection {
  /** Host names; undefined = all. */
  limit?: ReadonlySet<string>;
  only?: ReadonlySet<string>;
  skip?: ReadonlySet<string>;
}

/**
 * A plan is a value: what will change, why, in what order. Pure JSON without a secret in it: what `plan --out` writes
 * is this object as it stands (schema/plan.v1.schema.json, docs/plan.md).
 */
export interface Plan {
  apiVersion: 'mcpk/v1';
  kind: 'Plan';
  /** `mcpk 0.1.0` */
  tool: string;
  /** ISO 8601. */
  created: string;
  cluster: string;
  versions: { kubernetes: string; etcd: string };
  /** Files by absolute path; the digest is of what they come to, binaries and manifests included. */
  inventory: { files: string[]; sha256: string };
  /** The command that carries it out, where that is not an apply: `mcpk node reboot w1`. */
  command?: string;
  /** What the run was narrowed to; absent = not narrowed. Limit: names of hosts. */
  selection: { limit?: string[]; only?: string[]; skip?: string[] };
  etcd: Facts['etcd'];
  /** Versions of processes, where one is not what is wanted, or not the same everywhere. */
  running?: RunningPlan;
  /** How the VIP and etcd's leader moved; absent where it is not known, or not asked: it decides nothing. */
  moves?: Moves;
  /** Hosts that were read, by name. */
  hosts: Record<string, PlannedHost>;
  stages: StagePlan[];
  /** Units that are touched, in order. */
  actions: Action[];
  /** What apply refuses without --force-unsafe, as the hosts were then. */
  refused: Refusal[];
  /** A bundle of etcd that is taken before anything changes. */
  snapshot?: PlannedSnapshot;
  summary: {
    changes: number;
    hosts: number;
    restarts: number;
    reloads: number;
    removals: number;
    unchanged: number;
    deferred: number;
  };
}

/** One unit that is started, stopped, restarted or reloaded on one host, and what is waited for before the next. */
export interface Action {
  stage: string;
  /** Index into the stage's batches. */
  batch: number;
  host: string;
  unit: string;
  verb: 'start' | 'stop' | 'restart' | 'reload' | 'remove';
  /** `/etc/etcd/etcd.yaml changes` */
  reason: string;
  /** Titles of the gates after its batch. */
  gates: string[];
}

/** A batch that must not be taken down now, as too little of the others would serve. */
export interface Refusal {
  stage: string;
  /** The batch. */
  hosts: string[];
  /** What must hold. */
  title: string;
  /** What does not. */
  wrong: string;
  /** What comes of it with --force-unsafe. */
  consequence: string;
}

export interface PlannedSnapshot {
  /** A folder or a file on the operator's side. */
  into: string;
  /** `etcd 3.6.16 → 3.7.3` */
  because: string[];
}

/** What runs, as JSON. */
export interface RunningPlan {
  /** By host, or the name of a Node: service → version. */
  hosts: Record<string, HostFacts['runs']>;
  /** Of etcd's data: `3.6`. */
  storage?: string;
}

/** What of a host decides on the plan as a whole. */
export interface PlannedHost {
  machineId: string;
  /** Nothing of mcpk is on it. */
  new?: true;
  /** Holds the VIP. */
  holdsVip?: true;
  /** Its etcd member leads; known only where etcd changes. */
  leads?: true;
}

export interface StagePlan {
  name: string;
  title: string;
  needs: readonly string[];
  /** Changed hosts only, in batches, in order; none while the stage is deferred. */
  batches: string[][];
  /** Why this order: `m1 holds the VIP, so it goes last`. */
  order: string;
  gates: string[];
  /** Around its batches, in order: just these are carried out. */
  steps: PlannedStep[];
  hosts: HostPlan[];
  deferred?: { until: string; why: string };
  /** Why the stage as a whole can't be undone. */
  irreversible?: string;
}

/** A step as the plan keeps it. */
export interface PlannedStep extends StepAround {
  /** Index into the stage's batches. */
  batch: number;
  /** Of the batch; `work`: with its changes; `held`: once its gate has held. */
  when: 'before' | 'work' | 'after' | 'held';
  /** What it comes to, as things were when the plan was made. */
  tells?: string[];
}

export interface HostPlan {
  host: string;
  items: PlanItem[];
}

export interface PlanItem {
  ref: string;
  title: string;
  kind: string;
  comparison: Comparison;
}

export function changesOf<T extends PlanItem>(plan: { items: readonly T[] }): (T & { comparison: Change })[] {
  return plan.items.filter((item): item is T & { comparison: Change } => item.comparison.result === 'change');
}

/** All that happens, as it happens; src/report/ draws it. `at` is ms since the run's start. */
export type Event = { at: number } & (
  | {
      type: 'run-start';
      command: string;
      cluster: string;
      hosts: string[];
      stages: { name: string; title: string; hosts: string[] }[];
    }
  | {
      type: 'phase';
      name: 'wait' | 'connect' | 'lock' | 'gather' | 'compile' | 'probe' | 'plan' | 'execute' | 'verify';
      state: 'start' | 'end';
    }
  | { type: 'connected'; host: string; ms: number }
  /** A run that goes on without it gathers; one that does not ends with this error. */
  | { type: 'unreachable'; host: string; error: McpkError }
  /** A host that the run waits for, and why it is not up; told anew when that changes. Without `why`: it is up. */
  | { type: 'awaited'; host: string; why?: string }
  /** A host answered; what was asked in the same turn travelled together. */
  | { type: 'round-trip'; host: string; what: string; ms: number }
  | { type: 'planned'; plan: Plan; ms: number }
  | { type: 'stage-start'; stage: string; hosts: string[] }
  | { type: 'host-start'; stage: string; host: string; changes: number }
  /** One resource has converged (or failed). */
  | {
      type: 'resource';
      stage: string;
      host: string;
      ref: string;
      verb: string;
      status: 'changed' | 'failed' | 'unchanged';
      ms: number;
      message?: string;
    }
  | { type: 'bytes'; stage: string; host: string; sent: number; total: number }
  | { type: 'host-end'; stage: string; host: string; status: 'changed' | 'unchanged' | 'failed'; ms: number }
  | {
      type: 'step';
      stage: string;
      host: string;
      title: string;
      status: 'start' | 'done' | 'failed' | 'undone' | 'not-undone';
    }
  /** The host goes back to what it was before the run, of that stage alone. */
  | { type: 'rollback'; stage: string; host: string; status: 'start' | 'done' | 'failed'; message?: string }
  | { type: 'gate'; stage: string; title: string; status: 'waiting' | 'passed' | 'failed'; seen?: string; ms: number }
  | {
      type: 'stage-end';
      stage: string;
      status: 'changed' | 'unchanged' | 'failed' | 'skipped';
      ms: number;
      changed: number;
      why?: string;
    }
  | { type: 'warning'; message: string; hint?: string; host?: string }
  | { type: 'run-end'; result: RunResult }
);

export interface RunResult {
  status: 'succeeded' | 'failed' | 'interrupted';
  run: string;
  /** Resources, as Salt counts states. */
  succeeded: number;
  changed: number;
  /** Of the changed ones, where all succeeded: those that the plan only knew to be known later. */
  knownLater?: number;
  failed: number;
  pending: number;
  removed: number;
  ms: number;
  exitCode: number;
  errors: McpkError[];
  /** Hosts that went back, of that stage alone; `held`: its gate holds again. */
  rolledBack: { stage: string; host: string; held: boolean }[];
  /** File of the bundle of etcd that was taken before anything changed. */
  snapshot?: string;
  /** The API let the administrator do nothing, so only his binding was seen to; the rest needs a second apply. */
  onlyAccess?: true;
  stages: {
    name: string;
    status: 'changed' | 'unchanged' | 'failed' | 'skipped';
    changed: number;
    ms: number;
    hosts: string[];
  }[];
  traffic: Record<string, { roundTrips: number; bytesSent: number; bytesReceived: number; connections: number }>;
}

export type Emit = (event: Event) => void;
