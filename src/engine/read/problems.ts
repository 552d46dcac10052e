import { failure, McpkError } from '../../core/errors.ts';
import type { Facts } from '../../cluster/facts.ts';
import { isNew } from '../../cluster/laid.ts';
import { restoringOn } from '../../cluster/restoring.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Problem, Stage } from '../../states/stage.ts';
import { answersOf } from '../hosts/reader.ts';
import type { EngineInput } from '../input.ts';
import type { Opened } from './open.ts';

/**
 * Says what would stop the run half-way, before its first change. What is seen in the facts comes first: what is wrong
 * there would only show once more, in other words, when hosts are asked. Of a stage that is skipped the facts are
 * told as warnings, and no host is asked; but no option makes a warning of what would lose data.
 *
 * @throws McpkError `refused`, `preflight`, or what ended the session with a host that was asked
 */
export async function checkProblems(
  input: EngineInput,
  { reader, facts, since }: Pick<Opened, 'reader' | 'facts' | 'since'>,
): Promise<void> {
  const { cluster, stages, selection, signal } = input;
  checkRestoring(facts);
  const skipped = stages.filter((stage) => selection.skip?.has(stage.name));
  const counted = stages.filter((stage) => !skipped.includes(stage));
  const passed = problemsOf(skipped, cluster, facts);
  const known = problemsOf(counted, cluster, facts);
  warn(
    passed.filter((problem) => !isRefusal(problem)),
    input,
    since,
  );
  report([...passed.filter(isRefusal), ...known], input, since);
  const newcomers = new Set(
    cluster.hosts.flatMap(({ name }) => {
      const own = facts.hosts.get(name);
      return own && isNew(own) && (selection.limit?.has(name) ?? true) ? [name] : [];
    }),
  );
  const inquiries = counted.flatMap((stage) => stage.inquire?.({ cluster, facts, newcomers }) ?? []);
  const found = inquiries.map(async ({ asks, judge }) => {
    return judge(await answersOf(reader, asks, signal));
  });
  report((await Promise.all(found)).flat(), input, since);
}

/**
 * What must be mended before hosts change in any way, whatever the inventory wants of them.
 *
 * @throws McpkError `refused`
 */
export function checkBroken(input: EngineInput, { facts, since }: Pick<Opened, 'facts' | 'since'>): void {
  const { cluster, stages } = input;
  checkRestoring(facts);
  report(
    stages.flatMap((stage) => stage.broken?.(cluster, facts) ?? []),
    input,
    since,
  );
}

/** While etcd is restored nothing else changes hosts, and nothing that is seen of them says what shall be. Throws `refused`. */
export function checkRestoring(facts: Facts): void {
  const [[host, restoring] = []] = restoringOn(facts);
  if (host === undefined) return;
  const where = restoring === 'unknown' || restoring === undefined ? '' : ` (${restoring.run}, ${restoring.phase})`;
  throw new McpkError('refused', `${host}: a restore of etcd is not over${where}`, {
    host,
    hint: 'Finish it: mcpk etcd restore BUNDLE; or, until API servers serve, put the old data back: mcpk etcd restore --abandon',
  });
}

function problemsOf(stages: readonly Stage[], cluster: Cluster, facts: Facts): Problem[] {
  return stages.flatMap((stage) => stage.problems?.(cluster, facts) ?? []);
}

function isRefusal({ code }: Problem): boolean {
  return code === 'refused';
}

function isWarning({ code }: Problem): boolean {
  return code === 'warning';
}

function warn(problems: readonly Problem[], { emit }: Pick<EngineInput, 'emit'>, since: Opened['since']): void {
  for (const { message, hint, host } of problems)
    emit({
      at: since(),
      type: 'warning',
      ...(host === undefined ? {} : { host }),
      message,
      ...(hint === undefined ? {} : { hint }),
    });
}

/** Tells the warnings, and throws the rest: what would lose data comes first, and with it the exit code. */
function report(problems: readonly Problem[], input: Pick<EngineInput, 'emit'>, since: Opened['since']): void {
  warn(problems.filter(isWarning), input, since);
  const errors = [...problems.filter(isRefusal), ...problems.filter((problem) => !isRefusal(problem))].flatMap(
    ({ code = 'preflight', message, ...more }) => (code === 'warning' ? [] : [new McpkError(code, message, more)]),
  );
  const [first, ...rest] = errors;
  if (first) throw failure([first, ...rest]);
}
