/** Saves the lab with all that its hosts and its operator have on disk, and brings it back. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from './errors.ts';
import { cutPower, freezeDisk, layerListOf, plainFoldersOf, poweredOn, removeDisk, stop } from './hosts.ts';
import { setImageInUse } from './image.ts';
import {
  allHosts,
  bootAll,
  LOADING,
  operatorSide,
  removeOperatorSide,
  requireMachine,
  runningImage,
  silent,
  supplies,
  timer,
  type OnProgress,
  type Part,
} from './lab.ts';
import { withLock } from './lock.ts';
import { exists } from './machine.ts';
import { waitForNodes } from './nodes.ts';
import { KUBECONFIG } from './operator.ts';
import { STATE } from './paths.ts';
import {
  copy,
  forget as forgetSaved,
  keep,
  originOf,
  savedData,
  savedLab,
  savedLayerList,
  savedOperator,
  sweepLayers,
  unlike,
} from './saved.ts';
import { HOSTS } from './topology.ts';

/** What `up` makes anew; all else in the state folder is the operator's: keys, the kubeconfig, what mcpk keeps there. */
const OF_THIS_RUN = new Set(['hosts', 'registry', 'bin', 'image', 'loading', 'sysctls.json', 'made-run-netns']);

/** How long a cluster may take until its nodes are Ready again. */
const READY_SECONDS = 180;

/** Stops the hosts, keeps what they and the operator have on disk under a name, and boots them again. */
export async function save(name: string, onProgress: OnProgress = silent): Promise<void> {
  requireMachine();
  await withLock(async () => {
    const image = await runningImage();
    const part = timer(onProgress);
    const on = await Promise.all(HOSTS.map(async (host) => (await poweredOn(host.name)) !== undefined));
    const off = HOSTS.filter((_, index) => !on[index]).map((host) => host.name);
    if (off.length > 0) throw new LabError(`${off.join(', ')} is off`, { hint: 'npm run lab -- up, then save' });
    let since = Date.now();
    try {
      await part('stop', async () => {
        await onEach((host) => stop(host));
        return 'all hosts';
      });
      await part('copy', async () => {
        await keep(name, originOf(image), writeParts);
        await sweepLayers();
        return `as ${name}`;
      });
    } finally {
      since = Date.now();
      await part('hosts', () => bootAll(image));
    }
    await settle(part, since);
  });
}

async function writeParts(folder: string): Promise<void> {
  for (const entry of await operatorFiles()) await copy(join(STATE, entry), join(savedOperator(folder), entry));
  await onEach(async (name) => {
    await freezeDisk(name);
    await copy(layerListOf(name), savedLayerList(folder, name));
    for (const [data, from] of Object.entries(plainFoldersOf(name)))
      await copy(from, join(savedData(folder, name), data));
  });
}

async function operatorFiles(): Promise<string[]> {
  const entries = await readdir(STATE).catch(() => []);
  return entries.filter((entry) => !OF_THIS_RUN.has(entry));
}

/** Puts a saved lab in the place of the one that is there, boots its hosts, and waits for the nodes of its cluster. */
export async function load(name: string, onProgress: OnProgress = silent): Promise<void> {
  requireMachine();
  await withLock(async () => {
    const { saved, folder } = await savedLab(name);
    const part = timer(onProgress);
    const made = await supplies(part);
    const why = unlike(saved, originOf(made.image));
    if (why !== undefined) {
      throw new LabError(`"${name}" does not fit: ${why}`, {
        hint: `remove it (npm run lab -- forget ${name}) and save another one`,
      });
    }
    await mkdir(STATE, { recursive: true, mode: 0o700 });
    await writeFile(LOADING, name);
    await part('old hosts', async () => {
      const names = allHosts();
      await Promise.all(names.map(cutPower));
      await removeOperatorSide();
      await Promise.all(names.map(removeDisk));
      return 'removed';
    });
    await part('disks', async () => {
      await readParts(folder);
      await setImageInUse(made.image);
      await sweepLayers();
      return `as ${name}, of ${saved.savedAt}`;
    });
    await operatorSide(made, part);
    await rm(LOADING);
    const since = Date.now();
    await part('hosts', () => bootAll(made.image));
    await settle(part, since);
  });
}

async function readParts(folder: string): Promise<void> {
  for (const entry of await operatorFiles()) await rm(join(STATE, entry), { recursive: true, force: true });
  const saved = savedOperator(folder);
  for (const entry of await readdir(saved).catch(() => [])) await copy(join(saved, entry), join(STATE, entry));
  await onEach(async (name) => {
    await copy(savedLayerList(folder, name), layerListOf(name));
    for (const [data, to] of Object.entries(plainFoldersOf(name))) await copy(join(savedData(folder, name), data), to);
  });
}

/** On all hosts at once; a failure is told when none of them is at work any more. */
async function onEach(work: (host: string) => Promise<unknown>): Promise<void> {
  const ends = await Promise.allSettled(HOSTS.map(({ name }) => work(name)));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** A cluster whose kubeconfig the operator has is a while on its way after a boot. */
async function settle(part: Part, since: number): Promise<void> {
  if (!(await exists(KUBECONFIG))) return;
  await part('cluster', async () => {
    const missing = await waitForNodes(READY_SECONDS, since);
    if (missing.length === 0) return 'all nodes are Ready';
    throw new LabError(`not Ready ${String(READY_SECONDS)} s after the boot: ${missing.join(', ')}`, {
      hint: 'the disks are as they were saved; look further with: npm run lab -- exec kubectl get nodes',
    });
  });
}

export async function forget(name: string): Promise<void> {
  requireMachine();
  await withLock(async () => {
    await forgetSaved(name);
    await sweepLayers();
  });
}
