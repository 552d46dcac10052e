import { mkdir, open, readFile, rm } from 'node:fs/promises';
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

async function take(): Promise<void> {
  for (;;) {
    try {
      const file = await open(LOCK, 'wx');
      const own = identify(process.pid);
      await file.writeFile(`${process.pid} ${own?.started ?? ''}`);
      await file.close();
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const [pid, started] = (await readFile(LOCK, 'utf8').catch(() => '')).split(' ');
    if (pid !== undefined && started !== undefined && isAlive({ pid: Number(pid), started })) {
      throw new LabError(`another lab command (pid ${pid}) is at work`, { hint: 'wait until it has ended, then run the command again' });
    }
    // Its owner is gone: killed, or the machine was started anew.
    await rm(LOCK, { force: true });
  }
}
