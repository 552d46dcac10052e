import { randomBytes } from 'node:crypto';
import { FailureList, McpkError } from '../../core/errors.ts';
import { redactError } from '../../core/redact.ts';
import type { Secret } from '../../core/secret.ts';
import type { Facts } from '../../cluster/facts.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Materials, Observed, Ref } from '../../resources/types.ts';
import type { Stage } from '../../states/stage.ts';
import type { Comparisons } from '../plan/compare.ts';
import type { Fleet } from '../hosts/fleet.ts';
import type { Journal } from './journal.ts';
import type { Ownership } from '../plan/owned.ts';
import type { Emit, HostPlan, Plan, RunResult, StagePlan } from '../types.ts';

/** What the parts of one run share. Made by `run.ts`; nothing of it outlives the run. */
export interface Run {
  /** Sortable name of the run: generations and journals carry it. */
  readonly id: string;
  readonly cluster: Cluster;
  readonly stages: readonly Stage[];
  readonly fleet: Fleet;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  since(): number;
  facts: Facts & { apiHost?: string };
  readonly comparisons: Comparisons;
  readonly observed: Map<string, Observed>;
  readonly plan: Plan;
  readonly materials: Materials;
  readonly journal: Journal;
  /** host → ref → hash of what this run laid down, where it was not known at plan time. */
  readonly laid: Map<string, Map<Ref, string>>;
  /** host → what mcpk owns there now. */
  readonly owned: Map<string, Map<string, Ownership>>;
  /** Stages that this run changes, and those that they need: the gates of others are not asked. */
  readonly concerned: ReadonlySet<string>;
  /** Goes on where a guard does not hold, and says what comes of it. */
  readonly forceUnsafe: boolean;
  /** Stages whose gates the probe saw to hold. */
  readonly gateHeld: Set<string>;
  /** Hosts on which a run before this one was cut off. */
  readonly cutOff: readonly string[];
  readonly failures: McpkError[];
  /** A host whose gate fails stays as it is, to be looked at. */
  readonly noRollback: boolean;
  readonly rolledBack: RunResult['rolledBack'];
  fail(error: unknown, stage: string): void;
  /** From now on nothing new starts. Called as soon as a failure is seen; it is told when what runs has ended. */
  stop(): void;
  readonly stopped: boolean;
  /** Brings a host to what its plan says, or the objects in the API. */
  work(stage: string, plan: HostPlan): Promise<void>;
  /** Runs `work` when nothing else writes on that host. */
  turn<T>(host: string, work: () => Promise<T>): Promise<T>;
  /** The stage's plan; a deferred stage is compiled, probed and compared first. */
  stagePlan(stage: Stage): Promise<StagePlan>;
}

/** `20261122T113405Z-3f9a`: sorts by time, unique enough for one cluster. */
export function runId(now: Date): string {
  return `${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}-${randomBytes(2).toString('hex')}`;
}

/** Any thrown thing as the errors it stands for, without what must not be shown: a program repeats what it was given. */
export function asErrors(error: unknown, stage: string, hidden: readonly Secret[] = []): [McpkError, ...McpkError[]] {
  const errors = toErrors(error, stage);
  for (const each of errors) redactError(each, hidden);
  return errors;
}

function toErrors(error: unknown, stage: string): [McpkError, ...McpkError[]] {
  if (error instanceof McpkError) return [error];
  if (error instanceof FailureList) return [...error.errors];
  if (error instanceof Error && error.name === 'AbortError')
    return [new McpkError('interrupted', `${stage}: interrupted`)];
  return [
    new McpkError('unexpected', `${stage}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    }),
  ];
}

/** A queue a host: work starts when what came before it has ended, well or not. */
export function turns(): Run['turn'] {
  const last = new Map<string, Promise<unknown>>();
  return (host, work) => {
    const mine = (last.get(host) ?? Promise.resolve()).then(work, work);
    last.set(
      host,
      mine.catch(() => undefined),
    );
    return mine;
  };
}
