import { randomInt } from 'node:crypto';
import { FailureList, McpkError } from '../../core/errors.ts';
import { redactError } from '../../core/redact.ts';
import type { Secret } from '../../core/secret.ts';
import type { Emit, RunResult } from '../types.ts';

/** What becomes of a run while it is carried out. */
export interface RunState {
  /** Sortable name of the run: generations and journals carry it. */
  readonly id: string;
  readonly signal: AbortSignal;
  readonly emit: Emit;
  since(): number;
  readonly failures: McpkError[];
  readonly rolledBack: RunResult['rolledBack'];
  /** Nodes that some stage has left as they were, as they did not drain. */
  readonly leftOut: Set<string>;
  fail(error: unknown, stage: string): void;
  /** A failure after which the run goes on. */
  note(error: McpkError): void;
  /** From now on nothing new starts. Called as soon as a failure is seen; it is told when what runs has ended. */
  stop(): void;
  readonly stopped: boolean;
}

export function createState(
  from: Pick<RunState, 'id' | 'signal' | 'emit' | 'since'> & { hidden?: readonly Secret[] | undefined },
): RunState {
  const { id, signal, emit, since, hidden } = from;
  let stopped = false;
  const failures: McpkError[] = [];
  return {
    id,
    signal,
    emit,
    since,
    failures,
    rolledBack: [],
    leftOut: new Set(),
    note(error) {
      failures.push(...asErrors(error, '', hidden));
    },
    fail(error, stage) {
      stopped = true;
      failures.push(...asErrors(error, stage, hidden));
    },
    stop() {
      stopped = true;
    },
    get stopped() {
      return stopped;
    },
  };
}

/**
 * `20261122T113405Z-3f9a`: sorts by time, also within a second, as which run changed something last is told by it. Behind
 * the time are its milliseconds, in three digits, and one digit by chance: unique enough for one cluster.
 */
export function runId(now: Date): string {
  const second = now.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${second}-${now.getMilliseconds().toString(16).padStart(3, '0')}${randomInt(16).toString(16)}`;
}

/** Any thrown thing as the errors it stands for, without what must not be shown: a program repeats what it was given. */
export function asErrors(error: unknown, stage: string, hidden: readonly Secret[] = []): [McpkError, ...McpkError[]] {
  const errors = toErrors(error, stage);
  for (const each of errors) {
    redactError(each, hidden);
    each.stage ??= stage || undefined;
  }
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
