import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { McpkError } from '../../../src/core/errors.ts';
import { Secret } from '../../../src/core/secret.ts';
import { connect } from '../../../src/transport/connect.ts';
import { Pace } from '../../../src/transport/pace.ts';
import { PATIENCE } from '../../../src/transport/patience.ts';
import type { Session } from '../../../src/transport/types.ts';
import { upload } from '../../../src/transport/upload.ts';
import { failure } from '../failure.ts';
import { PASSWORD, Sshd, tcp, until } from '../sshd.ts';
import { impossible, realSshd, WatchedPool } from './real-sshd.ts';

const { exclusive, inRun, runs, session, sshd } = await realSshd();

describe.skipIf(impossible !== undefined)('a real sshd: the end of a session, and uploads', () => {
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

    test('a part of a file arrives byte for byte', async () => {
      const bytes = randomBytes(200_000);
      const { file } = source(Buffer.concat([randomBytes(1000), bytes, randomBytes(1000)]));
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const part = { file, from: 1000, size: bytes.length };
      await (await session()).upload(part, '/run/part/x', sha256, () => undefined);
      expect(sshd.inside('sha256sum', '/run/part/x')).toContain(sha256);
    });

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
