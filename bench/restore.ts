/**
 * `npm run bench -- restore`: `mcpk etcd restore` of a large database over three masters, and how long the API is away
 * meanwhile, as a client finds it that asks all the time by way of the VIP.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exec, host } from '../lab/lab.ts';
import { CLONE } from '../lab/paths.ts';
import { ETCDCTL } from '../test/e2e/support/etcdctl.ts';
import { spread, type Spread } from './measure.ts';
import { CALICO, inventoryFlags, settle, writeKubeconfig } from './mcpk.ts';
import { duration, spreadRow } from './report.ts';
import type { Options, Report } from './types.ts';

const MB = 1_000_000;
const DATABASE_BYTES = 500 * MB;
/** Of one key; etcd takes 1.5 MiB at most. */
const VALUE_BYTES = MB;

const FILL = `set -eu
count=$1 bytes=$2; shift 2
while [ "$count" -gt 0 ]; do head -c "$bytes" /dev/urandom | "$@" put "/bench/$count" >/dev/null; count=$((count - 1)); done`;
const EMPTY = `"$@" del /bench/ --prefix >/dev/null`;

export async function restore({ quick, rounds, note }: Options): Promise<Report> {
  await settle(CALICO);
  await writeKubeconfig(CALICO);
  const folder = await mkdtemp(join(tmpdir(), 'mcpk-bench-'));
  const bundle = join(folder, 'bundle.mcpk-etcd.tar');
  const wholes: number[] = [];
  const aways: number[] = [];
  try {
    note('the cluster’s etcd gets 500 MB');
    await onMaster(FILL, String((quick ? DATABASE_BYTES / 5 : DATABASE_BYTES) / VALUE_BYTES), String(VALUE_BYTES));
    await mcpk('snapshot', '--out', bundle);
    for (let round = 0; round < (rounds ?? (quick ? 1 : 3)); round += 1) {
      const { whole, away } = await restored(bundle);
      note(`restored in ${duration(whole)}, the API was away for ${duration(away)}`);
      wholes.push(whole);
      aways.push(away);
    }
    return report((await stat(bundle)).size, spread(wholes), spread(aways));
  } finally {
    await onMaster(EMPTY).catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Seconds of the whole process, and from the first request that fails to the first that is answered for good. */
async function restored(bundle: string): Promise<{ whole: number; away: number }> {
  const asked: { at: number; ok: boolean }[] = [];
  let over = false;
  const client = (async () => {
    while (!over) {
      const at = performance.now();
      const { code } = await exec(['kubectl', 'get', 'namespace', 'default', '--request-timeout=1s']);
      asked.push({ at: code === 0 ? performance.now() : at, ok: code === 0 });
    }
  })();
  const started = performance.now();
  try {
    await mcpk('restore', bundle, '--yes', '--cluster', 'lab');
  } finally {
    over = true;
    await client;
  }
  const ended = performance.now();
  const first = asked.find(({ ok }) => !ok);
  const last = asked.findLastIndex(({ ok }) => !ok);
  const back = asked[last + 1];
  if (first === undefined || back === undefined) throw new Error('the API was never away, or is not back');
  return { whole: (ended - started) / 1000, away: (back.at - first.at) / 1000 };
}

async function mcpk(command: string, ...words: string[]): Promise<void> {
  const said = await exec(['mcpk', 'etcd', command, ...inventoryFlags(CALICO), ...words], { cwd: CLONE });
  if (said.code !== 0) throw new Error(`mcpk etcd ${command}: exit ${String(said.code)}\n${said.stderr}`);
}

async function onMaster(script: string, ...words: string[]): Promise<void> {
  const said = await host('m1', ['sh', '-c', script, 'sh', ...words, ...ETCDCTL]);
  if (said.code !== 0) throw new Error(`m1: ${said.stderr}`);
}

function report(bytes: number, whole: Spread, away: Spread): Report {
  return {
    tables: [
      {
        title: `A bundle of ${(bytes / MB).toFixed(0)} MB is restored on three masters`,
        head: ['', 'median', 'spread', 'runs'],
        rows: [spreadRow('mcpk etcd restore, whole process', whole), spreadRow('the API is away', away)],
      },
    ],
    notes: ['The three masters, their disks and the client are on this one machine.'],
  };
}
