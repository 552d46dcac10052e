/**
 * Sees what a cluster goes through while something else happens to it. Runs in a worker's network namespace, so that
 * faults of the operator's network leave it alone. Each 100 ms it writes a key into etcd (over the members' JSON
 * gateway, a second's patience, the next member after a failure) and remembers the acknowledged ones; each 200 ms it
 * asks the API at the VIP for its readiness on a new connection. Prints `ready`, ends when standard input does, reads
 * all keys back and prints one JSON object ({@link Testimony}).
 *
 * node witness.ts FOLDER, which holds config.json, ca.crt, etcd-ca.crt, client.crt and client.key
 */
import { readFileSync } from 'node:fs';
import { request, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import type { Testimony, WitnessConfig } from './witness-types.ts';

const WRITE_EACH_MS = 100;
const ASK_EACH_MS = 200;
const PREFIX = 'mcpk-witness/';

const folder = process.argv[2] ?? '';
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');
const config = JSON.parse(read('config.json')) as WitnessConfig;
const etcdTls = { ca: read('etcd-ca.crt'), cert: read('client.crt'), key: read('client.key') };
const apiTls = { ca: read('ca.crt') };

/** Longest time between two successes. */
class Gap {
  longest = 0;
  #last = performance.now();

  success(): void {
    const now = performance.now();
    this.longest = Math.max(this.longest, Math.round(now - this.#last));
    this.#last = now;
  }
}

interface Said {
  status: number;
  body: string;
}

/** On a connection of its own. */
function ask(url: URL, options: RequestOptions, limitMs: number, body?: unknown): Promise<Said> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { ...options, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: text });
      });
      response.on('error', reject);
    });
    const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${String(limitMs)} ms`)), limitMs);
    outgoing.on('close', () => {
      clearTimeout(timer);
    });
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** One call of etcd's gateway, at the given member. */
async function etcd(member: number, call: string, body: unknown, limitMs: number): Promise<unknown> {
  const address = config.members[member % config.members.length] ?? '';
  const options = { ...etcdTls, method: 'POST', headers: { 'content-type': 'application/json' } };
  const { status, body: text } = await ask(new URL(`https://${address}:2379/v3/${call}`), options, limitMs, body);
  if (status !== 200) throw new Error(`etcd: HTTP ${String(status)}`);
  return JSON.parse(text);
}

const acknowledged: number[] = [];
const writes = new Gap();
const answers = new Gap();
let member = 0;
let next = 0;
let stopping = false;

async function write(): Promise<void> {
  const n = next;
  next += 1;
  try {
    await etcd(member, 'kv/put', { key: base64(`${PREFIX}${String(n).padStart(8, '0')}`), value: base64('w') }, 1000);
    acknowledged.push(n);
    writes.success();
  } catch {
    member += 1;
  }
}

async function askApi(): Promise<void> {
  const said = await ask(new URL(`https://${config.vip}/readyz`), apiTls, 2000).catch(() => undefined);
  if (said?.status === 200) answers.success();
}

/** Again and again, at most one at a time, with the given time from start to start. */
async function each(ms: number, work: () => Promise<void>): Promise<void> {
  while (!stopping) {
    const started = performance.now();
    await work();
    const left = ms - (performance.now() - started);
    if (left > 0) await new Promise((resolve) => setTimeout(resolve, left));
  }
}

interface RangeAnswer {
  kvs?: { key: string }[];
}

/** The cluster has settled by now: a member that does not answer is passed over. */
async function everyMember(call: string): Promise<RangeAnswer> {
  const body = { key: base64(PREFIX), range_end: base64('mcpk-witness0') };
  for (let tries = 0; ; tries += 1) {
    try {
      return (await etcd(tries, call, body, 5000)) as RangeAnswer;
    } catch (error) {
      if (tries > 20) throw error;
    }
  }
}

await everyMember('kv/deleterange');
const running = Promise.all([each(WRITE_EACH_MS, write), each(ASK_EACH_MS, askApi)]);
process.stdout.write('ready\n');
process.stdin.resume();
process.stdin.on('end', () => {
  stopping = true;
  void running.then(async () => {
    const range = await everyMember('kv/range');
    const found = new Set(
      (range.kvs ?? []).map((pair) => Number(Buffer.from(pair.key, 'base64').toString().slice(-8))),
    );
    await everyMember('kv/deleterange');
    const testimony: Testimony = {
      acknowledged: acknowledged.length,
      lost: acknowledged.filter((n) => !found.has(n)),
      writeGapMs: writes.longest,
      apiGapMs: answers.longest,
    };
    process.stdout.write(`${JSON.stringify(testimony)}\n`, () => process.exit(0));
  });
});
