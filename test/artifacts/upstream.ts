import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { openArtifacts, type OpenOptions } from '../../src/artifacts/open.ts';
import { openPins, type PinsOptions } from '../../src/artifacts/pins.ts';
import { cniPluginNames } from '../../src/core/cni-plugins.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import type { ArtifactIndex } from '../../src/states/stage.ts';

export const VERSIONS = { kubernetes: '1.37.1', etcd: '3.7.3', cniPlugins: '1.9.1' };
export const KUBERNETES = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'kubectl',
];

/** What mcpk lays on hosts, and one more. */
const CNI = [...cniPluginNames('bridge'), 'vlan'];

/** What this upstream serves, by its path. */
export const URLS = {
  kubelet: '/release/v1.37.1/bin/linux/amd64/kubelet',
  etcd: '/etcd/v3.7.3/etcd-v3.7.3-linux-amd64.tar.gz',
  cni: '/cni/v1.9.1/cni-plugins-linux-amd64-v1.9.1.tgz',
} as const;

export const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Big enough to be cut in the middle. */
export function program(name: string): Buffer {
  return Buffer.from(`${name}\n`.repeat(1_000));
}

/** A release server on 127.0.0.1 that serves what upstream's look like. */
export interface Upstream {
  url: string;
  /** path → body; tests damage or take away some. */
  files: Map<string, Buffer>;
  /** Paths whose next answer ends after half of the bytes, as soon as the promise holds. */
  cut: Map<string, () => Promise<void>>;
  /** Whether it answers requests for a part of a file with that part. */
  ranges: boolean;
  /** Paths that are answered with a part of the file, from this byte on, whatever was asked for. */
  parts: Map<string, number>;
  /** path → where its answer sends to. */
  redirects: Map<string, string>;
  /** What an answer waits for before its first byte. */
  hold?: (path: string) => Promise<void>;
  /** `path`, or `path from N`, of every request so far. */
  requests: string[];
  close(): Promise<void>;
}

export async function startUpstream(protocol: 'https' | 'http' = 'https'): Promise<Upstream> {
  const upstream: Upstream = {
    url: '',
    files: new Map((made ??= releases())),
    cut: new Map(),
    ranges: true,
    parts: new Map(),
    redirects: new Map(),
    requests: [],
    close: () => new Promise((done) => void server.close(() => done()).closeAllConnections()),
  };
  const answer: RequestListener = (request, response) => {
    const path = request.url ?? '';
    const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
    const part = upstream.parts.get(path);
    const range = part === undefined ? (upstream.ranges ? asked : null) : [path, String(part)];
    upstream.requests.push(`${path}${asked === null ? '' : ` from ${asked[1]}`}`);
    const location = upstream.redirects.get(path);
    if (location !== undefined) return void response.writeHead(302, { location }).end();
    if (path.startsWith('/moved/'))
      return void response.writeHead(302, { location: path.slice('/moved'.length) }).end();
    const whole = upstream.files.get(path);
    if (whole === undefined) return void response.writeHead(404).end();
    const start = Number(range?.[1] ?? 0);
    if (start >= whole.length) return void response.writeHead(416).end();
    const body = whole.subarray(start);
    response.writeHead(range === null ? 200 : 206, {
      'content-length': body.length,
      ...(range === null ? {} : { 'content-range': `bytes ${start}-${whole.length - 1}/${whole.length}` }),
    });
    const arrived = upstream.cut.get(path);
    if (arrived === undefined) return void response.end(body);
    upstream.cut.delete(path);
    response.write(body.subarray(0, body.length / 2));
    void arrived().finally(() => response.destroy());
  };
  const server = serverOf(protocol, (request, response) => {
    const held = upstream.hold?.(request.url ?? '');
    if (held === undefined) answer(request, response);
    else void held.then(() => answer(request, response));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  upstream.url = `${protocol}://127.0.0.1:${port}`;
  return upstream;
}

function serverOf(protocol: 'https' | 'http', listener: RequestListener): Server {
  if (protocol === 'http') return createHttpServer(listener);
  tls ??= ownTls();
  return createServer(tls, listener);
}

/** Making a key takes longer than any request. */
let tls: ServerOptions | undefined;

/** A certificate for 127.0.0.1 that this process trusts beside the machine's. */
function ownTls(): ServerOptions {
  const folder = mkdtempSync(join(tmpdir(), 'mcpk-tls-'));
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
  const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=upstream'];
  const about = ['-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2', '-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', '-x509', ...made, ...about], { stdio: 'pipe' });
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(cert, 'utf8')]);
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

