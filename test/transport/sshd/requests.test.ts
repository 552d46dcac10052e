import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { describe, expect, test, vi } from 'vitest';
import { quote } from '../../../src/core/quote.ts';
import { Secret } from '../../../src/core/secret.ts';
import { hostName, knownHostLine } from '../../../src/transport/known-hosts.ts';
import type { Session, SessionRecord, Target } from '../../../src/transport/types.ts';
import { PASSWORD, publicKey } from '../sshd.ts';
import { failure, impossible, realSshd, WatchedPool } from './real-sshd.ts';

const { exclusive, session, sshd } = await realSshd();

describe.skipIf(impossible !== undefined)('a real sshd: root, requests, keys and jump hosts', () => {
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
});
