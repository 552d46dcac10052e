/** Starts and ends simulated hosts, and runs commands among them. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CLONE } from '../../lab/paths.ts';
import { run } from '../../lab/run.ts';
import { simulate, type Simulated } from '../namespaces.ts';
import { inventoryText, knownHostsText, sshConfigText, type Access } from './inventory.ts';

export interface SimulatedFleet extends Pick<Simulated, 'inside' | 'stop'> {
  inventory: string;
  sshConfig: string;
  /** Appends a line to this file of every host. */
  spoil(path: string): Promise<void>;
}

const FOLDER = join(CLONE, '.cache/bench/scale');

export async function startFleet(image: string, count: number): Promise<SimulatedFleet> {
  const files = await writeFiles(count);
  const script = [join(import.meta.dirname, 'serve.sh'), image, String(count), files.publicKey, files.hostKey];
  const { inside, tell, stop } = await simulate(script);
  return {
    inventory: files.inventory,
    sshConfig: files.sshConfig,
    inside,
    spoil: (path) => tell(`spoil ${path}`),
    stop,
  };
}

interface Files {
  inventory: string;
  sshConfig: string;
  publicKey: string;
  hostKey: string;
}

async function writeFiles(count: number): Promise<Files> {
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true, mode: 0o700 });
  const at = (name: string): string => join(FOLDER, name);
  for (const name of ['operator', 'host']) await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
  const [type = '', key = ''] = (await readFile(at('host.pub'), 'utf8')).split(' ');
  const access: Access = { identityFile: at('operator'), knownHostsFile: at('known_hosts') };
  await writeFile(access.knownHostsFile, knownHostsText(count, `${type} ${key}`));
  await writeFile(at('inventory.yaml'), inventoryText(count, access));
  await writeFile(at('ssh_config'), sshConfigText(access));
  return {
    inventory: at('inventory.yaml'),
    sshConfig: at('ssh_config'),
    publicKey: at('operator.pub'),
    hostKey: at('host'),
  };
}
