/**
 * `npm run bench -- fetch`: `mcpk artifacts fetch` of Kubernetes' six programs from a server on this machine, beside curl
 * and sha256sum for the same files. Needs no lab.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { CLONE } from '../lab/paths.ts';
import { capture } from '../lab/run.ts';
import { ARCHIVES, KUBERNETES, stock, VERSIONS } from '../test/artifacts/upstream.ts';
import { interleaved, spread, type Contestant, type Outcome } from './measure.ts';
import { peakIn, type Peak } from './peak.ts';
import { failures, raceHead, raceRows } from './report.ts';
import type { Options, Report } from './types.ts';

const MB = 1_000_000;
const FILE_BYTES = 100 * MB;

/** One file after the other, then the sums. */
const CURL = `set -eu
curl -fsS --remote-name-all "$@"
sha256sum --check --quiet ../SHA256SUMS`;
/** The best that a shell does on these two processors. */
const CURL_PARALLEL = `set -eu
curl -fsS --parallel --parallel-max 4 --remote-name-all "$@"
split -n l/2 ../SHA256SUMS sums-
ls sums-* | xargs -n 1 -P 2 sha256sum --check --quiet`;

const [SERIAL, PARALLEL, MCPK] = [
  'curl, then sha256sum',
  'curl --parallel, then two sha256sum',
  'mcpk artifacts fetch',
];

export async function fetch({ quick, rounds, note }: Options): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'mcpk-bench-'));
  const bytes = quick ? FILE_BYTES / 5 : FILE_BYTES;
  const server = await startServer(bytes);
  try {
    const peak = await peakIn(folder);
    const peaks: number[] = [];
    const contestants = {
      [SERIAL]: byCurl(CURL, server, folder),
      [PARALLEL]: byCurl(CURL_PARALLEL, server, folder),
      [MCPK]: await byMcpk(server, folder, { peak, peaks }),
    };
    await writeFile(join(folder, 'SHA256SUMS'), KUBERNETES.map((name) => `${server.sha256}  ${name}\n`).join(''));
    const outcomes = await interleaved({ warm: 1, counted: rounds ?? (quick ? 1 : 5) }, contestants, note);
    return report(outcomes, spread(peaks).max, bytes);
  } finally {
    server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Server {
  url: string;
  /** Of each file. */
  sha256: string;
  stop(): void;
}

async function startServer(bytes: number): Promise<Server> {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(
    process.execPath,
    [join(import.meta.dirname, 'fetch/serve.ts'), String(bytes)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { port, sha256 } = JSON.parse(line.toString()) as { port: number; sha256: string };
  return { url: `http://127.0.0.1:${String(port)}`, sha256, stop: () => void child.stdin.end() };
}

function urlsOf({ url }: Server): string[] {
  return KUBERNETES.map((name) => `${url}/v${VERSIONS.kubernetes}/bin/linux/amd64/${name}`);
}

function byCurl(script: string, server: Server, folder: string): Contestant {
  const cwd = join(folder, 'curl');
  return {
    argv: ['sh', '-c', script, 'sh', ...urlsOf(server)],
    cwd,
    run: capture,
    async before() {
      await rm(cwd, { recursive: true, force: true });
      await mkdir(cwd);
    },
  };
}

async function byMcpk(
  server: Server,
  folder: string,
  { peak, peaks }: { peak: Peak; peaks: number[] },
): Promise<Contestant> {
  const [inventory, directory] = [join(folder, 'bench.yaml'), join(folder, 'artifacts')];
  await writeFile(inventory, inventoryText(server, directory));
  stock(directory, ARCHIVES);
  return {
    argv: [process.execPath, join(CLONE, 'bin/run.js'), 'artifacts', 'fetch', '-i', inventory],
    env: peak.env,
    run: capture,
    before: () => rm(join(directory, 'kubernetes'), { recursive: true, force: true }),
    async check() {
      peaks.push(await peak.read());
      const sums = await readFile(join(directory, 'kubernetes', VERSIONS.kubernetes, 'linux-amd64/SHA256SUMS'), 'utf8');
      if (sums.trim().split('\n').length !== KUBERNETES.length) throw new Error(`not all was fetched:\n${sums}`);
    },
  };
}

/** JSON is YAML. */
function inventoryText({ url, sha256 }: Server, directory: string): string {
  const pinned = KUBERNETES.map((name) => [`kubernetes/${VERSIONS.kubernetes}/linux-amd64/${name}`, sha256]);
  return JSON.stringify({
    apiVersion: 'mcpk/v1',
    kind: 'Cluster',
    name: 'bench',
    hosts: [{ name: 'm1', address: '10.79.0.11', roles: ['master'] }],
    network: { plugin: 'none' },
    containerd: { source: 'package' },
    versions: VERSIONS,
    artifacts: {
      directory,
      mirrors: { kubernetes: url },
      sha256: Object.fromEntries(pinned) as Record<string, string>,
    },
  });
}

function report(outcomes: ReadonlyMap<string, Outcome>, peak: number, bytes: number): Report {
  const beside = [SERIAL, PARALLEL];
  const memory = (name: string | undefined): string => (name === MCPK ? `${peak.toFixed(0)} MB` : '');
  return {
    tables: [
      {
        title: `${String(KUBERNETES.length)} files of ${String(bytes / MB)} MB each`,
        head: [...raceHead(beside), 'peak memory'],
        rows: raceRows(outcomes, beside).map((row) => [...row, memory(row[0])]),
      },
    ],
    notes: [
      'By http from a server of Node on this machine, which shares the processors; each file is held to its sha256 in the inventory.',
      ...failures(outcomes),
    ],
  };
}
