/** The peak memory of whole Node processes, as the kernel counts it (VmHWM). */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const REPORT = `const { readFileSync, writeFileSync } = require('node:fs');
process.on('exit', () => writeFileSync(process.env.PEAK, /VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]));`;

export interface Peak {
  /** What a process needs in its environment to tell. */
  env: Record<string, string>;
  /** Of the last process that ended, in MB (2^20 bytes). */
  read(): Promise<number>;
}

/** Files of it go into `folder`. */
export async function peakIn(folder: string): Promise<Peak> {
  const [script, told] = [join(folder, 'peak.cjs'), join(folder, 'peak')];
  await writeFile(script, REPORT);
  return {
    env: { NODE_OPTIONS: `--require=${script}`, PEAK: told },
    read: async () => Number(await readFile(told, 'utf8')) / 1024,
  };
}
