import { unfit } from '../lab/machine.ts';
import { run } from './process.ts';

/** Why the lab cannot run here, in one line; undefined when it can. */
export function whyNoLab(): string | undefined {
  return unfit();
}

/** Builds mcpk and brings the lab up; both show what they do. */
export async function labIsUp(): Promise<boolean> {
  for (const argv of [
    [process.execPath, 'scripts/build.ts'],
    [process.execPath, 'lab/main.ts', 'up'],
  ]) {
    const { code } = await run(argv, { inherit: true });
    if (code !== 0) return false;
  }
  return true;
}

/** Gets what the lab is made of while others have the processors first; what goes wrong is told when the lab comes up. */
export async function fetchForLab(): Promise<void> {
  await run(['chrt', '--idle', '0', process.execPath, 'lab/main.ts', 'fetch']);
}
