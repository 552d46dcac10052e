/** What makes a figure of a race count. */
import { createHash } from 'node:crypto';
import { host } from '../../lab/lab.ts';
import { HOSTS } from '../../lab/topology.ts';
import type { Contestant } from '../measure.ts';
import type { Race, Work } from './comparable.ts';

/** The file is spoiled on each host beforehand, and must be right on each afterwards. */
export function spoiled(contestant: Contestant, path: string, compared: Race): Contestant {
  return {
    ...contestant,
    async before() {
      await contestant.before?.();
      await Promise.all(HOSTS.map(({ name }) => mustRun(name, 'echo "# drift" >>"$1"', [path])));
    },
    async check(said) {
      await contestant.check?.(said);
      await rightFiles(compared);
    },
  };
}

/** The files of every host have the bytes that mcpk described. */
export async function rightFiles(compared: Race): Promise<void> {
  await Promise.all([...compared.hosts].map(([name, work]) => rightOn(name, work)));
}

async function rightOn(name: string, { files }: Work): Promise<void> {
  const sums = files.map(({ path, content }) => `${createHash('sha256').update(content).digest('hex')}  ${path}\n`);
  const said = await host(name, ['sha256sum', '--check', '--quiet', '-'], { input: sums.join('') });
  if (said.code !== 0) throw new Error(`${name}: files differ\n${said.stdout}${said.stderr}`);
}

async function mustRun(name: string, script: string, args: readonly string[]): Promise<void> {
  const said = await host(name, ['sh', '-c', script, 'sh', ...args]);
  if (said.code !== 0) throw new Error(`${name}: ${script}\n${said.stderr}`);
}
