/**
 * `npm run bench -- stalls`: which stalls of the master that holds the VIP move it, and what its clients see of them.
 * Everything of the host stops (as a paused virtual machine does), Keepalived alone does, its processors or its disk
 * are saturated, or its power is gone.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { exec, host, pauseHost, powerOff, powerOn, resumeHost } from '../lab/lab.ts';
import { onOperatorSide } from '../lab/operator.ts';
import { CLONE } from '../lab/paths.ts';
import { VIP } from '../lab/topology.ts';
import { CALICO, settle, writeKubeconfig } from './mcpk.ts';
import { duration } from './report.ts';
import type { Seen } from './stalls/seen.ts';
import type { Options, Report } from './types.ts';

const MASTERS = ['m1', 'm2', 'm3'] as const;
/** How long a holder stops for, s. */
const LENGTHS = [0.2, 0.5, 0.8, 0.95, 1.5, 2, 3, 5];
/** Of load that goes on, s; the issue of a saturated node is one of minutes. */
const LOAD_SECONDS = 600;
const QUICK_LOAD_SECONDS = 20;

interface Stall {
  what: string;
  seconds: number;
  /** Begins it on the holder; gives what ends it. */
  begin: (holder: string) => Promise<() => Promise<unknown>>;
}

interface Observed extends Seen {
  /** How often a master took the VIP. */
  moves: number;
  /** How often members of etcd saw another leader. */
  elections: number;
}

export async function stalls({ quick, rounds, note }: Options): Promise<Report> {
  await settle(CALICO);
  await writeKubeconfig(CALICO);
  const folder = await mkdtemp(join(tmpdir(), 'mcpk-bench-'));
  const rows: string[][] = [];
  try {
    const authority = join(folder, 'ca.crt');
    await writeFile(authority, await onHost('m1', 'cat', '/etc/kubernetes/pki/ca.crt'));
    for (const stall of all(quick)) {
      const runs: Observed[] = [];
      for (let round = 0; round < (rounds ?? (quick ? 1 : 3)); round += 1) {
        const seen = await observed(stall, authority);
        note([stall.what, duration(stall.seconds), ...cells([seen])].join('  '));
        runs.push(seen);
      }
      rows.push([stall.what, duration(stall.seconds), ...cells(runs)]);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const head = [
    'what stops',
    'for',
    'the VIP moved',
    'resets of one kept connection',
    'no answer on new ones',
    'etcd elections',
  ];
  return {
    tables: [{ title: 'Stalls of the master that holds the VIP', head, rows }],
    notes: ['Each figure is the worst of its runs. Eight clients keep a connection; another makes one each 50 ms.'],
  };
}

function cells(runs: readonly Observed[]): string[] {
  const most = (of: (seen: Observed) => number): number => Math.max(...runs.map(of));
  return [
    String(most(({ moves }) => moves)),
    String(most(({ resets }) => Math.max(...resets))),
    duration(most(({ silentMs }) => silentMs) / 1000),
    String(most(({ elections }) => elections)),
  ];
}

function all(quick: boolean): Stall[] {
  const lengths = quick ? [0.5, 0.95, 2] : LENGTHS;
  const whole = lengths.map((seconds) => ({ what: 'the whole host', seconds, begin: paused }));
  const alone = lengths.map((seconds) => ({ what: 'Keepalived alone', seconds, begin: keepalivedStopped }));
  const loadSeconds = quick ? QUICK_LOAD_SECONDS : LOAD_SECONDS;
  const loads = Object.entries(LOADS).map(([what, command]) => ({
    what,
    seconds: loadSeconds,
    begin: (holder: string) => loaded(holder, command, loadSeconds),
  }));
  return [...whole, ...alone, ...loads, { what: 'power', seconds: 10, begin: withoutPower }];
}

function paused(holder: string): Promise<() => Promise<void>> {
  pauseHost(holder);
  return Promise.resolve(() => Promise.resolve(resumeHost(holder)));
}

async function keepalivedStopped(holder: string): Promise<() => Promise<string>> {
  await onHost(holder, 'pkill', '-STOP', '-x', 'keepalived');
  return () => onHost(holder, 'pkill', '-CONT', '-x', 'keepalived');
}

async function withoutPower(holder: string): Promise<() => Promise<void>> {
  await powerOff(holder);
  return () => powerOn(holder);
}

/** Each a script that ends by itself after `$1` seconds. */
const LOADS: Readonly<Record<string, string>> = {
  'its processors are saturated': 'exec stress-ng --quiet --cpu 8 --vm 2 --vm-bytes 64M --timeout "$1"',
  'its disk is saturated': 'exec stress-ng --quiet --hdd 4 --hdd-bytes 64M --hdd-opts fsync --timeout "$1"',
  'packages are unpacked':
    'timeout "$1" sh -c "while :; do apt-get install --reinstall -y haproxy-doc socat jq curl rsync; done" || :',
};

async function loaded(holder: string, command: string, seconds: number): Promise<() => Promise<void>> {
  await onHost(holder, 'sh', '-ec', 'command -v stress-ng || apt-get install -qy stress-ng');
  const load = host(holder, ['sh', '-c', command, 'sh', String(seconds)], { timeout: (seconds + 60) * 1000 });
  return async () => {
    await load;
  };
}

/** Lets it happen to the holder while clients look on. */
async function observed({ seconds, begin }: Stall, authority: string): Promise<Observed> {
  const holder = await settled();
  const before = await counts();
  const client = await watching(authority);
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
    const each = await Promise.all(MASTERS.map((name) => onHost(name, 'sh', '-c', script, 'sh', unit, text)));
    return each.reduce((sum, text) => sum + Number(text), 0);
  };
  return {
    moves: await lines('keepalived', 'Entering MASTER STATE'),
    elections: await lines('etcd', 'became leader at term'),
  };
}

async function watching(authority: string): Promise<{ end: () => Promise<Seen> }> {
  const words = [process.execPath, join(CLONE, 'bench/stalls/client.ts'), VIP, authority];
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
      return JSON.parse(said.at(-1) ?? '') as Seen;
    },
  };
}

async function onHost(name: string, ...argv: string[]): Promise<string> {
  const said = await host(name, argv);
  if (said.code !== 0) throw new Error(`${name}: ${argv.join(' ')}: exit ${String(said.code)}\n${said.stderr}`);
  return said.stdout;
}
