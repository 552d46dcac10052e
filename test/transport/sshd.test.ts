import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import ssh2 from 'ssh2';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { McpkError } from '../../src/core/errors.ts';
import { quote } from '../../src/core/quote.ts';
import { Secret } from '../../src/core/secret.ts';
import { loadScripts } from '../../src/engine/wire/scripts.ts';
import { encodeConverge } from '../../src/engine/wire/wire-converge.ts';
import type { Op } from '../../src/resources/types.ts';
import { connect } from '../../src/transport/connect.ts';
import { Pace } from '../../src/transport/pace.ts';
import { PATIENCE } from '../../src/transport/patience.ts';
import { ConnectionPool } from '../../src/transport/hops.ts';
import type { Lease } from '../../src/transport/hops.ts';
import { hostName, knownHostLine } from '../../src/transport/known-hosts.ts';
import type { ConnectOptions, Session, SessionRecord, Target } from '../../src/transport/types.ts';
import { upload } from '../../src/transport/upload.ts';
import { cannotRunSshd, PASSWORD, publicKey, Sshd, tcp, until } from './sshd.ts';

const impossible = cannotRunSshd();

/** Remembers the connections that it opened, so that a test can cut them. */
class WatchedPool extends ConnectionPool {
  readonly leases: Lease[] = [];
  override async open(...args: Parameters<ConnectionPool['open']>): Promise<Lease> {
    const lease = await super.open(...args);
    this.leases.push(lease);
    return lease;
  }
}

async function failure(work: Promise<unknown>): Promise<McpkError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof McpkError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