/** Packing takes longer than any test. */
let made: Map<string, Buffer> | undefined;

function releases(): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const name of KUBERNETES) {
    const path = `/release/v1.37.1/bin/linux/amd64/${name}`;
    files.set(path, program(name));
    files.set(`${path}.sha256`, Buffer.from(sha256(program(name))));
  }
  const { etcd, cni } = URLS;
  const folder = 'etcd-v3.7.3-linux-amd64';
  files.set(etcd, archive([`${folder}/etcd`, `${folder}/etcdctl`, `${folder}/etcdutl`, `${folder}/README.md`]));
  files.set('/etcd/v3.7.3/SHA256SUMS', sums(files.get(etcd) ?? Buffer.of(), 'etcd-v3.7.3-linux-amd64.tar.gz'));
  files.set(cni, archive([...CNI, 'LICENSE'].map((name) => `./${name}`)));
  files.set(`${cni}.sha256`, sums(files.get(cni) ?? Buffer.of(), 'cni-plugins-linux-amd64-v1.9.1.tgz'));
  return files;
}

export function sums(bytes: Buffer, name: string): Buffer {
  return Buffer.from(`${'0'.repeat(64)}  another-file\n${sha256(bytes)}  ${name}\n`);
}

/** A tarball with these programs; `links` are symbolic links in place of files. */
export function archive(names: readonly string[], links: Readonly<Record<string, string>> = {}): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'mcpk-tar-'));
  try {
    for (const name of [...names, ...Object.keys(links)]) mkdirSync(join(folder, dirname(name)), { recursive: true });
    for (const name of names)
      writeFileSync(join(folder, name), program(name.slice(name.lastIndexOf('/') + 1)), { mode: 0o755 });
    for (const [name, target] of Object.entries(links)) symlinkSync(target, join(folder, name));
    execFileSync('tar', ['-czf', join(folder, 'out.tgz'), '-C', folder, ...names, ...Object.keys(links)]);
    return readFileSync(join(folder, 'out.tgz'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The part of a cluster that openArtifacts looks at; of an inventory beside the folder, unless another one is named. */
export function clusterWith(
  directory: string,
  mirror: string,
  download: boolean,
  more: { files?: readonly string[]; sha256?: Readonly<Record<string, string>> } = {},
): Cluster {
  return {
    versions: { ...VERSIONS },
    network: { plugin: 'bridge' },
    containerd: {},
    files: more.files ?? [join(directory, '../none.yaml')],
    artifacts: {
      directory,
      download,
      sha256: more.sha256 ?? {},
      mirrors: { kubernetes: `${mirror}/release/`, etcd: `${mirror}/etcd`, cniPlugins: `${mirror}/moved/cni` },
    },
  } as unknown as Cluster;
}

/** As a command does it: the pins, the binaries, and what was learned into the lock file. */
export async function openWithPins(
  cluster: Cluster,
  { update = false, locked = false, ...options }: Partial<OpenOptions & PinsOptions> = {},
): Promise<ArtifactIndex> {
  const pins = await openPins(cluster, { update, locked });
  const signal = new AbortController().signal;
  return openArtifacts(cluster, { arches: ['amd64'], signal, pins, ...options }).finally(() => pins.save());
}

const SHELVES = {
  'kubernetes/1.37.1': KUBERNETES,
  'etcd/3.7.3': ['etcd', 'etcdctl', 'etcdutl'],
  'cni-plugins/1.9.1': CNI,
};
type ShelfPath = keyof typeof SHELVES;
/** What is unpacked: each archive costs two processes of tar. */
export const ARCHIVES: readonly ShelfPath[] = ['etcd/3.7.3', 'cni-plugins/1.9.1'];

/** Fills the folder as an operator without a way out would: all files, each folder with its SHA256SUMS. */
export function stock(directory: string, paths = Object.keys(SHELVES) as readonly ShelfPath[]): void {
  for (const path of paths) {
    const shelf = join(directory, path, 'linux-amd64');
    const names = SHELVES[path];
    mkdirSync(shelf, { recursive: true });
    for (const name of names) writeFileSync(join(shelf, name), program(name), { mode: 0o755 });
    writeFileSync(join(shelf, 'SHA256SUMS'), names.map((name) => `${sha256(program(name))}  ${name}\n`).join(''));
  }
}
