/** Starts a simulated host whose etcd has a database (serve.sh), and what mcpk and OpenSSH need to reach it. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureBinaries } from '../../lab/binaries.ts';
import { imageInUse } from '../../lab/image.ts';
import { CLONE } from '../../lab/paths.ts';
import { capture } from '../../lab/run.ts';
import { simulate, type Simulated } from '../namespaces.ts';
import { sshConfigText } from '../scale/inventory.ts';

export const FOLDER = join(CLONE, '.cache/bench/snapshot');
/** As serve.sh has it. */
export const ADDRESS = '10.79.0.11';

export interface EtcdHost extends Simulated {
  inventory: string;
  sshConfig: string;
  /** Of the programs. */
  binaries: string;
  /** Of the words that are run in the host's network; throws when they fail. */
  run: (argv: readonly string[], env?: Record<string, string>) => Promise<{ seconds: number; stdout: string }>;
}

export async function startEtcdHost(databaseBytes: number): Promise<EtcdHost> {
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true, mode: 0o755 });
  const at = (name: string): string => join(FOLDER, name);
  for (const name of ['operator', 'host'])
    await mustRun(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
  const [type = '', key = ''] = (await readFile(at('host.pub'), 'utf8')).split(' ');
  const access = { identityFile: at('operator'), knownHostsFile: at('known_hosts') };
  await writeFile(access.knownHostsFile, `${ADDRESS} ${type} ${key}\n`);
  await writeFile(at('ssh_config'), sshConfigText(access));
  await writeFile(at('inventory.yaml'), inventoryText(access));
  const { directory } = await ensureBinaries('etcd');
  const simulated = await simulate([join(import.meta.dirname, 'serve.sh'), await imageInUse(), FOLDER, directory]);
  const run: EtcdHost['run'] = (argv, env) => mustRun(simulated.inside(argv), env);
  try {
    await run([process.execPath, join(import.meta.dirname, 'fill.ts'), FOLDER, String(databaseBytes)]);
  } catch (error) {
    await simulated.stop();
    throw error;
  }
  return { ...simulated, run, inventory: at('inventory.yaml'), sshConfig: at('ssh_config'), binaries: directory };
}

async function mustRun(
  argv: readonly string[],
  env: Record<string, string> = {},
): Promise<{ seconds: number; stdout: string }> {
  const started = performance.now();
  const { code, stdout, stderr } = await capture(argv, { cwd: CLONE, env });
  if (code !== 0) throw new Error(`${argv.join(' ')}: exit ${String(code)}\n${stdout}${stderr}`);
  return { seconds: (performance.now() - started) / 1000, stdout };
}

/** JSON is YAML. */
function inventoryText({ identityFile, knownHostsFile }: { identityFile: string; knownHostsFile: string }): string {
  return JSON.stringify({
    apiVersion: 'mcpk/v1',
    kind: 'Cluster',
    name: 'bench',
    ssh: {
      user: 'root',
      agent: false,
      identityFiles: [identityFile],
      knownHostsFiles: [knownHostsFile],
      connectTimeout: 60,
    },
    hosts: [{ name: 'm1', address: ADDRESS, roles: ['master'] }],
    network: { plugin: 'none' },
  });
}
