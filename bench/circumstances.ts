/** Where and how a figure was made, in one line. */
import { cpus, loadavg, release, totalmem } from 'node:os';
import { readFile } from 'node:fs/promises';
import { capture } from '../lab/run.ts';
import { DEFAULT_VERSIONS } from '../lab/versions.ts';
import type { Options } from './types.ts';

export const WITHOUT_LAB: readonly string[] = ['fetch'];

export async function circumstances(name: string, { quick, rounds }: Options): Promise<string> {
  const command = [
    `npm run bench --`,
    ...(quick ? ['--quick'] : []),
    ...(rounds ? [`--rounds=${String(rounds)}`] : []),
    name,
  ];
  const sharing = WITHOUT_LAB.includes(name) ? 'the server and all tools' : 'five hosts, the operator and all tools';
  return circumstancesOf(command.join(' '), sharing);
}

/** The same of any command. */
export async function circumstancesOf(command: string, sharing: string): Promise<string> {
  const system = /^PRETTY_NAME="(.*)"$/m.exec(await readFile('/etc/os-release', 'utf8'))?.[1] ?? 'Linux';
  const ssh = (await capture(['ssh', '-V'])).stderr.trim().split(',')[0] ?? '';
  const processors = cpus();
  return [
    `${new Date().toISOString().slice(0, 10)}, \`${command}\``,
    `${String(processors.length)} × ${processors[0]?.model.trim() ?? 'processor'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
    `${system}, Linux ${release()}`,
    `Node ${process.versions.node}, ${ssh}`,
    `Kubernetes ${DEFAULT_VERSIONS.kubernetes}, etcd ${DEFAULT_VERSIONS.etcd}`,
    `load ${loadavg()[0]?.toFixed(1) ?? '?'} at the end; ${sharing} share these processors.`,
  ].join('; ');
}
