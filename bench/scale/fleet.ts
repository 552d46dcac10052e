/** Starts and ends simulated hosts, and runs commands among them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { children } from '../../lab/processes.ts';
import { CLONE } from '../../lab/paths.ts';
import { run } from '../../lab/run.ts';
import { inventoryText, knownHostsText, sshConfigText, type Access } from './inventory.ts';

export interface SimulatedFleet {
  inventory: string;
  sshConfig: string;
  /** The words that put a command onto the side of the operator. */
  inside(argv: readonly string[]): string[];
  /** Appends a line to this file of every host. */
  spoil(path: string): Promise<void>;
  stop(): Promise<void>;
}

const FOLDER = join(CLONE, '.cache/bench/scale');

export async function startFleet(image: string, count: number): Promise<SimulatedFleet> {
  const files = await writeFiles(count);
  const namespaces = ['--net', '--mount', '--propagation=private', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const script = ['sh', join(import.meta.dirname, 'serve.sh'), image, String(count), files.publicKey, files.hostKey];
  const child = spawn('unshare', [...namespaces, ...script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const expect = async (word: string): Promise<void> => {
    const line = await lines.next();
    if (line.done || line.value !== word) throw new Error(`the simulated hosts ended: ${String(line.value)}`);
  };
  await expect('ready');
  const inside = among(child);
  return {
    inventory: files.inventory,
    sshConfig: files.sshConfig,
    inside,
    async spoil(path) {
      child.stdin.write(`spoil ${path}\n`);
      await expect('done');
    },
    async stop() {
      child.stdin.end();
      await ended;
    },
  };
}

/** The network is the fleet's, files are the machine's. */
function among(child: ChildProcess): SimulatedFleet['inside'] {
  const [first] = child.pid === undefined ? [] : children(child.pid);
  if (first === undefined) throw new Error('the simulated hosts have no process');
  return (argv) => ['nsenter', `--net=/proc/${String(first)}/ns/net`, '--', ...argv];
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
