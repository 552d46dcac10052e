import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGroups, processesIn, removeGroups } from './cgroups.ts';
import { LabError } from './errors.ts';
import { hostKeyOf, OPERATOR_KEY } from './keys.ts';
import { freeze, layersIn } from './layers.ts';
import { exists } from './machine.ts';
import { isMounted, removeFolder, unmount } from './mounts.ts';
import { createHostSide, netnsOf, netnsPath, removeHostSide, setLink } from './network.ts';
import { CLONE, MEMORY, STATE } from './paths.ts';
import { children, identify, running, signal, startDetached, waitUntilGone, type ProcessId } from './processes.ts';
import { capture, run } from './run.ts';
import { HOSTS, type HostSpec } from './topology.ts';

const BOOT_TIMEOUT = 60_000;

/** Folders that must not lie on an overlay: containerd's snapshots and etcd's database would not work there. */
const PLAIN = ['containerd', 'kubelet', 'etcd'];

const folderOf = (name: string): string => join(STATE, 'hosts', name);
const memoryOf = (name: string): string => join(MEMORY, 'hosts', name);

/** Where a host's folders below /var/lib that do not lie on its overlay lie on the machine, by their name there. */
export function plainFoldersOf(name: string): Record<string, string> {
  return Object.fromEntries(
    PLAIN.map((plain) => [plain, join(plain === 'etcd' ? memoryOf(name) : folderOf(name), 'data', plain)]),
  );
}

/** The host's own file system as the machine sees it, valid while the host is set up. */
export const rootOf = (name: string): string => join(folderOf(name), 'root');
/** Lists what was written until the host was saved: lower layers of its disk (lab/layers.ts). */
export const layerListOf = (name: string): string => join(folderOf(name), 'layers');
const upperOf = (name: string): string => join(folderOf(name), 'upper');
const pidFileOf = (name: string): string => join(folderOf(name), 'pid');
const consoleOf = (name: string): string => join(folderOf(name), 'console.log');

export function hostNamed(name: string): HostSpec {
  const host = HOSTS.find((candidate) => candidate.name === name);
  if (host !== undefined) return host;
  throw new LabError(`the lab has no host "${name}"`, {
    hint: `its hosts are ${HOSTS.map((one) => one.name).join(', ')}`,
  });
}

/** The nspawn process of a host that is on. */
export function poweredOn(name: string): Promise<ProcessId | undefined> {
  return running(pidFileOf(name));
}

/** Boots a host from its disk, or from the bare image when it has none, and waits until sshd listens. */
export async function boot(host: HostSpec, image: string): Promise<void> {
  if ((await poweredOn(host.name)) !== undefined) return;
  await mountDisk(host, image);
  await createHostSide(host);
  const groups = createGroups(host.name);
  const nspawn = await startDetached(
    [join(CLONE, 'lab', 'enter-groups.sh'), ...groups, '--', ...nspawnArguments(host)],
    {
      log: consoleOf(host.name),
      pidFile: pidFileOf(host.name),
      // Not `network`: kubelet writes vm.overcommit_memory and kernel.panic.
      env: { SYSTEMD_NSPAWN_API_VFS_WRITABLE: 'yes' },
    },
  );
  await waitForSsh(host, nspawn);
}

function nspawnArguments(host: HostSpec): string[] {
  return [
    'systemd-nspawn',
    '--quiet',
    `--directory=${rootOf(host.name)}`,
    `--machine=${host.name}`,
    `--network-namespace-path=${netnsPath(netnsOf(host.name))}`,
    '--capability=all',
    '--system-call-filter=@keyring bpf',
    '--boot',
    '--register=no',
    '--keep-unit',
    '--settings=no',
    '--link-journal=no',
    '--resolv-conf=off',
    '--timezone=off',
    '--console=passive',
    ...Object.entries(plainFoldersOf(host.name)).map(([name, path]) => `--bind=${path}:/var/lib/${name}`),
  ];
}

