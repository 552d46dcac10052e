import { hasLaid } from '../../cluster/laid.ts';
import { McpkError } from '../../core/errors.ts';
import { GateFailure } from '../hosts/gates.ts';
import { API } from '../../core/places.ts';
import { changesOf, type HostPlan, type StagePlan } from '../types.ts';
import { ChangeFailure } from './send-stream.ts';
import type { Doing } from './doing.ts';
import { asErrors } from './run-state.ts';

/** A host that went back, with what was put back there, or why that failed. */
export interface RolledBackHost {
  stage: string;
  host: string;
  lines: string[];
  failure?: McpkError;
}

/**
 * The hosts whose change is to blame. A gate may judge a host of a batch that went before: then it is that one's change
 * that does not hold. None where the stage changed nothing, as on a host that has died meanwhile, or when it fails before
 * a batch begins: a member of etcd that is well would only be restarted while another one is away.
 *
 * `begun`: the stage's batches that have changed; `index`: of the batch in which it failed.
 */
export function hostsAtFault(
  begun: readonly (readonly string[])[],
  index: number,
  cause: McpkError,
): readonly string[] {
  const judged = cause instanceof GateFailure ? cause.judged : undefined;
  return (judged === undefined ? begun[index] : begun.find((each) => each.includes(judged))) ?? [];
}

/**
 * Where a gate or a guard does not hold after a change, or a unit does not come up with it, the hosts at fault go back to
 * what they were before the run, of that stage alone. [] where nothing is put back: another failure, a first bring-up, a
 * stage that can't be undone, or `--no-rollback`.
 */
export async function rollBackHosts(
  doing: Doing,
  planned: StagePlan,
  atFault: readonly string[],
  cause: McpkError,
): Promise<RolledBackHost[]> {
  const { program, state } = doing;
  if (program.noRollback || state.signal.aborted || planned.irreversible !== undefined || !callsForRollback(cause))
    return [];
  const hosts = planned.hosts.filter((plan) => atFault.includes(plan.host));
  return Promise.all(
    hosts
      .filter((plan) => wasInPlace(doing, planned.name, plan))
      .map((plan) => rollBackHost(doing, planned.name, plan.host)),
  );
}

/** Waits for the gates of hosts that went back; the error to end with tells whether they hold. */
export async function judge(
  { state }: Doing,
  back: readonly RolledBackHost[],
  cause: McpkError,
  hold: (hosts: readonly string[]) => Promise<void>,
): Promise<McpkError> {
  const hosts = back.map((each) => each.host);
  const failures = back.flatMap((each) => each.failure ?? []);
  if (failures.length === 0) {
    await hold(hosts).catch((error: unknown) => failures.push(...asErrors(error, back[0]?.stage ?? '')));
  }
  const held = failures.length === 0;
  for (const { stage, host } of back) state.rolledBack.push({ stage, host, held });
  return new McpkError('rolledBack', `${cause.message}; ${hosts.join(', ')} went back to what was there before`, {
    host: cause.host,
    details: [
      ...cause.details,
      ...back.flatMap(({ host, lines }) => [`put back on ${host}:`, ...lines.map((line) => `  ${line}`)]),
      ...(held
        ? ['The gate holds again with it.']
        : failures.flatMap((failure) => [`The rollback did not mend it: ${failure.message}`, ...failure.details])),
    ],
    hint: held
      ? 'Other hosts keep their state, nothing after it was started. mcpk plan shows the change as pending: mend its cause first. --no-rollback leaves the wreck to look at.'
      : 'Other hosts keep their state, nothing after it was started. Look at that host: it fails with its old state too.',
    cause,
  });
}

/** The same error, told why nothing goes back where one could expect it. */
export function notRolledBack({ irreversible }: StagePlan, atFault: readonly string[], cause: McpkError): McpkError {
  if (irreversible === undefined || atFault.length === 0 || !callsForRollback(cause)) return cause;
  return new McpkError(cause.code, cause.message, {
    host: cause.host,
    hint: cause.hint,
    details: [...cause.details, `Not put back: ${irreversible}`],
    cause,
  });
}

/** A unit that does not come up, or a gate that does not hold. What fails before that has changed nothing that runs. */
export function callsForRollback(cause: McpkError): boolean {
  return cause instanceof ChangeFailure ? cause.ref.startsWith('unit:') : cause instanceof GateFailure;
}

/** Something of the stage was there, and what it restarts ran: otherwise there is nothing to go back to. */
function wasInPlace({ hands }: Doing, stage: string, plan: HostPlan): boolean {
  if (plan.host === API) return false;
  const owned = hasLaid(hands.facts.hosts.get(plan.host), stage);
  const changes = changesOf(plan);
  return (
    owned && changes.length > 0 && !changes.some((item) => item.kind === 'unit' && item.comparison.verb === 'start')
  );
}

async function rollBackHost({ hands, state }: Doing, stage: string, host: string): Promise<RolledBackHost> {
  const tell = (status: 'start' | 'done' | 'failed', message?: string): void => {
    const more = message === undefined ? {} : { message };
    state.emit({ at: state.since(), type: 'rollback', stage, host, status, ...more });
  };
  tell('start');
  try {
    const lines = await hands.rollBack(stage, host);
    tell('done');
    return { stage, host, lines };
  } catch (error) {
    const [failure] = asErrors(error, stage);
    tell('failed', failure?.message);
    return { stage, host, lines: [], ...(failure ? { failure } : {}) };
  }
}
