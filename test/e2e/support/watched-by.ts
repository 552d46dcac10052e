import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/**
 * Does `work` while a program looks on, which prints a line when it is ready, ends when its standard input does, and
 * then prints as its last line the JSON of what it saw.
 *
 * @param env what it finds there beside ours
 */
export async function watchedBy<T>(
  argv: readonly string[],
  work: () => Promise<unknown>,
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  const [command = '', ...words] = argv;
  const program = spawn(command, words, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  const lines = createInterface({ input: program.stdout });
  const said: string[] = [];
  lines.on('line', (line) => said.push(line));
  const closed = once(program, 'close');
  await Promise.race([
    once(lines, 'line'),
    closed.then(([code]) =>
      Promise.reject(new Error(`${argv.join(' ')}: ended with ${String(code)} before it was ready`)),
    ),
  ]);
  try {
    await work();
  } finally {
    program.stdin.end();
    await closed;
  }
  const last = said.at(-1) ?? '';
  if (!last.startsWith('{')) throw new Error(`${argv.join(' ')}: did not say what it saw`);
  return JSON.parse(last) as T;
}
