/**
 * The lab as its command line and the end-to-end tests drive it. All functions work from the machine's
 * own namespaces, not from inside `lab exec`: what they mount must be seen by all.
 */
import { copyFile, mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureBinaries, type Binaries } from './binaries.ts';
import { removeGroups, setFrozen } from './cgroups.ts';
import { ensureStore, type Store } from './containers.ts';
import { LabError } from './errors.ts';
import { boot, cutPower, hostNamed, hostsWithState, onHost, poweredOn, removeDisk, unmountDisk } from './hosts.ts';
import { ensureImage, imageInUse, setImageInUse } from './image.ts';
import { ensureKeys } from './keys.ts';
import { withLock } from './lock.ts';
import { ensurePrograms, exists, unfit } from './machine.ts';
import {
  createOperatorSide,
  netnsPath,
  OPERATOR_NETNS,
  operatorSideIsUp,
  removeNetns,
  setLink,
  setNetem,
} from './network.ts';
import { CALICO_MANIFEST, KUBECONFIG, onOperatorSide, operatorEnvironment, writeCommands } from './operator.ts';
import { MEMORY, STATE } from './paths.ts';
import { sweepLayers } from './saved.ts';
import { registryProcess, startRegistry, stopRegistry } from './registry.ts';
import { capture, type RunOptions, type RunResult } from './run.ts';
import { restoreSysctls, saveSysctls } from './sysctls.ts';
import { HOSTS } from './topology.ts';
import type { Component } from './versions.ts';

export { unfit };

const SYSCTL_FILE = join(STATE, 'sysctls.json');
const NETNS_MARK = join(STATE, 'made-run-netns');
/** There while the hosts' disks are exchanged for saved ones, with the name of these. */
export const LOADING = join(STATE, 'loading');

/** What the cluster of the lab is made of, besides Debian's packages. */
const COMPONENTS: readonly Component[] = [
  'etcd',
  'cni-plugins',
  'containerd',
  'runc',
  'coredns',
  'calico',
  'kubernetes',
];

/** One finished part of `up`, or news from one that takes long (then without seconds). */
export interface Progress {
  part: string;
  text: string;
  seconds?: number;
}

export type OnProgress = (progress: Progress) => void;
export const silent: OnProgress = () => undefined;

/** Gets what is missing and starts what does not run; a lab that is up is left alone. */
export async function up(onProgress: OnProgress = silent): Promise<void> {
  requireMachine();
  await withLock(async () => {
    const part = timer(onProgress);
    await requireWhole();
    const made = await supplies(part);
    await operatorSide(made, part);
    await part('hosts', () => bootAll(made.image));
  });
}

/** Makes the operator's side and starts its registry, where they are not there. */
export async function operatorSide({ programs, store }: Supplies, part: Part): Promise<void> {
  await mkdir(STATE, { recursive: true, mode: 0o700 });
  await part('network', async () => {
    await saveSysctls(SYSCTL_FILE);
    await ensureKeys();
    await writeCommands({ kubernetes: programs('kubernetes'), etcd: programs('etcd') });
    if (!(await exists('/run/netns'))) await writeFile(NETNS_MARK, '');
    return (await createOperatorSide()) ? 'made' : 'was there';
  });
  await part('registry', async () => {
    await copyFile(store.manifest, CALICO_MANIFEST);
    return (await startRegistry(store.directory)) ? 'started' : 'was up';
  });
}

/** Ends the operator's side, with what tests and users did to its network. */
export async function removeOperatorSide(): Promise<void> {
  await stopRegistry();
  await removeNetns(OPERATOR_NETNS);
}

/** Only gets what is missing, into the cache; nothing is started. */
export async function fetch(onProgress: OnProgress = silent): Promise<void> {
  requireMachine();
  await withLock(() => supplies(timer(onProgress)));
}

export interface Supplies {
  /** Folder with the programs of a component. */
  readonly programs: (component: Component) => string;
  /** What hosts boot from. */
  image: string;
  /** Debian packages for them. */
  repository: string;
  store: Store;
}

