import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { LabError } from './errors.ts';
import { STATE } from './paths.ts';
import { identify, isAlive } from './processes.ts';

/** Beside the state folder, which `down` removes. */
const LOCK = `${STATE}.lock`;

/** Runs `work` while no other command may build, boot or end the lab. */
export async function withLock<T>(work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(LOCK), { recursive: true });
  await take();
  try {
    return await work();
  } finally {
    await rm(LOCK, { force: true });
  }
}

/** The lock appears with its owner in it, by a link: an empty one would look like that of a dead process. */
async function take(): Promise<void> {
  const own = `${LOCK}.${process.pid}`;
  await writeFile(own, `${process.pid} ${identify(process.pid)?.started ?? ''}`);
  try {
    await linkOver(own);
  } finally {
    await rm(own, { force: true });
  }
}

async function linkOver(own: string): Promise<void> {
  for (;;) {
    try {
      await link(own, LOCK);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const [pid, started] = (await readFile(LOCK, 'utf8').catch(() => '')).split(' ');
    if (pid !== undefined && started !== undefined && isAlive({ pid: Number(pid), started })) {
      throw new LabError(`another lab command (pid ${pid}) is at work`, {
        hint: 'wait until it has ended, then run the command again',
      });
    }
    // Its owner is gone: killed, or the machine was started anew.
    await rm(LOCK, { force: true });
  }
}
