import { failure, McpkError } from '../core/errors.ts';
import type { Problem } from '../states/stage.ts';
import { ask } from './ask.ts';
import type { EngineInput, Opened } from './open.ts';

/**
 * Says what would stop the run half-way, before its first change. What is seen in the facts comes first: what is wrong
 * there would only show once more, in other words, when hosts are asked.
 *
 * @throws McpkError `preflight`, or what ended the session with a host that was asked
 */
export async function checkProblems(
  { cluster, stages, selection, signal }: EngineInput,
  { fleet, facts }: Pick<Opened, 'fleet' | 'facts'>,
): Promise<void> {
  refuse(stages.flatMap((stage) => stage.problems?.(cluster, facts) ?? []));
  const newcomers = new Set(
    [...facts.hosts]
      .filter(([name, { owned }]) => owned.length === 0 && (selection.limit?.has(name) ?? true))
      .map(([name]) => name),
  );
  const inquiries = stages.flatMap((stage) => stage.inquire?.({ cluster, facts, newcomers }) ?? []);
  const found = inquiries.map(async ({ asks, judge }) => {
    const answers = await ask(fleet, asks, signal);
    signal.throwIfAborted();
    const lost = answers.find((answer) => answer.lost)?.lost;
    if (lost) throw lost;
    return judge(answers);
  });
  refuse((await Promise.all(found)).flat());
}

function refuse(problems: readonly Problem[]): void {
  const errors = problems.map(({ message, ...more }) => new McpkError('preflight', message, more));
  const [first, ...rest] = errors;
  if (first) throw failure([first, ...rest]);
}
