import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from './errors.ts';

/** Parent of the hosts' groups in every hierarchy. */
const PARENT = 'mcpk-lab';

/**
 * Of each second: what real-time processes of a host may take, and those of all hosts together. Groups that were removed
 * hold their share for a moment still: there is room for all hosts several times over.
 */
const HOST_RT_US = 20_000;
const PARENT_RT_US = 900_000;

interface Hierarchy {
  mountPoint: string;
  /** cgroup2, whose groups get controllers only by request. */
  unified: boolean;
}

function hierarchies(): Hierarchy[] {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(
      ([, point, type]) => (type === 'cgroup' || type === 'cgroup2') && point?.startsWith('/sys/fs/cgroup') === true,
    )
    .map(([, point, type]) => ({ mountPoint: point ?? '', unified: type === 'cgroup2' }));
}

/**
 * Makes a group of a host's own in every hierarchy and gives the files that a process writes its pid
 * to in order to enter them. nspawn's cgroup namespace then roots there: without it the kubelets of
 * five hosts would fight over one /kubepods.
 */
export function createGroups(host: string): string[] {
  return hierarchies().map((hierarchy) => {
    const parent = join(hierarchy.mountPoint, PARENT);
    const group = join(parent, host);
    for (const [folder, above] of [
      [parent, hierarchy.mountPoint],
      [group, parent],
    ] as const) {
      mkdirSync(folder, { recursive: true });
      if (hierarchy.unified) delegate(above);
      else {
        inheritCpuset(folder, above);
        allowRealTime(folder, folder === parent ? PARENT_RT_US : HOST_RT_US);
      }
    }
    return join(group, 'cgroup.procs');
  });
}

/** A new cpuset has neither processors nor memory, and takes no process until it has both. */
function inheritCpuset(folder: string, above: string): void {
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    const value = tryRead(join(above, name));
    if (value !== undefined) writeFileSync(join(folder, name), value);
  }
}

/**
 * A machine's own root group has a budget for real-time processes; a group in version 1 begins with none. A machine that
 * gives none away makes a lab as well: what wants to run in real time there does without.
 */
function allowRealTime(folder: string, microseconds: number): void {
  const budget = join(folder, 'cpu.rt_runtime_us');
  if (!existsSync(budget)) return;
  try {
    writeFileSync(budget, String(microseconds));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
  }
}

function delegate(above: string): void {
  for (const controller of (tryRead(join(above, 'cgroup.controllers')) ?? '').trim().split(' ').filter(Boolean)) {
    try {
      writeFileSync(join(above, 'cgroup.subtree_control'), `+${controller}`);
    } catch {
      // A controller that is bound elsewhere (realtime threads, v1) cannot be handed down.
    }
  }
}

/** Removes a host's groups, or the lab's parent group when no host is named. Gives false when something still lives there. */
export async function removeGroups(host?: string): Promise<boolean> {
  const deadline = Date.now() + 5_000;
  for (const { mountPoint } of hierarchies()) {
    const group = host === undefined ? join(mountPoint, PARENT) : join(mountPoint, PARENT, host);
    while (!removeTree(group)) {
      if (Date.now() > deadline) return false;
      await sleep(50);
    }
  }
  return true;
}

/** Groups are removed from the leaves up; a group whose last process is just ending is busy for a moment. */
function removeTree(group: string): boolean {
  const gone = subgroups(group).map(removeTree).every(Boolean);
  if (!gone) return false;
  try {
    rmdirSync(group);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** Processes that still live in a host's groups. */
export function processesIn(host: string): number[] {
  const pids = new Set<number>();
  for (const { mountPoint } of hierarchies()) collect(join(mountPoint, PARENT, host), pids);
  return [...pids];
}

function collect(group: string, pids: Set<number>): void {
  for (const pid of (tryRead(join(group, 'cgroup.procs')) ?? '').split('\n').filter(Boolean)) pids.add(Number(pid));
  for (const subgroup of subgroups(group)) collect(subgroup, pids);
}

/** None when the group itself is gone: systemd makes and drops groups while the lab looks at them. */
function subgroups(group: string): string[] {
  try {
    return readdirSync(group, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(group, entry.name));
  } catch {
    return [];
  }
}

function tryRead(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Stops all that runs in a host's groups, or lets it go on: what becomes of a virtual machine that is paused. */
export function setFrozen(host: string, frozen: boolean): void {
  for (const { mountPoint, unified } of hierarchies()) {
    const file = join(mountPoint, PARENT, host, unified ? 'cgroup.freeze' : 'freezer.state');
    if (!existsSync(file)) continue;
    writeFileSync(file, unified ? String(Number(frozen)) : frozen ? 'FROZEN' : 'THAWED');
    return;
  }
  throw new LabError(`this machine cannot stop ${host}: it has no freezer of control groups`);
}
