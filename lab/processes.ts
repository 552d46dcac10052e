import { spawn } from 'node:child_process';
import { openSync, closeSync, readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from './errors.ts';

/** A process that outlives the command which started it. The start time tells it from a later one with its pid. */
export interface ProcessId {
  pid: number;
  started: string;
}

/** Clock ticks since boot at which a process started; undefined when there is none, or only a zombie. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The program's name may hold blanks and brackets; the fields follow the last bracket.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

export function identify(pid: number): ProcessId | undefined {
  const started = startTime(pid);
  return started === undefined ? undefined : { pid, started };
}

export function isAlive(id: ProcessId): boolean {
  return startTime(id.pid) === id.started;
}

/** Starts a program in a session of its own, with its output in a file, and remembers it. */
export async function startDetached(
  argv: readonly string[],
  options: { log: string; pidFile: string; env?: Record<string, string> },
): Promise<ProcessId> {
  const [command, ...args] = argv;
  if (command === undefined) throw new LabError('nothing to start: the command is empty');
  const log = openSync(options.log, 'w');
  try {
    const child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: { ...process.env, ...options.env },
    });
    const failed = new Promise<never>((_, reject) => {
      child.once('error', (cause) => {
        reject(new LabError(`cannot start ${command}: ${cause.message}`, { cause }));
      });
    });
    const spawned = new Promise<void>((resolve) => child.once('spawn', resolve));
    await Promise.race([spawned, failed]);
    child.unref();
    const id = child.pid === undefined ? undefined : identify(child.pid);
    if (id === undefined) throw new LabError(`${command} ended at once; its output is in ${options.log}`);
    await writeFile(options.pidFile, `${id.pid} ${id.started}\n`);
    return id;
  } finally {
    closeSync(log);
  }
}

/** The process that a pid file names, if it still runs. */
export async function running(pidFile: string): Promise<ProcessId | undefined> {
  try {
    const [pid, started] = (await readFile(pidFile, 'utf8')).trim().split(' ');
    if (pid === undefined || started === undefined) return undefined;
    const id = { pid: Number(pid), started };
    return isAlive(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

export function children(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Sends a signal to exactly this process; one that is gone is no error. */
export function signal(id: ProcessId, name: NodeJS.Signals): void {
  if (!isAlive(id)) return;
  try {
    process.kill(id.pid, name);
  } catch {
    // It ended between the two lines.
  }
}

export async function waitUntilGone(id: ProcessId, milliseconds: number): Promise<boolean> {
  const deadline = Date.now() + milliseconds;
  while (isAlive(id)) {
    if (Date.now() > deadline) return false;
    await sleep(20);
  }
  return true;
}