/** Gets what a lab is made of, where the cache lacks it. */
export async function supplies(part: Part): Promise<Supplies> {
  await part('machine', async (news) => {
    const installed = await ensurePrograms(news);
    return installed.length === 0 ? 'has what the lab needs' : `installed ${installed.join(', ')}`;
  });
  const programs = await programsOf(COMPONENTS, part);
  let image = { root: '', repository: '', cached: true };
  await part('image', async (news) => {
    image = await ensureImage(news);
    return `${image.cached ? 'cached' : 'built'}  ${image.root}`;
  });
  let store: Store = { directory: '', manifest: '', cached: true };
  await part('pod images', async () => {
    store = await ensureStore({
      repository: image.repository,
      coredns: programs('coredns'),
      calico: programs('calico'),
      cniPlugins: programs('cni-plugins'),
    });
    return store.cached ? 'cached' : 'packed';
  });
  return { programs, image: image.root, repository: image.repository, store };
}

/** Gets the programs of components, where the cache lacks them. */
export async function programsOf(components: readonly Component[], part: Part): Promise<Supplies['programs']> {
  const binaries = new Map<Component, Binaries>();
  for (const component of components) {
    await part(component, async (news) => {
      const found = await ensureBinaries(component, undefined, news);
      binaries.set(component, found);
      return `${found.version} ${found.source}`;
    });
  }
  return (component) => binaries.get(component)?.directory ?? '';
}

/** Boots the named hosts bare again: their disks, network and control groups are made anew. */
export async function reset(
  names: readonly string[] = HOSTS.map((host) => host.name),
  onProgress: OnProgress = silent,
): Promise<void> {
  requireMachine();
  await withLock(async () => {
    const image = await runningImage();
    const part = timer(onProgress);
    await part('disks', async () => {
      await Promise.all(names.map(async (name) => wipe(name)));
      return `removed: ${names.join(', ')}`;
    });
    if (names.length === HOSTS.length) await rm(KUBECONFIG, { force: true });
    await part('hosts', async () => {
      await Promise.all(names.map((name) => boot(hostNamed(name), image)));
      return `booted bare: ${names.join(', ')}`;
    });
  });
}

/** Boots what is off; the hosts that are on keep their image. */
export async function bootAll(image: string): Promise<string> {
  // The hosts that are up keep the image they were booted from, even if there is a newer one.
  const on = await Promise.all(HOSTS.map(({ name }) => poweredOn(name)));
  const used = on.some((host) => host !== undefined) ? await runningImage() : image;
  await setImageInUse(used);
  await Promise.all(HOSTS.map((host) => boot(host, used)));
  const booted = HOSTS.filter((_, index) => on[index] === undefined).map(({ name }) => name);
  return booted.length === 0 ? 'all were up' : `booted ${booted.join(', ')}`;
}

/** The image of a lab that is up. */
export async function runningImage(): Promise<string> {
  await requireWhole();
  const image = await imageInUse();
  if (image === '') throw new LabError('the lab is not up', { hint: 'start it with: npm run lab -- up' });
  return image;
}

/** The saved lab whose load was begun and not finished. */
export async function loadCutOff(): Promise<string | undefined> {
  return readFile(LOADING, 'utf8').catch(() => undefined);
}

/** A load that was cut off leaves hosts of which some have their disks and some not. */
async function requireWhole(): Promise<void> {
  const name = await loadCutOff();
  if (name === undefined) return;
  throw new LabError(`the lab is in pieces: loading "${name}" was cut off`, {
    hint: `load it again: npm run lab -- load ${name}; or end the lab: npm run lab -- down`,
  });
}

