import { describe, expect, test } from 'vitest';
import { loadScripts } from '../../../src/engine/wire/scripts.ts';
import { encodeConverge } from '../../../src/engine/wire/wire-converge.ts';
import type { Op } from '../../../src/resources/types.ts';
import type { Session } from '../../../src/transport/types.ts';
import { failure } from '../failure.ts';
import { until } from '../sshd.ts';
import { impossible, realSshd, WatchedPool } from './real-sshd.ts';

const { exclusive, runs, session, sshd } = await realSshd();

describe.skipIf(impossible !== undefined)('a real sshd: the lock', () => {
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
        const install: Op = { op: 'install', packages: ['x'], mask: ['x.service'], hold: [], replaced: [] };
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
});
