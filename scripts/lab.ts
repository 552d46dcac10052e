import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { unfit } from '../lab/machine.ts';
import { ROOT, run } from './process.ts';

/** Why the lab cannot run here, in one line; undefined when it can. */
export function whyNoLab(): string | undefined {
  return unfit();
}

/** Builds mcpk and brings the lab up, on request with bare hosts; all shows what it does. */
export async function labIsUp({ bare = false } = {}): Promise<boolean> {
  const up = [process.execPath, 'lab/main.ts', 'up'];
  const reset = bare ? [[process.execPath, 'lab/main.ts', 'reset']] : [];
  for (const argv of [[process.execPath, 'scripts/build.ts'], up, ...reset]) {
    const { code } = await run(argv, { inherit: true });
    if (code !== 0) return false;
  }
  return true;
}

/** What {@link fetchForLab} says as it goes. */
export const FETCH_LOG = '.cache/lab-fetch.log';

/** Gets what the lab is made of while others have the processors first; what goes wrong is told when the lab comes up. */
export async function fetchForLab(): Promise<void> {
  await mkdir(join(ROOT, '.cache'), { recursive: true });
  const fetch = ['chrt', '--idle', '0', process.execPath, 'lab/main.ts', 'fetch'];
  await run(['sh', '-c', 'exec "$@" >"$0" 2>&1', join(ROOT, FETCH_LOG), ...fetch]);
}
