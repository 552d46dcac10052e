/** What a master that holds the VIP goes through, and what clients of the API at the VIP see of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { exec, host, pauseHost, powerOff, powerOn, resumeHost } from '../../../lab/lab.ts';
import { onOperatorSide } from '../../../lab/operator.ts';
import { CLONE } from '../../../lab/paths.ts';
import { VIP } from '../../../lab/topology.ts';
import { PATHS } from '../../../src/core/paths.ts';
import type { Seen } from './vip-seen.ts';

const MASTERS = ['m1', 'm2', 'm3'] as const;

export interface Stall {
  what: string;
  seconds: number;
  /** Begins it on the holder; gives what ends it. */
  begin: (holder: string) => Promise<() => Promise<unknown>>;
}

export interface Observed extends Seen {
  /** How often a master took the VIP. */
  moves: number;
  /** How often a member of etcd became leader. */
  elections: number;
}

/** Nothing runs on it, as on a virtual machine that is paused. */
export function paused(holder: string): Promise<() => Promise<void>> {
  pauseHost(holder);
  return Promise.resolve(() => Promise.resolve(resumeHost(holder)));
}

export async function keepalivedStopped(holder: string): Promise<() => Promise<string>> {
  await on(holder, 'pkill', '-STOP', '-x', 'keepalived');
  return () => on(holder, 'pkill', '-CONT', '-x', 'keepalived');
}

export async function withoutPower(holder: string): Promise<() => Promise<void>> {
  await powerOff(holder);
  return () => powerOn(holder);
}

/** Each a script that ends by itself after `$1` seconds. */
export const LOADS = {
  processors: 'exec stress-ng --quiet --cpu 8 --vm 2 --vm-bytes 64M --timeout "$1"',
  disk: 'exec stress-ng --quiet --hdd 4 --hdd-bytes 64M --hdd-opts fsync --timeout "$1"',
  packages:
    'apt-get install -qy socat jq curl rsync; timeout "$1" sh -c "while :; do apt-get install --reinstall -qy socat jq curl rsync; done" || :',
  images:
    'timeout "$1" sh -c "while :; do ctr -n bench images pull --hosts-dir /etc/containerd/certs.d docker.io/calico/node:v3.28.5; ctr -n bench images rm --sync docker.io/calico/node:v3.28.5; done" || :; ctr -n bench images rm --sync docker.io/calico/node:v3.28.5 || :',
} as const;

export async function loaded(holder: string, command: string, seconds: number): Promise<() => Promise<void>> {
  await on(holder, 'sh', '-ec', 'command -v stress-ng || apt-get install -qy stress-ng');
  const load = host(holder, ['sh', '-c', command, 'sh', String(seconds)], { timeout: (seconds + 60) * 1000 });
  return async () => {
    await load;
  };
}

/** Two hundred pods at once, on all nodes. */
export async function manyPods(): Promise<() => Promise<void>> {
  const labels = { app: 'many' };
  const containers = [{ name: 'sleep', image: 'docker.io/library/busybox:1', command: ['sleep', '86400'] }];
  const spec = { terminationGracePeriodSeconds: 1, tolerations: [{ operator: 'Exists' }], containers };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace: 'default', name: 'many' },
    spec: { replicas: 200, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
  await kubectl(['create', '-f', '-'], JSON.stringify(deployment));
  return async () => {
    await kubectl(['rollout', 'status', 'deployment/many', '--timeout=10m']);
    await kubectl(['delete', 'deployment', 'many', '--cascade=foreground', '--timeout=10m']);
  };
}

async function kubectl(words: string[], input?: string): Promise<void> {
  const said = await exec(['kubectl', ...words], input === undefined ? {} : { input });
  if (said.code !== 0) throw new Error(`kubectl ${words.join(' ')}: exit ${String(said.code)}\n${said.stderr}`);
}

/** Lets it happen to the holder of the VIP while clients look on. */
export async function observed({ seconds, begin }: Stall): Promise<Observed> {
  const holder = await settled();
  const before = await counts();
  const client = await watching();
  await sleep(1000);
  const end = await begin(holder);
  await sleep(seconds * 1000);
  await end();
  // What comes after a stall belongs to it: the VIP that goes back, the connections that it resets.
  await settled();
  await sleep(3000);
  const seen = await client.end();
  const after = await counts();
  return { ...seen, moves: after.moves - before.moves, elections: after.elections - before.elections };
}

/** The only holder of the VIP, once all masters answer there. */
async function settled(): Promise<string> {
  for (let look = 0; look < 600; look += 1) {
    const said = await exec(['kubectl', 'get', '--raw', '/readyz', '--request-timeout=2s']);
    const holds = await Promise.all(
      MASTERS.map(async (name) => {
        const { code, stdout } = await host(name, ['ip', '-o', '-4', 'addr', 'show', 'to', VIP]);
        return code === 0 && stdout !== '' ? [name] : [];
      }),
    );
    const [holder, ...others] = holds.flat();
    if (said.code === 0 && holder !== undefined && others.length === 0) return holder;
    await sleep(200);
  }
  throw new Error('the VIP does not come to rest on one master');
}

/** Since the journals began. */
async function counts(): Promise<{ moves: number; elections: number }> {
  const lines = async (unit: string, text: string): Promise<number> => {
    const script = `journalctl -u "$1" -o cat | grep -c "$2" || :`;
    const each = await Promise.all(MASTERS.map((name) => on(name, 'sh', '-c', script, 'sh', unit, text)));
    return each.reduce((sum, text) => sum + Number(text), 0);
  };
  return {
    moves: await lines('keepalived', 'Entering MASTER STATE'),
    elections: await lines('etcd', 'became leader at term'),
  };
}

async function watching(): Promise<{ end: () => Promise<Seen> }> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpk-clients-'));
  const authority = join(folder, 'ca.crt');
  await writeFile(authority, await on('m1', 'cat', `${PATHS.pki}/ca.crt`));
  const words = [process.execPath, join(CLONE, 'test/faults/support/vip-clients.ts'), VIP, authority];
  const [command = '', ...args] = onOperatorSide(words);
  const client = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: client.stdout });
  const said: string[] = [];
  lines.on('line', (line) => said.push(line));
  const closed = once(client, 'close');
  await Promise.race([once(lines, 'line'), closed]);
  return {
    async end() {
      client.stdin.end();
      await closed;
      await rm(folder, { recursive: true });
      return JSON.parse(said.at(-1) ?? '') as Seen;
    },
  };
}

async function on(name: string, ...argv: string[]): Promise<string> {
  const said = await host(name, argv);
  if (said.code !== 0) throw new Error(`${name}: ${argv.join(' ')}: exit ${String(said.code)}\n${said.stderr}`);
  return said.stdout;
}
