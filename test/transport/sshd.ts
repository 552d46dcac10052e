import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as dialPort } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { hostName, knownHostLine } from '../../src/transport/known-hosts.ts';
import type { Target } from '../../src/transport/types.ts';

/** The password of the user `pw`. */
export const PASSWORD = "it's a pass'word";

/**
 * A real sshd on the loopback, in mount and pid namespaces of its own: /run and /var/lib are empty there and /etc an overlay
 * with the users `ops` (sudo without a password) and `pw` (with one), so nothing of this machine is touched.
 */
export class Sshd {
  readonly folder: string;
  readonly port: number;
  readonly identity: string;
  readonly knownHosts: string;
  #process: ChildProcess | undefined;
  log = '';

  private constructor(folder: string, port: number) {
    this.folder = folder;
    this.port = port;
    this.identity = join(folder, 'id');
    this.knownHosts = join(folder, 'known_hosts');
    this.makeHostKeys();
    writeFileSync(this.knownHosts, this.knownHostLine());
  }

  static async start(lines: readonly string[] = []): Promise<Sshd> {
    const sshd = await Sshd.prepare(lines);
    await sshd.up();
    return sshd;
  }

  /** With keys and a port; nothing listens there yet. */
  static async prepare(lines: readonly string[] = []): Promise<Sshd> {
    const folder = mkdtempSync(join(tmpdir(), 'mcpk-sshd-'));
    const port = await freePort();
    execFileSync('chmod', ['755', folder]);
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'id')]);
    execFileSync('chmod', ['644', join(folder, 'id.pub')]);
    writeFileSync(join(folder, 'sshd_config'), config(folder, port, lines));
    writeFileSync(join(folder, 'start.sh'), START);
    mkdirSync(join(folder, 'ns'));
    return new Sshd(folder, port);
  }

  get hostKey(): Buffer {
    return publicKey(join(this.folder, 'host_ed25519.pub'));
  }

  /** As `ssh-keyscan` has it. */
  knownHostLine(name = hostName('127.0.0.1', this.port)): string {
    return knownHostLine(name, this.hostKey);
  }

  /** As one that is installed anew has them; a running sshd keeps those that it has. */
  makeHostKeys(): void {
    for (const type of ['ed25519', 'ecdsa']) {
      const file = join(this.folder, `host_${type}`);
      rmSync(file, { force: true });
      execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', file]);
    }
  }

  /** Of a host that was down nothing is left but its keys and its port. */
  async up(): Promise<void> {
    const { folder } = this;
    const child = spawn(
      // Ended with the test, however that ends.
      'setpriv',
      [
        '--pdeathsig',
        'KILL',
        'unshare',
        '-m',
        '-p',
        '--fork',
        '--kill-child',
        '--propagation',
        'private',
        'sh',
        join(folder, 'start.sh'),
        folder,
        PASSWORD,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.#process = child;
    this.log = '';
    child.stderr.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
    await this.#listening(child);
  }

  /** Pid of sshd itself, the first process of a pid namespace: what is asked for or ended inside is this test's own. */
  get pid(): number {
    const parent = this.#process?.pid;
    return Number(readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim());
  }

  target(more: Partial<Target> = {}): Target {
    return {
      name: 'm1',
      address: '127.0.0.1',
      user: 'root',
      port: this.port,
      identityFiles: [this.identity],
      agent: false,
      knownHostsFiles: [this.knownHosts],
      jump: [],
      become: 'auto',
      connectTimeout: 10,
      acceptNewHostKeys: false,
      ...more,
    };
  }

  /** Runs a command where the sessions run. */
  inside(...argv: string[]): string {
    return execFileSync('nsenter', ['-m', '-p', '-t', String(this.pid), ...argv], { encoding: 'utf8' });
  }

  /** The host is off. */
  async down(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    // unshare itself does not listen to signals while it waits.
    process.kill(this.pid, 'SIGKILL');
    await ended;
    this.#process = undefined;
  }

  async stop(): Promise<void> {
    await this.down();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #listening(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (!this.log.includes('Server listening')) {
      if (Date.now() > deadline || child.exitCode !== null) throw new Error(`sshd did not start:\n${this.log}`);
      await delay(10);
    }
  }
}

/** Undefined when a real sshd can run here; else why not. A skip is a failure where MCPK_LAB=required. */
export function cannotRunSshd(): string | undefined {
  const missing = ['/usr/sbin/sshd', '/usr/bin/sudo', '/usr/bin/unshare', '/usr/bin/ssh-keygen'].filter(
    (file) => !existsSync(file),
  );
  const why =
    process.platform !== 'linux'
      ? 'not Linux'
      : process.getuid?.() !== 0
        ? 'not root'
        : missing.length > 0
          ? `missing: ${missing.join(', ')}`
          : undefined;
  if (why !== undefined && process.env['MCPK_LAB'] === 'required')
    throw new Error(`the tests against a real sshd must run, but: ${why}`);
  if (why !== undefined) process.stderr.write(`skipped: transport against a real sshd (${why})\n`);
  return why;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits for a condition, polling; throws after `seconds`. */
export async function until(what: string, holds: () => boolean, seconds = 10): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`did not come: ${what}`);
    await delay(20);
  }
}

export function publicKey(file: string): Buffer {
  return Buffer.from(readFileSync(file, 'utf8').split(' ')[1] ?? '', 'base64');
}

/** Opens a plain TCP connection, to occupy sshd. */
export const tcp = (port: number): ReturnType<typeof dialPort> =>
  dialPort(port, '127.0.0.1').on('error', () => undefined);

const config = (folder: string, port: number, lines: readonly string[]): string => `${lines.join('\n')}
ListenAddress 127.0.0.1:${port}
HostKey ${folder}/host_ed25519
HostKey ${folder}/host_ecdsa
AuthorizedKeysFile ${folder}/id.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
`;

const START = `set -e
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
mkdir /run/sshd
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs "$1/ns"
mkdir "$1/ns/upper" "$1/ns/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/ns/upper,workdir=$1/ns/work" /etc
for user in ops pw; do useradd -m -d "/run/home-$user" -s /bin/sh -p '*' "$user"; done
# Not this machine's profile of root: what it prints, and how long it takes, is its own matter.
sed -i 's#^root:\\(.*\\):/root:#root:\\1:/run/home-root:#' /etc/passwd
mkdir /run/home-root
printf 'pw:%s\\n' "$2" | chpasswd
printf 'ops ALL=(ALL:ALL) NOPASSWD: ALL\\npw ALL=(ALL:ALL) ALL\\n' >/etc/sudoers.d/test
chmod 0440 /etc/sudoers.d/test
exec /usr/sbin/sshd -D -e -f "$1/sshd_config"
`;
