/** What a master that holds the VIP goes through, and what clients of the API at the VIP see of it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { host, pauseHost, powerOff, powerOn, resumeHost } from '../../../lab/lab.ts';
import { onOperatorSide } from '../../../lab/operator.ts';
import { CLONE } from '../../../lab/paths.ts';
import { VIP } from '../../../lab/topology.ts';
import { DEFAULT_VERSIONS } from '../../../lab/versions.ts';
import { PATHS } from '../../../src/core/paths.ts';
import { holders } from '../../e2e/support/hosts.ts';
import { lead } from '../../e2e/support/etcdctl.ts';
import { eventually, kubectl, MASTERS, on } from '../../e2e/support/mcpk.ts';
import { watchedBy } from '../../e2e/support/watched-by.ts';
import { lay, POD } from '../../e2e/support/workloads.ts';
import type { Seen } from './vip-seen.ts';

const IMAGE = `docker.io/calico/node:v${DEFAULT_VERSIONS.calico}`;

export interface Stall {
  what: string;
  seconds: number;
  /** Whether the holder leads etcd when it begins; else that is left to chance. */
  leads?: boolean;
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
  images: `timeout "$1" sh -c 'while :; do ctr -n bench images pull --hosts-dir /etc/containerd/certs.d ${IMAGE}; ctr -n bench images rm --sync ${IMAGE}; done' || :; ctr -n bench images rm --sync ${IMAGE} || :`,
} as const;

export async function loaded(holder: string, command: string, seconds: number): Promise<() => Promise<void>> {
  await on(holder, 'sh', '-ec', 'command -v stress-ng || apt-get install -qy stress-ng');
  const load = host(holder, ['sh', '-c', command, 'sh', String(seconds)], { timeout: (seconds + 60) * 1000 });
  return async () => {
    await load;
  };
}

/** All hosts share the machine's processors, which a worker saturates. */
export async function withoutPowerUnderLoad(holder: string): Promise<() => Promise<void>> {
  const ended = await loaded('w1', LOADS.processors, 20);
  await eventually(
    'the load is there',
    20,
    async () => (await host('w1', ['pgrep', '-c', 'stress-ng-cpu'])).stdout.trim() === '8' || undefined,
  );
  const repair = await withoutPower(holder);
  return async () => {
    await repair();
    await ended();
  };
}

/** Two hundred pods at once, on all nodes. */
export async function manyPods(): Promise<() => Promise<void>> {
  const labels = { app: 'many' };
  const template = { metadata: { labels }, spec: { ...POD, tolerations: [{ operator: 'Exists' }] } };
  await lay({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace: 'default', name: 'many' },
    spec: { replicas: 200, selector: { matchLabels: labels }, template },
  });
  return async () => {
    await kubectl('rollout', 'status', 'deployment/many', '--timeout=10m');
    await kubectl('delete', 'deployment', 'many', '--cascade=foreground', '--timeout=10m');
  };
}

/** What comes after a stall belongs to it: a VIP that goes back, the connections that it resets. */
const AFTERMATH_MS = 3000;

/** Lets it happen to the holder of the VIP while clients look on. */
export async function observed({ seconds, leads, begin }: Stall): Promise<Observed> {
  const holder = await settled();
  if (leads !== undefined) await lead(MASTERS.find((name) => (name === holder) === leads) ?? holder);
  const before = await counts();
  const folder = await mkdtemp(join(tmpdir(), 'mcpk-clients-'));
  const authority = join(folder, 'ca.crt');
  await writeFile(authority, await on('m1', 'cat', `${PATHS.pki}/ca.crt`));
  const clients = [process.execPath, join(CLONE, 'test/faults/support/vip-clients.ts'), VIP, authority];
  const seen = await watchedBy<Seen>(onOperatorSide(clients), async () => {
    const end = await begin(holder);
    await sleep(seconds * 1000);
    await end();
    await settled();
    await sleep(AFTERMATH_MS);
  }).finally(() => rm(folder, { recursive: true }));
  const after = await counts();
  return { ...seen, moves: after.moves - before.moves, elections: after.elections - before.elections };
}

/** The only holder of the VIP, once the API answers there. */
function settled(): Promise<string> {
  return eventually('the VIP is on one master, and the API answers there', 300, async () => {
    const ready = await kubectl('get', '--raw', '/readyz', '--request-timeout=2s').catch(() => '');
    const [holder, ...others] = await holders(MASTERS);
    return ready === 'ok' && others.length === 0 ? holder : undefined;
  });
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