describe.skipIf(impossible !== undefined)('a real sshd', () => {
  let sshd: Sshd;
  const open: Session[] = [];
  beforeAll(async () => {
    sshd = await Sshd.start();
  }, 30_000);
  afterEach(async () => {
    await Promise.all(open.splice(0).map((session) => session.close()));
  });
  afterAll(() => sshd.stop());

  async function session(target: Partial<Target> = {}, more: Partial<ConnectOptions> = {}): Promise<Session> {
    const made = await connect(sshd.target(target), {
      signal: new AbortController().signal,
      lock: { kind: 'none', who: 'test' },
      code: {},
      ...more,
    });
    open.push(made);
    return made;
  }

  const exclusive = (who = 'ana@laptop pid 7, apply'): Partial<ConnectOptions> => ({
    lock: { kind: 'exclusive', who },
  });
  const runs = (pattern: string): boolean => {
    try {
      return sshd.inside('pgrep', '-f', pattern) !== '';
    } catch {
      return false;
    }
  };
  const inRun = (): string[] =>
    sshd
      .inside('ls', '/run/mcpk')
      .split('\n')
      .filter((name) => name.startsWith('session.'));

  describe('becoming root', () => {
    const secret = (value: string): Secret => new Secret(value, 'becomePassword');
    test.each<[string, Partial<Target>]>([
      ['root itself', {}],
      ['root with sudo asked for', { become: 'none' }],
      ['sudo without a password', { user: 'ops' }],
      ['sudo with a password', { user: 'pw', becomePassword: secret(PASSWORD) }],
      ['a password that sudo does not want', { user: 'ops', becomePassword: secret('needless') }],
    ])('%s', async (_what, target) => {
      const [id, stdin] = await (
        await session(target)
      ).exec([{ argv: ['id', '-u'] }, { argv: ['cat'], stdin: 'a\nb' }]);
      expect([id?.stdout, stdin?.stdout]).toEqual(['0\n', 'a\nb']);
    });

    test('the password goes to sudo only: a profile that asks for it, in whatever words were seen, gets none', async () => {
      const commands: string[] = [];
      const exec = vi.spyOn(ssh2.Client.prototype, 'exec');
      const target = { user: 'pw', becomePassword: secret(PASSWORD) };
      for (let seen = 0; seen < 2; seen += 1) await session(target);
      for (const [command] of exec.mock.calls) commands.push(String(command));
      const prompts = commands.map((command) => /-p '([^']+)'/.exec(command)?.[1] ?? '');
      expect(new Set(prompts).size).toBe(2);
      const asking = ['[mcpk-password]', ...prompts].map((prompt) => `printf %s ${quote([prompt])} >&2`).join('; ');
      // It waits for an answer for as long as one would take, and keeps it.
      const profile = `${asking}\nread -r -t 2 got && printf %s "$got" >/run/home-pw/got\n`;
      sshd.inside('chsh', '-s', '/bin/bash', 'pw');
      sshd.inside('sh', '-c', `cat >/run/home-pw/.bashrc <<'END'\n${profile}END`);
      try {
        const made = await session(target);
        expect((await made.exec([{ argv: ['id', '-u'] }]))[0]?.stdout).toBe('0\n');
        expect(sshd.inside('sh', '-c', 'cat /run/home-pw/got 2>/dev/null || :')).toBe('');
      } finally {
        sshd.inside('rm', '/run/home-pw/.bashrc');
        sshd.inside('chsh', '-s', '/bin/sh', 'pw');
      }
    });

    test.each<[string, Partial<Target>, RegExp, RegExp]>([
      [
        'a wrong password',
        { user: 'pw', becomePassword: secret('wrong') },
        /sudo refused the password of pw/,
        /becomePassword/,
      ],
      ['no password', { user: 'pw' }, /sudo wants a password from pw/, /becomePassword/],
      ['no sudo at all', { user: 'ops', become: 'none' }, /ops is not root/, /become: sudo/],
    ])('%s is a clear error, and quick', async (_what, target, message, hint) => {
      const started = performance.now();
      const error = await failure(session(target).then((made) => made.exec([{ argv: ['id'] }])));
      expect([error.code, error.message, error.hint]).toEqual([
        'unreachable',
        expect.stringMatching(message),
        expect.stringMatching(hint),
      ]);
      expect(performance.now() - started).toBeLessThan(5000);
    });
  });

  describe('requests', () => {
    test('cost one round trip each, the first one too', async () => {
      const made = await session({}, { code: { hello: 'printf "greeting 2\\nhi"' } });
      for (const trips of [1, 2]) {
        const records: SessionRecord[] = [];
        expect(await made.request('hello', Buffer.alloc(0), (record) => records.push(record))).toEqual({ exitCode: 0 });
        expect([made.traffic.roundTrips, records]).toEqual([
          trips,
          [{ kind: 'greeting', args: [], body: Buffer.from('hi') }],
        ]);
      }
    });

    test('made together travel together: one round trip, each with its own answer', async () => {
      const made = await session({}, { code: { echo: 'cat "$1"', fail: 'echo oops >&2; exit 3' } });
      const seen: string[] = [];
      const keep = (record: SessionRecord): void => void seen.push(`${record.kind} ${record.body.toString()}`);
      const results = await Promise.all([
        made.request('echo', Buffer.from('one 1\n1'), keep),
        made.exec([{ argv: ['cat'], stdin: 'in' }]),
        made.request('fail', Buffer.alloc(0), keep),
        made.exec([{ argv: ['pwd'] }, { argv: ['false'] }]),
        made.request('echo', Buffer.from('two 1\n2'), keep),
      ]);
      expect(results).toEqual([
        { exitCode: 0 },
        [{ exitCode: 0, stdout: 'in', stderr: '' }],
        { exitCode: 3 },
        [
          { exitCode: 0, stdout: '/\n', stderr: '' },
          { exitCode: 1, stdout: '', stderr: '' },
        ],
        { exitCode: 0 },
      ]);
      expect(seen).toEqual(['one 1', 'stderr oops\n', 'two 2']);
      expect(made.traffic.roundTrips).toBe(1);
    });

    test('each round has its own answers, beside a script that holds the lock as well', async () => {
      const made = await session({}, { ...exclusive(), code: { change: 'true' }, keepsLock: ['change'] });
      const say = async (word: string): Promise<string | undefined> =>
        (await made.exec([{ argv: ['echo', word] }]))[0]?.stdout;
      expect(await say('first')).toBe('first\n');
      const [second] = await Promise.all([say('second'), made.request('change', Buffer.alloc(0), () => undefined)]);
      expect(second).toBe('second\n');
      expect(await say('third')).toBe('third\n');
    });

    test('made while others run go with the next round, and a listener that throws fails only its own', async () => {
      const made = await session({}, { code: { echo: 'cat "$1"' } });
      const first = made.exec([{ argv: ['sleep', '0.2'] }]);
      await new Promise((resolve) => setTimeout(resolve, 100));
      const thrown = expect(
        made.request('echo', Buffer.from('a 0\nb 0\n'), () => {
          throw new Error('not mine');
        }),
      ).rejects.toThrow('not mine');
      const last = made.exec([{ argv: ['echo', 'x'] }]);
      await Promise.all([first, thrown]);
      expect((await last)[0]?.stdout).toBe('x\n');
      expect(made.traffic.roundTrips).toBe(2);
    });

    test('get their body byte for byte, and say how they ended', async () => {
      const made = await session(
        {},
        { code: { sum: 'sha256sum <"$1" >"$1.sum"; printf "sum 64\\n"; head -c 64 "$1.sum"; echo oops >&2; exit 7' } },
      );
      for (const size of [0, 1, 262_144, 262_145, 5_000_000]) {
        const body = randomBytes(size);
        const seen: Record<string, string> = {};
        const { exitCode } = await made.request(
          'sum',
          body,
          (record) => void (seen[record.kind] = record.body.toString()),
        );
        expect([exitCode, seen]).toEqual([
          7,
          { sum: createHash('sha256').update(body).digest('hex'), stderr: 'oops\n' },
        ]);
      }
    });

    test('asked together run one after the other', async () => {
      const made = await session({}, { code: { slow: 'set -C; : >"$1.alone" || exit 1; sleep 0.1; rm "$1.alone"' } });
      const codes = await Promise.all([1, 2, 3].map(() => made.request('slow', Buffer.alloc(0), () => undefined)));
      expect(codes).toEqual([{ exitCode: 0 }, { exitCode: 0 }, { exitCode: 0 }]);
    });

    test('run with a known environment and nothing of the session in it', async () => {
      const made = await session();
      const [env, mask] = await made.exec([{ argv: ['env'] }, { argv: ['sh', '-c', 'umask; pwd; ls /proc/self/fd'] }]);
      expect(env?.stdout).toMatch(/^PATH=\/usr\/local\/sbin:\/usr\/local\/bin:/m);
      expect(env?.stdout).toMatch(/^LC_ALL=C$/m);
      expect(mask?.stdout).toBe('0077\n/\n0\n1\n2\n3\n');
    });

    test('neither their code nor their body is in an argument list or the environment', async () => {
      const look = `# hush-code
        found=$(cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n' | grep -c '[h]ush')
        all=$(cat /proc/[0-9]*/cmdline | tr '\\0' '\\n' | grep -c 'sess[i]on')
        printf 'seen %s %s 0\\n' "$found" "$((all > 0))"`;
      const made = await session({}, { code: { look } });
      const seen: SessionRecord[] = [];
      await made.request('look', Buffer.from('hush-body'), (record) => seen.push(record));
      expect(seen).toEqual([{ kind: 'seen', args: ['0', '1'], body: Buffer.alloc(0) }]);
    });

    test('a root-only file is read whole; a missing one is an error that names it', async () => {
      const made = await session({ user: 'ops' });
      expect((await made.read('/etc/shadow')).equals(Buffer.from(sshd.inside('cat', '/etc/shadow')))).toBe(true);
      expect((await failure(made.read('/no/such file'))).details.join()).toMatch(/No such file/);
    });

    test('text of a login shell does not disturb them', async () => {
      sshd.inside('sh', '-c', 'printf "echo Welcome to m1; echo done 0 0; echo noise >&2\\n" >/run/home-root/.bashrc');
      const made = await session();
      sshd.inside('rm', '/run/home-root/.bashrc');
      expect((await made.exec([{ argv: ['echo', 'x'] }]))[0]?.stdout).toBe('x\n');
    });
  });

  describe('the host key', () => {
    test('a wrong one is refused, before any login (a verifier that is a promise would pass)', async () => {
      const file = join(sshd.folder, 'wrong');
      const [known, other] = [sshd.hostKey, Buffer.from(sshd.hostKey)];
      other[other.length - 1] = (known.at(-1) ?? 0) ^ 1;
      writeFileSync(file, knownHostLine(hostName('127.0.0.1', sshd.port), other));
      const before = sshd.log.length;
      const error = await failure(session({ knownHostsFiles: [file] }));
      expect([error.exitCode, error.details.join('\n')]).toEqual([12, expect.stringContaining(`in ${file}:1`)]);
      expect(sshd.log.slice(before)).not.toMatch(/Accepted|Failed publickey/);
    });

    test('an unknown one is recorded when asked for, then known', async () => {
      const file = join(sshd.folder, 'fresh');
      expect((await failure(session({ knownHostsFiles: [file] }))).code).toBe('hostKey');
      await session({ knownHostsFiles: [file], acceptNewHostKeys: true });
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readFileSync(file, 'utf8')).toBe(knownHostLine(hostName('127.0.0.1', sshd.port), sshd.hostKey));
      await session({ knownHostsFiles: [file] });
    });

    test('in known_hosts of the machine is known; revoked there, or in a list, it is refused whatever else knows it', async () => {
      const none = join(sshd.folder, 'no_known_hosts');
      const [global, list, configFile] = ['machine', 'list', 'config'].map((name) =>
        join(sshd.folder, `global-${name}`),
      ) as [string, string, string];
      const line = knownHostLine(hostName('127.0.0.1', sshd.port), sshd.hostKey);
      writeFileSync(global, line);
      writeFileSync(configFile, `GlobalKnownHostsFile ${global}\n`);
      await session({ configFile, knownHostsFiles: [none] });
      writeFileSync(global, `@revoked * ${line.split(' ').slice(1).join(' ')}`);
      const revoked = async (): Promise<string> =>
        (await failure(session({ configFile, acceptNewHostKeys: true }))).message;
      expect(await revoked()).toContain(`is marked as revoked in ${global}:1`);
      writeFileSync(list, line.split(' ').slice(1).join(' '));
      writeFileSync(configFile, `GlobalKnownHostsFile /dev/null\nRevokedHostKeys ${list}\n`);
      expect(await revoked()).toContain(`is marked as revoked in ${list}:1`);
    });

    test('that is revoked is none to ask for: a host with only that recorded counts as unknown', async () => {
      const file = join(sshd.folder, 'revoked_known_hosts');
      const gone = publicKey(join(sshd.folder, 'host_ecdsa.pub'));
      writeFileSync(file, `@revoked ${knownHostLine('*', gone)}`);
      await session({ knownHostsFiles: [file], acceptNewHostKeys: true });
      expect(readFileSync(file, 'utf8')).toContain(knownHostLine(hostName('127.0.0.1', sshd.port), sshd.hostKey));
    });

    test('an unknown one is not accepted, nor logged in to, where it can not be recorded', async () => {
      const file = join(sshd.folder, 'authorized_keys');
      for (const text of [undefined, `ssh-ed25519 ${sshd.hostKey.toString('base64')} me\n`]) {
        if (text !== undefined) writeFileSync(file, text);
        const before = sshd.log.length;
        const error = await failure(session({ knownHostsFiles: [file], acceptNewHostKeys: true }));
        expect([error.exitCode, error.host, error.message]).toEqual([10, 'm1', expect.stringContaining(file)]);
        expect(sshd.log.slice(before)).not.toMatch(/Accepted/);
        expect(existsSync(file) ? readFileSync(file, 'utf8') : undefined).toBe(text);
      }
    });

    test('of a host with several, the recorded type is asked for', async () => {
      const file = join(sshd.folder, 'ecdsa');
      writeFileSync(
        file,
        knownHostLine(hostName('127.0.0.1', sshd.port), publicKey(join(sshd.folder, 'host_ecdsa.pub'))),
      );
      await session({ knownHostsFiles: [file] });
    });
  });

  describe('jump hosts', () => {
    const jump = (): Target['jump'] => [{ user: 'ops', address: '127.0.0.1', port: sshd.port }];

    test('carry the session, verified at each hop, one connection for all behind it', async () => {
      const pool = new WatchedPool();
      const sessions = await Promise.all([1, 2, 3].map(() => session({ jump: jump() }, { pool })));
      for (const made of sessions) expect((await made.exec([{ argv: ['id', '-u'] }]))[0]?.stdout).toBe('0\n');
      expect(pool.leases).toHaveLength(4);
      const gone = new Promise<void>((resolve) => pool.leases[0]?.client.once('close', () => resolve()));
      await Promise.all(sessions.map((made) => made.close()));
      await gone;
    });

    test('are shared only by hosts that trust the same: a laxer one opens no door for a stricter', async () => {
      const pool = new WatchedPool();
      const [lax, strict] = ['lax_known_hosts', 'strict_known_hosts'].map((name) => join(sshd.folder, name));
      const line = (address: string): string => knownHostLine(hostName(address, sshd.port), sshd.hostKey);
      writeFileSync(lax ?? '', line('127.0.0.1') + line('localhost'));
      // Knows the host, not the jump host.
      writeFileSync(strict ?? '', line('localhost'));
      const over = (file: string | undefined): Promise<Session> =>
        session({ address: 'localhost', jump: jump(), knownHostsFiles: [file ?? ''] }, { pool });
      await over(lax);
      const error = await failure(over(strict));
      expect([error.code, error.message]).toEqual(['hostKey', expect.stringContaining('[127.0.0.1]')]);
      await over(lax);
      expect(pool.leases, 'one jump host and two hosts').toHaveLength(3);
    });

    test('of an ssh_config: their own entry counts, and their own jump host', async () => {
      const configFile = join(sshd.folder, 'chain');
      writeFileSync(
        configFile,
        `Host 127.0.0.1
  ProxyJump inner
Host inner outer
  HostName 127.0.0.1
  Port ${sshd.port}
Host inner
  User ops
  ProxyJump outer
Host outer
  User pw
`,
      );
      const before = sshd.log.length;
      const made = await session({ configFile });
      expect((await made.exec([{ argv: ['id', '-u'] }]))[0]?.stdout).toBe('0\n');
      const logins = [...sshd.log.slice(before).matchAll(/Accepted publickey for (\w+)/g)].map(([, user]) => user);
      expect(logins).toEqual(['pw', 'ops', 'root']);
    });

    test('with an unknown key are refused', async () => {
      const error = await failure(session({ jump: [{ user: 'ops', address: 'localhost', port: sshd.port }] }));
      expect([error.exitCode, error.host, error.message]).toEqual([12, 'm1', expect.stringContaining('[localhost]')]);
    });

    test('that cannot reach the host say so', async () => {
      const error = await failure(session({ jump: jump(), port: 1 }));
      expect(error.message).toMatch(/jump host 127\.0\.0\.1 cannot reach 127\.0\.0\.1:1 .*refused/i);
    });
  });

  describe('the lock', () => {
    const fenceOf = async (made: Session): Promise<string> => {
      let seen = '';
      await made.request('fence', Buffer.alloc(0), (record) => (seen = record.args[0] ?? ''));
      return seen;
    };
    const fenced = { code: { fence: 'printf "fence %s 0\\n" "$2"' }, keepsLock: ['fence'] };

    test('is held by one at a time; the other hears who and where; readers take none; closing frees it', async () => {
      const first = await session({}, exclusive());
      await first.exec([{ argv: ['true'] }]);
      const bob = await session({}, exclusive('bob'));
      const error = await failure(bob.exec([{ argv: ['true'] }]));
      expect([error.exitCode, error.message]).toEqual([
        13,
        expect.stringMatching(/^m1: locked by ana@laptop pid 7, apply since \d\d:\d\d:\d\d \(\d s\)$/),
      ]);
      expect(error.hint).toMatch(/--wait-lock/);
      const line = `${Date.now() + 1000} R1 begin etcd unit%3Aetcd.service`;
      await first.exec([{ argv: ['tee', '/var/lib/mcpk/journal'], stdin: `${line}\n` }]);
      expect(await bob.takeLock()).toMatchObject({ who: 'ana@laptop pid 7, apply', stage: 'etcd' });
      await (await session()).exec([{ argv: ['true'] }]);
      await first.close();
      expect(await bob.takeLock()).toBeUndefined();
      expect((await bob.exec([{ argv: ['echo', 'mine'] }]))[0]?.stdout).toBe('mine\n');
    });

    test('given back is free, though the session stays; nothing runs before it is taken again', async () => {
      const first = await session({}, exclusive());
      expect(await first.lockHolder()).toBeUndefined();
      first.giveLock();
      expect((await failure(first.exec([{ argv: ['true'] }]))).code).toBe('locked');
      const bob = await session({}, exclusive('bob'));
      expect(await bob.lockHolder()).toBeUndefined();
      expect(await first.takeLock()).toMatchObject({ who: 'bob' });
      await bob.close();
      expect(await first.takeLock()).toBeUndefined();
      expect((await first.exec([{ argv: ['echo', 'again'] }]))[0]?.stdout).toBe('again\n');
    });

    test('counts up each time that it is taken; what keeps it is told the number', async () => {
      const first = await session({}, { ...exclusive(), ...fenced });
      const before = Number(await fenceOf(first));
      await first.close();
      const second = await session({}, { ...exclusive(), ...fenced });
      expect(await fenceOf(second)).toBe(String(before + 1));
      second.giveLock();
      await second.takeLock();
      expect(await fenceOf(second)).toBe(String(before + 2));
      expect(sshd.inside('cat', '/var/lib/mcpk/fence')).toBe(`${before + 2}\n`);
      const reader = await session({}, fenced);
      expect(await fenceOf(reader)).toBe('');
    });

    test('does not go to the children of a request: what escapes its group cannot keep it', async () => {
      const code = {
        escape: 'setsid sleep 61.5 >/dev/null 2>&1 & exit 0',
        keep: 'setsid sleep 61.5 >/dev/null 2>&1 & exit 0',
      };
      const first = await session({}, { ...exclusive(), code, keepsLock: ['keep'] });
      await first.request('escape', Buffer.alloc(0), () => undefined);
      await first.close();
      const second = await session({}, { ...exclusive(), code, keepsLock: ['keep'] });
      await second.request('keep', Buffer.alloc(0), () => undefined);
      await second.close();
      const error = await failure(session({}, exclusive()).then((made) => made.exec([{ argv: ['true'] }])));
      sshd.inside('kill', ...sshd.inside('pgrep', '-f', 'sleep 61[.]5').trim().split('\n'));
      expect(error.code).toBe('locked');
      await until(
        'the lock free',
        () => sshd.inside('sh', '-c', 'flock -n /run/mcpk/lock echo free || :') === 'free\n',
      );
    });
  });

  describe('a run whose lock is gone', () => {
    const converge = { code: { converge: loadScripts().converge }, keepsLock: ['converge'] };
    const stream = (run: string, ops: Op[]): Buffer =>
      encodeConverge({
        run,
        stage: 'system',
        caller: 'ana apply 0',
        notes: [],
        preconditions: [],
        ownedBefore: '',
        ownedAfter: '',
        steps: [{ ref: 'file:/etc/mine', ops }],
      });
    const file = (path: string): Op => ({
      op: 'write',
      path,
      mode: '0644',
      owner: 'root',
      group: 'root',
      content: 'x',
    });
    const exists = (path: string): boolean => sshd.inside('sh', '-c', `test -e ${path} && echo yes || :`) !== '';

    test('changes nothing more: the counter of locks has moved on', async () => {
      const first = await session({}, { ...exclusive(), ...converge });
      const kinds: string[] = [];
      const send = (path: string): Promise<{ exitCode: number }> =>
        first.request('converge', stream('R1', [file(path)]), (record) => kinds.push(record.kind));
      expect([await send('/etc/mine'), exists('/etc/mine')]).toEqual([{ exitCode: 0 }, true]);
      // flock alone would not see it: it is another file now.
      sshd.inside('rm', '/run/mcpk/lock');
      const second = await session({}, { ...exclusive('bob'), ...converge });
      expect(await second.lockHolder()).toBeUndefined();
      expect([await send('/etc/late'), exists('/etc/late')]).toEqual([{ exitCode: 13 }, false]);
      expect(kinds).toEqual(['event', 'fenced']);
      const after = await second.request('converge', stream('R2', [file('/etc/late')]), () => undefined);
      expect([after, exists('/etc/late')]).toEqual([{ exitCode: 0 }, true]);
    });

    test('finishes what must not be cut short under the same lock, and nothing behind it', async () => {
      const programs = {
        'systemd-run': 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
        // Whoever could take the lock now would find dpkg at work.
        'apt-get':
          'echo "$PPID" >/run/apt; sleep 4; flock -n /run/mcpk/lock true && : >/run/lock-was-free; : >/run/apt-done',
        systemctl: '',
        'apt-mark': '',
      };
      sshd.inside('sh', '-c', 'mkdir -p /run/systemd/system && mount -t tmpfs tmpfs /usr/local/sbin');
      for (const [name, text] of Object.entries(programs))
        sshd.inside(
          'sh',
          '-c',
          'printf "#!/bin/sh\\n%s\\n" "$2" >"$1" && chmod 755 "$1"',
          'sh',
          `/usr/local/sbin/${name}`,
          text,
        );
      try {
        const pool = new WatchedPool();
        const first = await session({}, { ...exclusive(), ...converge, pool });
        const install: Op = { op: 'install', packages: ['x'], mask: ['x.service'], hold: [] };
        const lost = failure(first.request('converge', stream('R3', [install, file('/etc/behind')]), () => undefined));
        await until('apt at work', () => exists('/run/apt'));
        pool.leases[0]?.stream.destroy();
        expect((await lost).code).toBe('unreachable');
        const second = await session({}, { ...exclusive('bob'), ...converge });
        expect(await second.lockHolder()).toMatchObject({ who: 'ana@laptop pid 7, apply', stage: 'system' });
        await expect.poll(() => second.takeLock(), { timeout: 10_000 }).toBeUndefined();
        expect([exists('/run/apt-done'), exists('/run/lock-was-free'), exists('/etc/behind')]).toEqual([
          true,
          false,
          false,
        ]);
        // Unmasked by the one that masked it.
        expect(sshd.inside('cat', '/var/lib/mcpk/masked')).toBe('');
      } finally {
        sshd.inside('sh', '-c', 'umount /usr/local/sbin; rmdir /run/systemd/system');
      }
    }, 30_000);

    test('that left without a word has let go of it after 15 s at most, stubborn work included', async () => {
      const pool = new WatchedPool();
      const code = { stubborn: 'trap "" TERM; printf "begun 0\\n"; sh -c "trap \\"\\" TERM; sleep 64.5; sleep 64.5"' };
      const first = await session({}, { ...exclusive(), code, keepsLock: ['stubborn'], pool });
      const begun = Promise.withResolvers<undefined>();
      const end = failure(first.request('stubborn', Buffer.alloc(0), () => begun.resolve(undefined)));
      await begun.promise;
      const socket = pool.leases[0]?.stream;
      if (!socket) throw new Error('no connection');
      // The network is gone: nothing more arrives there, and nobody is told.
      socket.pause();
      socket.write = () => true;
      const gone = performance.now();
      const free = (): boolean => sshd.inside('sh', '-c', 'flock -n /run/mcpk/lock echo free || :') === 'free\n';
      await until('the lock free', free, 20);
      // 14.1 s at most; this machine may be busy.
      expect(performance.now() - gone).toBeLessThan(17_000);
      expect(performance.now() - gone).toBeGreaterThan(8000);
      expect(runs('sleep 64[.]5')).toBe(false);
      socket.destroy();
      await end;
    }, 30_000);
  });

  describe('the end of a session', () => {
    const work = { code: { work: 'sh -c "sleep 62.5; :" & printf "begun 0\\n"; sleep 62.5; :' } };
    /** Starts `work`; its end is a promise in an object, or `await` would wait for that too. */
    async function begun(made: Session, signal?: AbortSignal): Promise<{ end: Promise<McpkError> }> {
      const started = Promise.withResolvers<undefined>();
      const end = failure(
        made.request(
          'work',
          Buffer.alloc(0),
          (record) => void (record.kind === 'begun' && started.resolve(undefined)),
          signal,
        ),
      );
      await started.promise;
      return { end };
    }

    test('leaves no process and no file', async () => {
      const made = await session({}, exclusive());
      await made.exec([{ argv: ['true'] }]);
      await made.close();
      await until('an empty /run/mcpk', () => inRun().length === 0, 2);
      await until('no watchdog', () => !runs('/run/mcpk/'), 2);
      expect(sshd.inside('stat', '-c', '%a', '/run/mcpk')).toBe('700\n');
    });

    test('a lost connection ends the work, all of it, and frees the lock', async () => {
      const pool = new WatchedPool();
      const made = await session({}, { ...exclusive(), ...work, pool });
      const { end: result } = await begun(made);
      pool.leases[0]?.stream.destroy();
      expect((await result).message).toMatch(/connection was lost/);
      await until('the work ended', () => !runs('sleep 62[.]5'));
      await until('an empty /run/mcpk', () => inRun().length === 0);
      await (await session({}, exclusive('bob'))).exec([{ argv: ['true'] }]);
    });

    test('a lost connection takes along what commands were given', async () => {
      const pool = new WatchedPool();
      const made = await session({}, { ...exclusive(), pool });
      const given = (): boolean =>
        sshd.inside('sh', '-c', 'grep -rl break-glass-key /run/mcpk /var/lib/mcpk 2>/dev/null || :') !== '';
      const result = failure(made.exec([{ argv: ['sleep', '62.5'], stdin: 'break-glass-key' }]));
      await until('the command at work', () => runs('sleep 62[.]5') && given());
      pool.leases[0]?.stream.destroy();
      expect((await result).message).toMatch(/connection was lost/);
      await until('the command ended', () => !runs('sleep 62[.]5'));
      await until('an empty /run/mcpk', () => inRun().length === 0);
      expect(given()).toBe(false);
    });

    test('silence ends the work and frees the lock, though the connection stays', async () => {
      // The operator beats every 2 s: too slow for this host.
      const made = await session({}, { ...exclusive(), ...work, silence: { tickSeconds: 0.2, ticks: 3 } });
      const error = await (await begun(made)).end;
      expect([error.code, error.message]).toEqual(['unreachable', expect.stringMatching(/without a sign of life/)]);
      await until('the work ended', () => !runs('sleep 62[.]5'));
      await until('an empty /run/mcpk', () => inRun().length === 0);
      await (await session({}, exclusive('bob'))).exec([{ argv: ['true'] }]);
    });

    test('beats keep it alive through long work', async () => {
      const made = await session({}, { silence: { tickSeconds: 1, ticks: 3 } });
      const [answer] = await made.exec([{ argv: ['sh', '-c', 'sleep 5; echo there'] }]);
      expect(answer?.stdout).toBe('there\n');
    }, 10_000);

    test('long work without a word is told from a host that hangs', async () => {
      const made = await session({}, { patience: { ...PATIENCE, beatMs: 200, silentMs: 1000 } });
      expect((await made.exec([{ argv: ['sleep', '3'] }]))[0]?.exitCode).toBe(0);
    });

    test('so is a body that is long on its way', async () => {
      const slow = { code: { slow: 'sleep 2' }, patience: { ...PATIENCE, beatMs: 200, silentMs: 1000 } };
      const made = await session({}, slow);
      expect(await made.request('slow', randomBytes(3_000_000), () => undefined)).toEqual({ exitCode: 0 });
    });

    test('work that is killed without a word is not waited for', async () => {
      const patience = { ...PATIENCE, beatMs: 200, silentMs: 1000 };
      const made = await session({}, { ...exclusive(), ...work, patience });
      const { end } = await begun(made);
      sshd.inside('sh', '-c', 'kill -KILL "$(cat /run/mcpk/session.*/work)"');
      const error = await end;
      expect([error.code, error.host, error.message]).toEqual([
        'unreachable',
        'm1',
        'm1: no sign of life for 1 s while it was asked for work',
      ]);
      await until('the lock is free', () => inRun().length === 0);
      sshd.inside('sh', '-c', 'pkill -KILL -f "sleep 62[.]5" || :');
    });

    test('a request ends with its limit, however lively its host, and with it the work and the lock', async () => {
      const patience = { ...PATIENCE, beatMs: 200, limitMs: 1000 };
      const made = await session({}, { ...exclusive(), ...work, patience });
      const error = await (await begun(made)).end;
      expect([error.code, error.message]).toEqual(['unreachable', 'm1: work did not end within 1 s']);
      await until('the work ended', () => !runs('sleep 62[.]5'));
      // The session's own end, and with it the lock's, follows a moment later.
      const answered = async (): Promise<unknown> =>
        (await session({}, exclusive('bob'))).exec([{ argv: ['true'] }]).catch((error: McpkError) => error.code);
      await expect.poll(answered, { timeout: 10_000 }).toMatchObject([{ exitCode: 0 }]);
    });

    test('what may install packages has longer', async () => {
      const patience = { ...PATIENCE, beatMs: 200, limitMs: 600, longLimitMs: 60_000 };
      const made = await session({}, { code: { install: 'sleep 2' }, keepsLock: ['install'], patience });
      expect(await made.request('install', Buffer.alloc(0), () => undefined)).toEqual({ exitCode: 0 });
      expect(await made.exec([{ argv: ['sleep', '2'], long: true }])).toHaveLength(1);
      expect((await failure(made.exec([{ argv: ['sleep', '2'] }]))).message).toMatch(/exec did not end within 1 s/);
    });

    test('an abort ends a whole round: what was not begun is not', async () => {
      const made = await session();
      const off = new AbortController();
      const together = ['31.7', '31.8'].map((time) => failure(made.exec([{ argv: ['sleep', time] }], off.signal)));
      const apart = made.exec([{ argv: ['echo', 'still here'] }]);
      await expect.poll(() => runs('sleep 31.7')).toBe(true);
      off.abort();
      expect((await Promise.all(together)).map(({ code }) => code)).toEqual(['interrupted', 'interrupted']);
      expect((await apart)[0]?.stdout).toBe('still here\n');
      expect([runs('sleep 31.7'), runs('sleep 31.8')]).toEqual([false, false]);
    });

    test('an abort ends the request and its processes; the session serves on', async () => {
      const made = await session({}, work);
      const off = new AbortController();
      const { end: result } = await begun(made, off.signal);
      off.abort();
      expect((await result).code).toBe('interrupted');
      expect(runs('sleep 62[.]5')).toBe(false);
      expect((await made.exec([{ argv: ['echo', 'on'] }]))[0]?.stdout).toBe('on\n');
    });

    test('work that ignores TERM is killed', async () => {
      const made = await session(
        {},
        { code: { stubborn: 'trap "" TERM; printf "begun 0\\n"; sh -c "trap \\"\\" TERM; sleep 63.5; sleep 63.5"' } },
      );
      const off = new AbortController();
      const result = failure(made.request('stubborn', Buffer.alloc(0), () => off.abort(), off.signal));
      expect((await result).code).toBe('interrupted');
      await until('the work killed', () => !runs('sleep 63[.]5'));
    }, 15_000);

    test('a session that is killed on the host is cleaned up after', async () => {
      const made = await session({}, { ...exclusive(), silence: { tickSeconds: 0.2, ticks: 50 } });
      // The shell's parent is a child of the request, whose parent is the session.
      const [pid] = await made.exec([{ argv: ['sh', '-c', 'ps -o ppid= -p $(ps -o ppid= -p $PPID)'] }]);
      sshd.inside('kill', '-KILL', pid?.stdout.trim() ?? '');
      expect((await failure(made.exec([{ argv: ['true'] }]))).code).toBe('unreachable');
      await until('an empty /run/mcpk', () => inRun().length === 0);
    });
  });

  describe('uploads', () => {
    const source = (bytes: Buffer): { file: string; sha256: string } => {
      const file = join(sshd.folder, `upload-${bytes.length}`);
      writeFileSync(file, bytes);
      return { file, sha256: createHash('sha256').update(bytes).digest('hex') };
    };
    const stat = (path: string): string => sshd.inside('stat', '-c', '%a %U %s', path).trim();
    const isOpen = (file: string): boolean =>
      readdirSync('/proc/self/fd').some((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`) === file;
        } catch {
          return false;
        }
      });

    test.each([0, 1, 65_536, 1_000_000, 20_000_000])(
      '%i bytes arrive byte for byte, 0755, below 0700 folders',
      async (size) => {
        const { file, sha256 } = source(randomBytes(size));
        const made = await session({ user: size === 1 ? 'pw' : 'ops', becomePassword: new Secret(PASSWORD, 'p') });
        let counted = 0;
        await made.upload(file, `/run/store ${size}/a'b/${sha256}`, sha256, (n) => (counted += n));
        expect([
          counted,
          stat(`/run/store ${size}/a'b/${sha256}`),
          stat(`/run/store ${size}/a'b`).split(' ')[0],
        ]).toEqual([size, `755 root ${size}`, '700']);
        expect(sshd.inside('sha256sum', `/run/store ${size}/a'b/${sha256}`)).toContain(sha256);
        expect(made.traffic).toMatchObject({ roundTrips: 1 });
        expect(made.traffic.bytesSent).toBeGreaterThan(size);
      },
    );

    test.each(['plain', 'gzip'] as const)('in many parts, %s, it arrives byte for byte', async (how) => {
      class Small extends Pace {
        override next(): ReturnType<Pace['next']> {
          return { how, bytes: 100_000 };
        }
      }
      const { file, sha256 } = source(Buffer.concat([randomBytes(500_000), Buffer.alloc(4_000_000, 'text ')]));
      const pool = new WatchedPool();
      await session({}, { pool });
      const [connection] = pool.leases;
      if (!connection) throw new Error('no connection');
      const parts: number[] = [];
      const warnings: Error[] = [];
      const hear = (warning: Error): void => void warnings.push(warning);
      process.on('warning', hear);
      const { sent } = await upload({
        ...{ connection, host: 'm1', user: 'root', become: 'none', startLimit: 10, source: file, sha256 },
        ...{ path: '/run/parts/x', pace: new Small(), signal: new AbortController().signal },
        ...{ patience: PATIENCE, alive: () => 0 },
        onBytes: (n) => parts.push(n),
      });
      expect(sshd.inside('sha256sum', '/run/parts/x')).toContain(sha256);
      process.off('warning', hear);
      expect(parts).toEqual(Array<number>(45).fill(100_000));
      // Node's, of listeners that stay with a file.
      expect(warnings).toEqual([]);
      if (how === 'gzip') expect(sent).toBeLessThan(600_000);
      else expect(sent).toBeGreaterThan(4_500_000);
    });

    test('what a power loss left of one before is cleared away, what another is just sending is not', async () => {
      sshd.inside('sh', '-c', 'mkdir /run/after; cd /run/after; : >"x.tmp.4194305"; : >"y.tmp.$1"', 'sh', '1');
      const { file, sha256 } = source(Buffer.from('z'));
      await (await session()).upload(file, '/run/after/z', sha256, () => undefined);
      expect(sshd.inside('ls', '/run/after')).toBe('y.tmp.1\nz\n');
    });

    test('a wrong checksum leaves nothing', async () => {
      const { file } = source(Buffer.from('binary'));
      const error = await failure((await session()).upload(file, '/run/bad/x', 'ab'.repeat(32), () => undefined));
      expect([error.exitCode, error.message]).toEqual([15, expect.stringMatching(/checksum of \/run\/bad\/x/)]);
      expect(sshd.inside('ls', '-A', '/run/bad')).toBe('');
    });

    test('a file that becomes shorter on its way leaves nothing, and is said', async () => {
      const { file, sha256 } = source(randomBytes(30_000_000));
      const shorten = (): void => truncateSync(file, 20_000_000);
      const error = await failure((await session()).upload(file, '/run/short/x', sha256, shorten));
      expect([error.exitCode, error.message]).toEqual([15, expect.stringMatching(/20000000 of 30000000 bytes/)]);
      expect(sshd.inside('ls', '-A', '/run/short')).toBe('');
    });

    test('a full disk leaves nothing, is said, and no more is sent to it', async () => {
      sshd.inside('sh', '-c', 'mkdir /run/small && mount -t tmpfs -o size=1m tmpfs /run/small');
      const { file, sha256 } = source(randomBytes(30_000_000));
      let counted = 0;
      const error = await failure((await session()).upload(file, '/run/small/x', sha256, (n) => (counted += n)));
      await until('the file is closed', () => !isOpen(file));
      expect(counted).toBeLessThan(10_000_000);
      expect([error.exitCode, error.message]).toEqual([
        15,
        expect.stringMatching(/cannot write \/run\/small\/x: No space left on device/),
      ]);
      expect(sshd.inside('ls', '-A', '/run/small')).toBe('');
    });

    test('an aborted one and a lost one leave nothing', async () => {
      const { file, sha256 } = source(randomBytes(30_000_000));
      for (const how of ['abort', 'lost'] as const) {
        const pool = new WatchedPool();
        const off = new AbortController();
        const made = await session({}, { pool });
        const cut = (): void => (how === 'abort' ? off.abort() : void pool.leases[0]?.stream.destroy());
        const error = await failure(made.upload(file, '/run/cut/x', sha256, cut, off.signal));
        expect(error.code).toBe(how === 'abort' ? 'interrupted' : 'unreachable');
        await until('no temporary file', () => sshd.inside('sh', '-c', 'mkdir -p /run/cut; ls -A /run/cut') === '');
      }
    });
  });

  test('MaxSessions 2: uploads beside each other wait for a channel', async () => {
    const narrow = await Sshd.start(['MaxSessions 2']);
    try {
      const made = await connect(narrow.target(), {
        signal: new AbortController().signal,
        lock: { kind: 'none', who: '' },
        code: {},
      });
      const file = join(narrow.folder, 'file');
      writeFileSync(file, 'x');
      const sha256 = createHash('sha256').update('x').digest('hex');
      await Promise.all([1, 2, 3, 4, 5].map((n) => made.upload(file, `/run/up/${n}`, sha256, () => undefined)));
      expect(narrow.inside('ls', '/run/up')).toBe('1\n2\n3\n4\n5\n');
      await made.close();
    } finally {
      await narrow.stop();
    }
  });

  test('MaxStartups: a connection that is turned away comes again', async () => {
    const crowded = await Sshd.start(['MaxStartups 2:100:2']);
    const idle = [tcp(crowded.port), tcp(crowded.port)];
    try {
      await delay(100);
      setTimeout(() => idle.forEach((socket) => socket.destroy()), 150);
      const made = await connect(crowded.target(), {
        signal: new AbortController().signal,
        lock: { kind: 'none', who: '' },
        code: {},
      });
      expect(crowded.log).toMatch(/drop connection|MaxStartups/i);
      await made.close();
    } finally {
      idle.forEach((socket) => socket.destroy());
      await crowded.stop();
    }
  });
});
