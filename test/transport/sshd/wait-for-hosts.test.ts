import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ROOT } from '../../../scripts/process.ts';
import { connect } from '../../../src/transport/connect.ts';
import { until } from '../sshd.ts';
import { impossible } from './real-sshd.ts';
import { smallCluster } from './small-cluster.ts';

const { m1, w1, inventory } = await smallCluster();

/** Seconds for what takes a moment on a machine that does nothing else. */
const PATIENCE = 60;

const running: Apply[] = [];

class Apply {
  readonly #child: ChildProcess;
  said = '';
  printed = '';

  constructor(...words: string[]) {
    const args = ['test/transport/sshd/greeting-mcpk.ts', 'apply', '--yes', '-i', inventory, ...words];
    this.#child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    running.push(this);
    this.#child.stderr?.setEncoding('utf8').on('data', (part: string) => (this.said += part));
    this.#child.stdout?.setEncoding('utf8').on('data', (part: string) => (this.printed += part));
  }

  says(text: string): Promise<void> {
    return until(text, () => this.said.includes(text), PATIENCE);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async code(): Promise<number | null> {
    if (this.#child.exitCode === null) await once(this.#child, 'close');
    return this.#child.exitCode;
  }
}

/** A host has its keys and what logs in there, and nothing of the tests before. */
async function installAnew(): Promise<void> {
  await w1.down();
  w1.makeHostKeys();
  writeFileSync(w1.knownHosts, w1.knownHostLine());
}

const keys = (): string => join(w1.folder, 'given');
const put = (name: string, text: string): string => {
  writeFileSync(join(w1.folder, name), text);
  return join(w1.folder, name);
};
const hide = (): void => renameSync(join(w1.folder, 'id.pub'), join(w1.folder, 'away'));
const show = (): void => renameSync(join(w1.folder, 'away'), join(w1.folder, 'id.pub'));
const lockOf = (of: typeof m1): string => of.inside('sh', '-c', 'mkdir -p /run/mcpk; flock -n /run/mcpk/lock echo free || :'); // prettier-ignore
const sessionsOf = (of: typeof m1): string => of.inside('sh', '-c', 'ls -d /run/mcpk/session.* 2>/dev/null || :');

describe.skipIf(impossible !== undefined)('apply --wait-for-hosts', { timeout: 3 * PATIENCE * 1000 }, () => {
  beforeEach(installAnew);
  afterEach(() => {
    for (const run of running.splice(0)) run.kill('SIGKILL');
  });

  test('goes on when the last host comes up; until then it wants no lock, and little is said', async () => {
    const lock = { kind: 'exclusive', who: 'another run' } as const;
    const other = await connect(m1.target(), { lock, signal: new AbortController().signal, code: {} });
    await other.lockHolder();
    const run = new Apply('--wait-for-hosts', '2m');
    const waiting = `waiting for w1: nothing listens on 127.0.0.1:${w1.port} (connection refused)\n`;
    await run.says(waiting);
    await other.close();
    expect([lockOf(m1), sessionsOf(m1)]).toEqual(['free\n', '']);
    await w1.up();
    expect(await run.code(), run.said).toBe(0);
    expect(run.said.split('\n').filter((line) => line.includes('waiting') || line.includes('up'))).toEqual([
      waiting.trimEnd(),
      'w1: is up',
    ]);
    expect(w1.inside('cat', '/etc/greeting/text')).toBe('hello from w1\n');
  });

  test('goes on with one that first closes each connection, then refuses the login', async () => {
    const server = createServer((socket) => socket.destroy()).listen(w1.port, '127.0.0.1');
    await once(server, 'listening');
    const run = new Apply('--wait-for-hosts', '2m');
    try {
      await run.says(`waiting for w1: 127.0.0.1:${w1.port} closed the connection before the login`);
    } finally {
      server.close();
    }
    hide();
    try {
      await w1.up();
      await run.says(`waiting for w1: 127.0.0.1:${w1.port} refused the login of root\n`);
    } finally {
      show();
    }
    expect(await run.code(), run.said).toBe(0);
  });

  test.each([
    ['a file', () => keys()],
    ['a program', () => `!cat ${keys()}`],
  ])('takes a new host key that %s gives, and records it in the place of the old one', async (_what, from) => {
    const old = readFileSync(w1.knownHosts, 'utf8');
    w1.makeHostKeys();
    await w1.up();
    put('given', '# none yet\n');
    const run = new Apply('--wait-for-hosts', '2m', '--host-keys-from', from());
    await run.says(`waiting for w1: the host key of [127.0.0.1]:${w1.port} has changed\n`);
    put('given', w1.knownHostLine('w1'));
    expect(await run.code(), run.said).toBe(0);
    expect(readFileSync(w1.knownHosts, 'utf8')).toBe(w1.knownHostLine());
    expect(old).not.toBe(w1.knownHostLine());
  });

  const IN_VAIN: [what: string, words: string[], as: () => Promise<void> | void, code: number, says: RegExp][] = [
    ['that is off', [], () => undefined, 11, /✖ w1: nothing listens .*\(exit 11\)[^]*mcpk waited 5 s/],
    ['that is off and may be', ['--skip-unreachable', '1'], () => undefined, 0, /! w1: nothing listens/],
    ['with a wrong key', [], () => (w1.makeHostKeys(), w1.up()), 12, /✖ w1: the host key .* has changed \(exit 12\)[^]*recorded/], // prettier-ignore
    ['that refuses the login', [], () => (hide(), w1.up()), 11, /✖ w1: .* refused the login of root \(exit 11\)/],
    ['that starts still', [], () => starting(), 11, /✖ w1: systemd has not started all of it \(exit 11\)/],
  ];

  test.each(IN_VAIN)(
    'ends with what is wrong with one %s when its time is over',
    async (what, words, as, code, says) => {
      await as();
      try {
        const run = new Apply('--wait-for-hosts', '5s', ...words);
        expect(await run.code(), run.said).toBe(code);
        expect(run.said).toMatch(says);
        expect(lockOf(m1)).toBe('free\n');
      } finally {
        if (what.includes('refuses')) show();
      }
    },
  );

  test('lists all hosts in JSON', async () => {
    const run = new Apply('--wait-for-hosts', '5s', '--json');
    expect([await run.code(), run.said]).toEqual([11, '']);
    expect(JSON.parse(run.printed)).toMatchObject({ error: { code: 'unreachable', host: 'w1' } });
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('ends with 130 for %s, and leaves nothing behind', async (signal) => {
    w1.makeHostKeys();
    await w1.up();
    // Its second answer never comes, and neither does that of what it has started.
    rmSync(join(w1.folder, 'asked'), { force: true });
    const hook = put('hook', `if test -e ${w1.folder}/asked; then sleep 81.5; fi; : >${w1.folder}/asked\n`);
    const run = new Apply('--wait-for-hosts', '2m', '--host-keys-from', `!sh ${hook}`);
    await run.says('waiting for w1: the host key');
    await until('the program asked again', () => pids('sleep 81.5').length > 0, PATIENCE);
    run.kill(signal);
    expect(await run.code(), run.said).toBe(130);
    expect(run.said).toContain('Interrupted');
    expect([pids('sleep 81.5'), sessionsOf(m1), lockOf(m1)]).toEqual([[], '', 'free\n']);
  });
});

/** Processes of this machine. */
function pids(command: string): string[] {
  return readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && commandOf(pid) === command);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim();
  } catch {
    return '';
  }
}

/** As `systemctl is-system-running` says it while a host boots. */
async function starting(): Promise<void> {
  await w1.up();
  w1.inside('sh', '-c', 'mount -t tmpfs tmpfs /usr/local/sbin; printf "#!/bin/sh\\necho starting\\nexit 1\\n" >/usr/local/sbin/systemctl; chmod 755 /usr/local/sbin/systemctl'); // prettier-ignore
}
