import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { KUBECONFIG, onOperatorSide, operatorEnvironment } from '../../../lab/operator.ts';
import { CLONE } from '../../../lab/paths.ts';

export interface Outcome {
  requests: number;
  failures: string[];
  /** Requests that a stopping API server turned away unread, and that were answered when sent again. */
  turnedAway: number;
  watchEvents: number;
  /** Requests whose answer took longer than a second; the machine's load is in it. */
  slow: number;
}

/** Runs `work` while the strict client talks to the VIP. */
export async function underLoad(work: () => Promise<unknown>): Promise<Outcome> {
  const [command = '', ...args] = onOperatorSide([process.execPath, `${CLONE}/test/e2e/support/load.ts`, KUBECONFIG]);
  const client = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...operatorEnvironment() },
  });
  const lines = createInterface({ input: client.stdout });
  const said: string[] = [];
  lines.on('line', (line) => said.push(line));
  const closed = once(client, 'close');
  await Promise.race([
    once(lines, 'line'),
    closed.then(([code]) => Promise.reject(new Error(`the client ended with ${String(code)}`))),
  ]);
  try {
    await work();
  } finally {
    client.stdin.end();
    await closed;
  }
  return JSON.parse(said.at(-1) ?? '{}') as Outcome;
}