async function mountDisk(host: HostSpec, image: string): Promise<void> {
  const { name } = host;
  const upper = upperOf(name);
  const work = join(folderOf(name), 'work');
  const folders = [upper, work, rootOf(name), ...Object.values(plainFoldersOf(name))];
  for (const folder of folders) await mkdir(folder, { recursive: true });
  if (isMounted(rootOf(name))) return;
  const lower = [...(await layersIn(layerListOf(name))).reverse(), image].join(':');
  // As on a disk, a folder can be renamed, also one that lies in a lower layer.
  const options = `redirect_dir=on,lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  await run(['mount', '-t', 'overlay', '-o', options, 'overlay', rootOf(name)]);
  if (!(await exists(join(rootOf(name), 'etc', 'machine-id')))) await personalise(host);
}

/** What tells a host from its siblings, and the key that lets the operator in. */
async function personalise(host: HostSpec): Promise<void> {
  const root = rootOf(host.name);
  const etc = join(root, 'etc');
  await writeFile(join(etc, 'machine-id'), `${randomBytes(16).toString('hex')}\n`);
  await writeFile(join(etc, 'hostname'), `${host.name}\n`);
  await writeFile(
    join(etc, 'hosts'),
    `127.0.0.1\tlocalhost\n127.0.1.1\t${host.name}\n::1\tlocalhost ip6-localhost ip6-loopback\n`,
  );
  await copyFile(hostKeyOf(host.name), join(etc, 'ssh', 'ssh_host_ed25519_key'));
  await chmod(join(etc, 'ssh', 'ssh_host_ed25519_key'), 0o600);
  await copyFile(`${hostKeyOf(host.name)}.pub`, join(etc, 'ssh', 'ssh_host_ed25519_key.pub'));
  for (const line of (await readFile(join(etc, 'passwd'), 'utf8')).split('\n')) {
    const [user, , uid, gid, , home] = line.split(':');
    if (user === undefined || home === undefined || !['root', 'ops', 'pw'].includes(user)) continue;
    await authorise(join(root, home), Number(uid), Number(gid));
  }
}

async function authorise(home: string, uid: number, gid: number): Promise<void> {
  const folder = join(home, '.ssh');
  const file = join(folder, 'authorized_keys');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await copyFile(`${OPERATOR_KEY}.pub`, file);
  await chmod(file, 0o600);
  for (const path of [folder, file]) await chown(path, uid, gid);
}

/** Pid 1 of a host as the machine numbers it. */
export function initOf(host: string, nspawn: ProcessId): number | undefined {
  return [...children(nspawn.pid), ...processesIn(host)].find(isFirstInItsNamespace);
}

function isFirstInItsNamespace(pid: number): boolean {
  try {
    const own = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.split(/\s+/) ?? [];
    return own.length > 1 && own.at(-1) === '1';
  } catch {
    return false;
  }
}

async function waitForSsh(host: HostSpec, nspawn: ProcessId): Promise<void> {
  const deadline = Date.now() + BOOT_TIMEOUT;
  for (;;) {
    const init = initOf(host.name, nspawn);
    if (init !== undefined && listensOnSsh(init)) return;
    const ended = (await poweredOn(host.name)) === undefined;
    if (ended || Date.now() > deadline) {
      throw new LabError(
        `${host.name}: ${ended ? 'systemd-nspawn ended during boot' : `sshd does not listen after ${BOOT_TIMEOUT / 1000} s`}\n  ${lastLines(consoleOf(host.name))}`,
        { hint: `the whole console is in ${consoleOf(host.name)}; start over with: npm run lab -- down` },
      );
    }
    await sleep(25);
  }
}

/** Looks into the host's socket table from outside: it costs nothing while the host is busy booting. */
function listensOnSsh(init: number): boolean {
  try {
    const table = readFileSync(`/proc/${init}/net/tcp`, 'utf8') + readFileSync(`/proc/${init}/net/tcp6`, 'utf8');
    return /^\s*\d+: [0-9A-F]+:0016 [0-9A-F:]+ 0A /m.test(table);
  } catch {
    return false;
  }
}

function lastLines(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim().split('\n').slice(-12).join('\n  ');
  } catch {
    return '(no console output)';
  }
}

/** Power loss: the cable first, so that no connection is closed in good order, then everything at once. */
export async function cutPower(name: string): Promise<void> {
  const nspawn = await poweredOn(name);
  if (nspawn !== undefined) {
    await setLink(name, 'down').catch(() => undefined);
    const init = initOf(name, nspawn);
    const target = init === undefined ? nspawn : identify(init);
    if (target !== undefined) signal(target, 'SIGKILL');
    if (!(await waitUntilGone(nspawn, 5_000))) signal(nspawn, 'SIGKILL');
    await waitUntilGone(nspawn, 5_000);
  }
  await removeHostSide(name);
  if (!(await removeGroups(name))) {
    throw new LabError(`${name}: processes ${processesIn(name).join(', ')} of it outlived its power loss`);
  }
  await rm(pidFileOf(name), { force: true });
}

/** What keeps data, and what would start it or miss it. */
const WRITERS = [
  'kubelet',
  'kube-proxy',
  'keepalived',
  'haproxy',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-apiserver',
  'etcd',
  'containerd',
].map((name) => `${name}.service`);

/**
 * A whole shutdown takes minutes: kubelet and its pods hold each other's mounts, an API server says goodbye to its
 * clients for a minute. So what writes is stopped, an API server, which keeps nothing itself, by force, and the rest
 * loses its power.
 */
const STOP = `
units=$(systemctl list-units --plain --no-legend --state=active,activating,reloading,deactivating "$@" | cut -d ' ' -f 1)
if [ -n "$units" ]; then
  systemctl stop --no-block $units
  systemctl kill --signal=KILL kube-apiserver.service 2>/dev/null
  timeout 30 systemctl stop $units || systemctl kill --signal=KILL $units
fi
journalctl --sync`;

/** Stops what keeps data on a host that is on, then turns its power off. */
export async function stop(name: string): Promise<void> {
  await capture(await onHost(name, ['sh', '-c', STOP, 'sh', ...WRITERS]), { timeout: 60_000 });
  await cutPower(name);
}

/** What a powered-off host wrote since it was saved last becomes a layer: others may share it, its next boot adds to it. */
export async function freezeDisk(name: string): Promise<void> {
  await unmountDisk(name);
  if (await exists(upperOf(name))) await freeze(upperOf(name), layerListOf(name));
}

/** Takes a powered-off host's disk away: its next boot is that of a bare host. */
export async function removeDisk(name: string): Promise<void> {
  await removeFolder(folderOf(name));
  await removeFolder(memoryOf(name));
}

export async function unmountDisk(name: string): Promise<void> {
  await unmount(rootOf(name));
}

/** Names of all hosts that left a folder in the state directory, also ones that this version does not know. */
export function hostsWithState(): string[] {
  try {
    return readdirSync(join(STATE, 'hosts'));
  } catch {
    return [];
  }
}

/** The words that run a command on a host that is on, beside and not through its sshd. */
export async function onHost(name: string, argv: readonly string[]): Promise<string[]> {
  const nspawn = await poweredOn(hostNamed(name).name);
  const init = nspawn === undefined ? undefined : initOf(name, nspawn);
  if (init === undefined) throw new LabError(`${name} is off`, { hint: 'start what is off with: npm run lab -- up' });
  const environment = [
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    'HOME=/root',
    'LANG=C.UTF-8',
    `TERM=${process.env['TERM'] ?? 'dumb'}`,
  ];
  const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--root', '--wd'];
  return ['nsenter', '--target', String(init), ...namespaces, '--', '/usr/bin/env', '-i', ...environment, ...argv];
}
