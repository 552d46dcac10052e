/**
 * `npm run bench -- snapshot`: `mcpk etcd snapshot` of a large database, beside `etcdctl snapshot save` over the same
 * line (a port that OpenSSH's client forwards, with the same key exchange). snapshot/serve.sh says what is simulated.
 */
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CLONE } from '../lab/paths.ts';
import { readBundle } from '../src/core/etcd-bundle.ts';
import { spread, type Spread } from './measure.ts';
import { peakIn } from './peak.ts';
import { duration, spreadRow } from './report.ts';
import { ADDRESS, FOLDER, startEtcdHost, type EtcdHost } from './snapshot/host.ts';
import type { Options, Report } from './types.ts';

const MB = 1_000_000;
const DATABASE_BYTES = 500 * MB;

/** etcdctl over a forwarded port: its login is counted, as mcpk's is. */
const OVER_SSH = `
config=$1 address=$2 folder=$3 etcdctl=$4 to=$5
ssh -F "$config" -M -S "$folder/control" -f -N -L 127.0.0.1:23790:127.0.0.1:2379 -o ExitOnForwardFailure=yes "$address"
"$etcdctl" --endpoints=https://127.0.0.1:23790 --cacert="$folder/etcd-ca.crt" --cert="$folder/healthcheck-client.crt" \\
  --key="$folder/healthcheck-client.key" snapshot save "$to" >/dev/null 2>&1
code=$?
ssh -F "$config" -S "$folder/control" -O exit "$address" 2>/dev/null
exit $code`;

export async function snapshot({ quick, rounds, note }: Options): Promise<Report> {
  note('a host whose etcd has 500 MB');
  const host = await startEtcdHost(quick ? DATABASE_BYTES / 5 : DATABASE_BYTES);
  try {
    const mcpk: number[] = [];
    const etcdctl: number[] = [];
    const peaks: number[] = [];
    let bytes = 0;
    for (let round = 0; round <= (rounds ?? (quick ? 1 : 5)); round += 1) {
      const taken = await byMcpk(host);
      const saved = await byEtcdctl(host);
      note(`mcpk ${duration(taken.seconds)}, ${taken.peak.toFixed(0)} MB; etcdctl ${duration(saved)}`);
      // The first round warms the machine's memory.
      if (round === 0) continue;
      mcpk.push(taken.seconds);
      peaks.push(taken.peak);
      etcdctl.push(saved);
      bytes = taken.bytes;
    }
    return report({ mcpk: spread(mcpk), etcdctl: spread(etcdctl), peaks: spread(peaks), bytes });
  } finally {
    await host.stop();
    await rm(FOLDER, { recursive: true, force: true });
  }
}

async function byMcpk({ run, inventory }: EtcdHost): Promise<{ seconds: number; peak: number; bytes: number }> {
  const out = join(FOLDER, 'bundle.tar');
  const peak = await peakIn(FOLDER);
  await rm(out, { force: true });
  const { seconds } = await run(
    [process.execPath, join(CLONE, 'bin/run.js'), 'etcd', 'snapshot', '-i', inventory, '--out', out, '--json'],
    peak.env,
  );
  // Throws when it is not what was taken.
  const { snapshot: found } = await readBundle(out);
  return { seconds, peak: await peak.read(), bytes: found.size };
}

async function byEtcdctl({ run, sshConfig, binaries }: EtcdHost): Promise<number> {
  const folder = join(FOLDER, 'saved');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  const to = join(folder, 'snapshot.db');
  const { seconds } = await run([
    'sh',
    '-c',
    OVER_SSH,
    'sh',
    sshConfig,
    ADDRESS,
    FOLDER,
    join(binaries, 'etcdctl'),
    to,
  ]);
  await stat(to);
  return seconds;
}

interface Found {
  mcpk: Spread;
  etcdctl: Spread;
  peaks: Spread;
  bytes: number;
}

function report({ mcpk, etcdctl, peaks, bytes }: Found): Report {
  const row = (name: string, found: Spread, memory = ''): string[] =>
    spreadRow(name, found, `${(found.median / etcdctl.median).toFixed(2)} ×`, memory);
  return {
    tables: [
      {
        title: `A snapshot of ${(bytes / MB).toFixed(0)} MB`,
        head: ['whole process', 'median', 'spread', 'runs', 'to etcdctl', 'peak memory'],
        rows: [
          row('etcdctl snapshot save, over ssh -L', etcdctl),
          row('mcpk etcd snapshot', mcpk, `${peaks.max.toFixed(0)} MB`),
        ],
      },
    ],
    notes: [
      'mcpk also proves the snapshot by restoring it on the host, counts its keys, and puts it into a bundle with the keys of the masters; etcdctl only saves it. One member of etcd, sshd and both clients share the processors and the disk of this machine.',
    ],
  };
}
