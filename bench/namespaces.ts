/** Hosts of a benchmark's own: a script in namespaces of its own, and commands beside it. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { children } from '../lab/processes.ts';

export interface Simulated {
  /** The words that put a command into the script's network; files are the machine's. */
  inside: (argv: readonly string[]) => string[];
  /** Writes a line to the script, which must answer `done`. */
  tell: (line: string) => Promise<void>;
  stop: () => Promise<void>;
}

/** Starts a script that says `ready`, and ends with its standard input; nothing outlives it. */
export async function simulate(script: readonly string[]): Promise<Simulated> {
  const namespaces = ['--net', '--mount', '--propagation=private', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const child = spawn('unshare', [...namespaces, 'sh', ...script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const expect = async (word: string): Promise<void> => {
    const line = await lines.next();
    if (line.done || line.value !== word) throw new Error(`the simulated hosts ended: ${String(line.value)}`);
  };
  await expect('ready');
  const [first] = child.pid === undefined ? [] : children(child.pid);
  if (first === undefined) throw new Error('the simulated hosts have no process');
  return {
    inside: (argv) => ['nsenter', `--net=/proc/${String(first)}/ns/net`, '--', ...argv],
    async tell(line) {
      child.stdin.write(`${line}\n`);
      await expect('done');
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}
