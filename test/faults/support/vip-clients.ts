/**
 * Clients of the API at the VIP, who see what a stall does to them. Eight keep a connection each and ask every 100 ms;
 * beside them a new connection is made every 50 ms, whatever became of those before. Prints `ready` when the kept ones
 * are there, ends when standard input does, and prints one JSON object ({@link Seen}).
 *
 * node vip-clients.ts HOST CA-FILE
 */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import type { Seen } from './vip-seen.ts';

const KEPT = 8;
const KEPT_EACH_MS = 100;
const NEW_EACH_MS = 50;
/** Longer than any stall and what comes after it: who has no answer by then has lost its connection. */
const KEPT_LIMIT_MS = 15_000;
const NEW_LIMIT_MS = 3_000;

const [host = '', caFile = ''] = process.argv.slice(2);
const ca = readFileSync(caFile, 'utf8');
const seen: Seen = { resets: Array.from({ length: KEPT }, () => 0), silentMs: 0, requests: 0, slowestMs: 0 };
let lastAnswer = performance.now();
let stopping = false;

function ask(agent: Agent | false, limitMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    seen.requests += 1;
    const started = performance.now();
    const outgoing = request({ host, port: 443, path: '/readyz', ca, agent }, (response) => {
      response.resume();
      response.on('end', () => {
        seen.slowestMs = Math.max(seen.slowestMs, Math.round(performance.now() - started));
        if (response.statusCode === 200) resolve();
        else reject(new Error(`HTTP ${String(response.statusCode)}`));
      });
      response.on('error', reject);
    });
    const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${String(limitMs)} ms`)), limitMs);
    outgoing.on('close', () => {
      clearTimeout(timer);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function keep(agent: Agent, index: number): Promise<void> {
  while (!stopping) {
    await ask(agent, KEPT_LIMIT_MS).catch(() => {
      seen.resets[index] = (seen.resets[index] ?? 0) + 1;
    });
    await pause(KEPT_EACH_MS);
  }
  agent.destroy();
}

function answered(): void {
  const now = performance.now();
  seen.silentMs = Math.max(seen.silentMs, Math.round(now - lastAnswer));
  lastAnswer = now;
}

async function ever(): Promise<void> {
  const open = new Set<Promise<void>>();
  while (!stopping) {
    const one = ask(false, NEW_LIMIT_MS)
      .then(answered, () => undefined)
      .finally(() => open.delete(one));
    open.add(one);
    await pause(NEW_EACH_MS);
  }
  await Promise.all(open);
}

const agents = seen.resets.map(() => new Agent({ keepAlive: true, maxSockets: 1 }));
// Connections that are there already are what a stall may reset.
await Promise.all(agents.map((agent) => ask(agent, KEPT_LIMIT_MS)));
answered();
seen.silentMs = 0;
const running = Promise.all([ever(), ...agents.map(keep)]);
process.stdout.write('ready\n');
process.stdin.resume();
process.stdin.on('end', () => {
  stopping = true;
  void running.then(() => process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0)));
});
