import { access, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { run } from './process.ts';

const POLICY = '/usr/sbin/policy-rc.d';

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function isOnPath(program: string): Promise<boolean> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  const found = await Promise.all(folders.map((folder) => exists(join(folder, program))));
  return found.includes(true);
}

/**
 * Installs a Debian package that brings `program`, where this machine is Debian and we are root. Its daemon is not
 * started: tests start what they need by themselves.
 */
async function ensure(program: string, debianPackage: string): Promise<void> {
  if (await isOnPath(program)) return;
  if (process.getuid?.() !== 0 || !(await isOnPath('apt-get'))) return;
  process.stdout.write(`Installing ${debianPackage} (Debian package) …\n`);
  const hadPolicy = await exists(POLICY);
  if (!hadPolicy) await writeFile(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await install(debianPackage);
  } finally {
    if (!hadPolicy) await rm(POLICY, { force: true });
  }
}

async function install(debianPackage: string): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const command = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', debianPackage];
  if ((await run(command, { env })).code === 0) return;
  await run(['apt-get', 'update', '-q'], { env });
  const { code, output } = await run(command, { env });
  if (code !== 0) process.stdout.write(output);
}

export async function ensureShellcheck(): Promise<void> {
  await ensure('shellcheck', 'shellcheck');
}

/** A browser that opens the pages that mcpk writes. */
export async function ensureChromium(): Promise<void> {
  await ensure('chromium', 'chromium');
}

/** By which a unit test sees what is on the disk when. */
export async function ensureStrace(): Promise<void> {
  await ensure('strace', 'strace');
}

/** What the transport's tests need: sudo, ssh-keygen, and an sshd. */
export async function ensureSshd(): Promise<void> {
  await ensure('sudo', 'sudo');
  await ensure('ssh-keygen', 'openssh-client');
  await ensure('sshd', 'openssh-server');
}

/** Programs of hosts that read what mcpk lays there. */
export async function ensureReaders(): Promise<void> {
  await ensure('systemd-analyze', 'systemd');
  await ensure('nft', 'nftables');
  await ensure('keepalived', 'keepalived');
}