/** Ends the lab: no process, mount, namespace, control group or changed setting of it is left. */
export async function down(onProgress: OnProgress = silent): Promise<void> {
  requireMachine();
  await withLock(async () => {
    const part = timer(onProgress);
    const names = allHosts();
    await part('hosts', async () => {
      await Promise.all(names.map(cutPower));
      await Promise.all(names.map(unmountDisk));
      return `off: ${names.join(', ')}`;
    });
    await part('network', async () => {
      await removeOperatorSide();
      if (await exists(NETNS_MARK)) await removeNetnsFolder();
      await removeGroups();
      return 'removed';
    });
    await part('settings', async () => {
      const restored = await restoreSysctls(SYSCTL_FILE);
      return restored.length === 0 ? 'none had changed' : `put back: ${restored.join(', ')}`;
    });
    await rm(STATE, { recursive: true, force: true });
    await rm(MEMORY, { recursive: true, force: true });
    await sweepLayers();
  });
}

/** Also those that an older version of the lab left behind. */
export function allHosts(): string[] {
  return [...new Set([...hostsWithState(), ...HOSTS.map(({ name }) => name)])];
}

/** iproute2 mounts this folder onto itself with the first namespace and leaves it; others may use it by now. */
async function removeNetnsFolder(): Promise<void> {
  const folder = netnsPath('');
  if (!(await exists(folder)) || (await readdir(folder)).length > 0) return;
  await capture(['umount', '/run/netns']);
  await rmdir(folder).catch(() => undefined);
}

export interface HostStatus {
  name: string;
  address: string;
  on: boolean;
}

export async function status(): Promise<{ up: boolean; registry: boolean; hosts: HostStatus[] }> {
  const hosts = await Promise.all(
    HOSTS.map(async ({ name, address }) => ({ name, address, on: (await poweredOn(name)) !== undefined })),
  );
  return { up: operatorSideIsUp(), registry: (await registryProcess()) !== undefined, hosts };
}

/** Runs a command on a host as root, beside its sshd: works also when the network or sshd is broken. */
export async function host(name: string, argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  return capture(await onHost(name, argv), options);
}

/** Runs a command on the operator's side, with mcpk, kubectl and etcdctl on the PATH. */
export async function exec(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  await runningImage();
  return capture(onOperatorSide(argv), { ...options, env: { ...operatorEnvironment(), ...options.env } });
}

/** Power loss: link down first, then the host's init is killed. Its disk stays. */
export async function powerOff(name: string): Promise<void> {
  requireMachine();
  await cutPower(hostNamed(name).name);
}

export async function powerOn(name: string): Promise<void> {
  requireMachine();
  await boot(hostNamed(name), await runningImage());
}

/** Nothing of the host runs until `resumeHost`; the others find it silent. */
export function pauseHost(name: string): void {
  requireMachine();
  setFrozen(hostNamed(name).name, true);
}

export function resumeHost(name: string): void {
  requireMachine();
  setFrozen(hostNamed(name).name, false);
}

/** Power loss and the loss of the disk: `powerOn` then boots a bare host with its old address and host key. */
export async function wipe(name: string): Promise<void> {
  requireMachine();
  await cutPower(hostNamed(name).name);
  await removeDisk(name);
}

export async function linkDown(name: string): Promise<void> {
  await setLink(hostNamed(name).name, 'down');
}

export async function linkUp(name: string): Promise<void> {
  await setLink(hostNamed(name).name, 'up');
}

/** Shapes what a host sends: `netem('m1', ['delay', '50ms', 'loss', '1%'])`; no words end it. */
export async function netem(name: string, args: readonly string[]): Promise<void> {
  await setNetem(hostNamed(name).name, args);
}

/** Asked before anything that boots, ends or makes something. */
export function requireMachine(): void {
  const reason = unfit();
  if (reason !== undefined) throw new LabError(`this machine cannot host the lab: ${reason}`);
  if (process.env['MCPK_LAB_INSIDE'] === undefined) return;
  // Mounts and namespaces made in there would be seen by nobody else.
  throw new LabError('this cannot be done from inside `lab exec`', { hint: 'run it in a shell of the machine itself' });
}

export type Part = (name: string, work: (news: (text: string) => void) => Promise<string>) => Promise<void>;

export function timer(onProgress: OnProgress): Part {
  return async (part, work) => {
    const start = performance.now();
    const text = await work((news) => {
      onProgress({ part, text: news });
    });
    onProgress({ part, text, seconds: (performance.now() - start) / 1000 });
  };
}
