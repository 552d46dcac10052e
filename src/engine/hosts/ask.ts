import type { Answer, Ask } from '../../cluster/gate.ts';
import { joinRequests, splitAnswers } from '../../cluster/pipeline.ts';
import { McpkError } from '../../core/errors.ts';
import type { Command, Fleet } from './fleet.ts';

type Said = Omit<Answer, 'host'>;

/** A command, and the questions that it answers. */
interface Call {
  command: Command;
  questions: readonly Ask[];
}

/** Asks each different question once, each host's in one request, and answers in the order of the asks. */
export async function ask(fleet: Fleet, asks: readonly Ask[], signal: AbortSignal): Promise<Answer[]> {
  const different = [...new Map(asks.map((each) => [keyOf(each), each])).values()];
  const answers = new Map<string, Answer>();
  await Promise.all(
    [...Map.groupBy(different, (each) => each.host)].map(async ([host, questions]) => {
      const calls = callsOf(questions);
      const results = await fleet
        .exec(
          host,
          calls.map((call) => call.command),
          signal,
        )
        .catch((error: unknown) => calls.map(() => failed(error)));
      for (const [index, call] of calls.entries())
        for (const [key, answer] of answersOf(call, results[index])) answers.set(key, { host, ...answer });
    }),
  );
  return asks.map((each) => answers.get(keyOf(each)) ?? { host: each.host, ...NO_ANSWER });
}

function keyOf({ host, argv, stdin }: Ask): string {
  return JSON.stringify([host, argv, stdin]);
}

/** HTTP requests to one server share a connection: a TLS handshake costs more than they do. */
function callsOf(questions: readonly Ask[]): Call[] {
  const requests = Map.groupBy(
    questions.filter((each) => each.http),
    (each) => JSON.stringify(each.argv),
  );
  return [
    ...questions
      .filter((each) => !each.http)
      .map((question) => ({ command: commandOf(question), questions: [question] })),
    ...[...requests.values()].flatMap((same) => {
      const [first] = same;
      // The lengths in HTTP count bytes.
      const stdin = Buffer.from(joinRequests(same.map((each) => each.stdin ?? ''))).toString('latin1');
      return first ? [{ command: { argv: first.argv, stdin, binary: true }, questions: same }] : [];
    }),
  ];
}

function commandOf({ argv, stdin, binary, long }: Ask): Command {
  return { argv, ...(stdin === undefined ? {} : { stdin }), ...(binary ? { binary } : {}), ...(long ? { long } : {}) };
}

function answersOf({ questions }: Call, result: Said = NO_ANSWER): [string, Said][] {
  if (!questions[0]?.http) return questions.map((question) => [keyOf(question), result]);
  const texts = splitAnswers(result.stdout, questions.length);
  return questions.map((question, index) => [keyOf(question), { ...result, stdout: texts[index] ?? '' }]);
}

export const NO_ANSWER: Said = { exitCode: 255, stdout: '', stderr: 'no answer' };

/** A host that is lost answers every question with why. */
function failed(error: unknown): Said {
  return {
    exitCode: 255,
    stdout: '',
    stderr: error instanceof Error ? error.message : String(error),
    ...(error instanceof McpkError && error.code === 'unreachable' ? { lost: error } : {}),
  };
}
