import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from './machine.ts';
import { STATE } from './paths.ts';
import { run } from './run.ts';
import { HOSTS } from './topology.ts';

const KEYS = join(STATE, 'keys');

/** The key that root, ops and pw of every host accept. */
export const OPERATOR_KEY = join(KEYS, 'operator');
export const KNOWN_HOSTS = join(STATE, 'known_hosts');
export const SSH_CONFIG = join(STATE, 'ssh_config');

export const hostKeyOf = (host: string): string => join(KEYS, `host-${host}`);

/**
 * Makes the operator's key and the hosts' keys once for the life of a lab: a host keeps its key when
 * it is reset, as one that is reinstalled by a careful operator does.
 */
export async function ensureKeys(): Promise<void> {
  await mkdir(KEYS, { recursive: true, mode: 0o700 });
  await Promise.all([
    generate(OPERATOR_KEY, 'operator@lab'),
    ...HOSTS.map(({ name }) => generate(hostKeyOf(name), `root@${name}`)),
  ]);
  await writeFile(KNOWN_HOSTS, await knownHosts());
  await writeFile(SSH_CONFIG, sshConfig());
}

async function generate(file: string, comment: string): Promise<void> {
  if (await exists(`${file}.pub`)) return;
  await rm(file, { force: true });
  await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', file]);
}

async function knownHosts(): Promise<string> {
  const lines = await Promise.all(
    HOSTS.map(async ({ name, address }) => {
      const [type, key] = (await readFile(`${hostKeyOf(name)}.pub`, 'utf8')).split(' ');
      return `${address},${name} ${type} ${key}\n`;
    }),
  );
  return lines.join('');
}

function sshConfig(): string {
  const hosts = HOSTS.map(({ name, address }) => `Host ${name} ${address}\n  HostName ${address}\n`).join('\n');
  return `${hosts}
Host *
  User root
  IdentityFile "${OPERATOR_KEY}"
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile "${KNOWN_HOSTS}"
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  UpdateHostKeys no
  LogLevel ERROR
`;
}
