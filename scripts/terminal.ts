import { spawn } from 'node:child_process';

/** As wide as what the docs show of a terminal. */
export const COLUMNS = 92;

export interface TerminalOptions {
  cwd?: string;
  env: Record<string, string | undefined>;
  /** Typed one after the other, each when a question stands there. */
  answers?: readonly string[];
}

export interface Shown {
  code: number;
  /** All that was written to the terminal, its controls included: for `screenAfter`. */
  output: string;
}

/** What mcpk asks ends so; the terminal may have been told where its cursor is. */
const QUESTION = /(?:\[y\/N\]|to go on \([^)]*\):) (?:\u001b\[\d*[A-Z])*$/;

/** Runs a command on a terminal of its own, as somebody who sits there: what asks, asks. */
export async function onTerminal(
  argv: readonly string[],
  { answers = [], ...options }: TerminalOptions,
): Promise<Shown> {
  const quoted = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const script = ['-qefc', `stty cols ${COLUMNS} rows 40; exec ${quoted}`, '/dev/null'];
  const child = spawn('script', script, {
    ...options,
    env: { ...options.env, TERM: 'xterm-256color', LANG: 'C.UTF-8' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const left = [...answers];
  let output = '';
  let answered = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (!QUESTION.test(output.slice(answered))) return;
    answered = output.length;
    const answer = left.shift();
    // Nobody answers: as Ctrl-D.
    child.stdin.write(answer === undefined ? '\u0004' : `${answer}\r`);
  });
  // It may have ended before it read what was typed.
  child.stdin.on('error', () => undefined);
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? 128));
  });
  if (left.length > 0) throw new Error(`nobody asked for ${left.join(', ')}: ${argv.join(' ')}\n${output}`);
  return { code, output };
}
