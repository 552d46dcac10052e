import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { connect } from '../../src/transport/connect.ts';
import type { McpkError } from '../../src/core/errors.ts';
import { ConnectionPool } from '../../src/transport/hops.ts';
import { doorsOf, scanHostKey, showHostKeys } from '../../src/transport/host-keys.ts';
import { knownHostLine, parseKnownHosts } from '../../src/transport/known-hosts.ts';
import { pinHostKey, replaceHostKey } from '../../src/transport/pin-keys.ts';
import type { RemoteScript } from '../../src/transport/remote-script.ts';
import { HostSession } from '../../src/transport/session.ts';
import type { ConnectOptions, Session, Target } from '../../src/transport/types.ts';
import { failure } from './failure.ts';
import { FaultyServer } from './faulty-server.ts';
import type { Faults } from './faulty-server.ts';
import { freePort, publicKey } from './sshd.ts';

const options = (more: Partial<ConnectOptions> = {}): ConnectOptions => ({
  signal: new AbortController().signal,
  lock: { kind: 'none', who: 'test' },
  code: {},
  ...more,
});

let server: FaultyServer | undefined;
const serve = async (faults: Faults = {}): Promise<FaultyServer> => (server = await FaultyServer.start(faults));
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

async function opened(target: Target, more: Partial<ConnectOptions> = {}): Promise<Session> {
  return connect(target, options(more));
}

describe('before the login', () => {
  test('a connection that sshd drops (MaxStartups) is tried again', async () => {
    const { port } = await serve({
      onSocket: (socket, nth) => nth < 3 && Boolean(socket.destroy()),
      onScript: (channel) => channel.write('ready 0\n'),
    });
    const session = await opened(server!.target());
    expect([port > 0, server?.sockets]).toEqual([true, 3]);
    await (session as Session & { close(): Promise<void> }).close();
  }, 12_000);

  test('it is given up after four, with the reasons that sshd may have', async () => {
    await serve({ onSocket: (socket) => Boolean(socket.destroy()) });
    const error = await failure(opened(server!.target()));
    expect([error.code, error.host, server?.sockets]).toEqual(['unreachable', 'm1', 4]);
    expect(`${error.message} ${error.hint}`).toMatch(/closed the connection before the login.*MaxStartups/);
  });

  test('who only asks for the key hears the same', async () => {
    await serve({ onSocket: (socket) => Boolean(socket.destroy()) });
    const [door] = doorsOf(server!.target());
    const error = await failure(scanHostKey(door!, new AbortController().signal, new ConnectionPool()));
    expect(`${error.message} ${error.hint}`).toMatch(/closed the connection before the login.*MaxStartups/);
  });

  test('one that says nothing ends with the time limit', async () => {
    await serve({ onSocket: () => true });
    const started = performance.now();
    const error = await failure(opened(server!.target({ connectTimeout: 0.5 })));
    expect(error.message).toMatch(/no answer from 127\.0\.0\.1:\d+ within 0\.5 s/);
    expect(performance.now() - started).toBeLessThan(2000);
  });

  test('an abort ends it at once', async () => {
    await serve({ onSocket: () => true });
    const off = new AbortController();
    const pending = failure(opened(server!.target(), { signal: off.signal }));
    off.abort();
    expect((await pending).code).toBe('interrupted');
  });

  test('a closed port is said to be closed, without another try', async () => {
    await serve();
    const error = await failure(opened(server!.target({ port: await freePort() })));
    expect([error.code, error.message]).toEqual(['unreachable', expect.stringContaining('connection refused')]);
  });

  test('a name that does not resolve is named', async () => {
    await serve();
    expect((await failure(opened(server!.target({ address: 'no-such-host.invalid' })))).message).toMatch(
      /no-such-host\.invalid does not resolve/,
    );
  });
});

describe('a jump host that fails', () => {
  test('is told of each host behind it in the same words', async () => {
    await serve();
    const pool = new ConnectionPool();
    const jump = [{ address: 'no-such-host.invalid', port: 22 }];
    const to = (name: string): Promise<McpkError> => failure(opened(server!.target({ name, jump }), { pool }));
    const errors = await Promise.all(['m1', 'w1'].map(to));
    const message = 'jump host no-such-host.invalid: the name no-such-host.invalid does not resolve';
    expect(errors.map((error) => error.message)).toEqual([`m1: ${message}`, `w1: ${message}`]);
    expect(errors[0]?.hint).toContain('Mend the address in the inventory');
  });

  test.each(['Host gate\n  HostName no-such-host.invalid\n', 'Host m1\n  ProxyJump no-such-host.invalid\n'])(
    'whose name is of the ssh_config is to be mended there: %j',
    async (text) => {
      await serve();
      const configFile = join(server!.folder, 'config');
      writeFileSync(configFile, text);
      const jump = text.includes('gate') ? [{ address: 'gate', port: 22 }] : [];
      const error = await failure(opened(server!.target({ address: 'm1', configFile, jump })));
      expect(error.hint).toContain(`Mend the name in ${configFile}`);
    },
  );
});

describe('a port at which nothing listens', () => {
  test.each([
    ['of a host', {}, 'mend ssh.port in the inventory'],
    ['of a jump host', { jump: [{ address: '127.0.0.1', port: 1 }] }, 'mend its port in ssh.jump'],
  ])('%s is to be mended where it stands', async (_whose, over, hint) => {
    await serve();
    expect((await failure(opened(server!.target({ port: 1, ...over })))).hint).toContain(hint);
  });
});

describe('the login', () => {
  test('a refused one is never tried again, and lists the keys', async () => {
    await serve({ accept: false });
    const error = await failure(opened(server!.target()));
    expect([error.code, server?.sockets, server?.logins]).toEqual(['unreachable', 1, ['root']]);
    expect(error.message).toMatch(/refused the login of root/);
    expect(error.details).toEqual([`refused  ${join(server!.folder, 'id')}`]);
  });

  test('a connection lost in it is not tried again', async () => {
    await serve({ onLogin: (connection) => connection.end() });
    const error = await failure(opened(server!.target()));
    expect([error.code, server?.sockets]).toEqual(['unreachable', 1]);
  });

  test('a key with a passphrase and no agent: says what to do, contacts nobody', async () => {
    await serve();
    const file = join(server!.folder, 'locked');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', file]);
    const error = await failure(opened(server!.target({ identityFiles: [file] })));
    expect([error.code, server?.sockets]).toEqual(['unreachable', 0]);
    expect(error.hint).toContain(`ssh-add ${file}`);
  });
});

describe('another try is worth it', () => {
  const nobody = { address: '127.0.0.1', port: 1 };

  /** Seconds until then; undefined: not before somebody acts. */
  const TRIES: [what: string, faults: Faults, target: Partial<Target>, again: number | undefined][] = [
    ['soon where nothing listens', {}, nobody, 1],
    ['soon where nothing listens on a jump host', {}, { jump: [nobody] }, 1],
    ['soon where the connection is closed', { onSocket: (socket) => Boolean(socket.destroy()) }, {}, 1],
    ['later where the host key is not known', {}, { knownHostsFiles: ['/nowhere/known_hosts'] }, 5],
    ['later still where the login is refused, as sshd bans for it', { accept: false }, {}, 10],
    ['never without a key to log in with', {}, { identityFiles: ['/nowhere/id'] }, undefined],
    ['never with a known_hosts that is none to read', {}, { knownHostsFiles: ['/'] }, undefined],
  ];

  test.each(TRIES)('%s', async (_what, faults, target, again) => {
    await serve(faults);
    expect((await failure(opened(server!.target(target)))).again).toBe(again);
  });
});

describe('the host key', () => {
  test('an unknown one is refused before any login, with fingerprint and hint', async () => {
    await serve();
    const error = await failure(opened(server!.target({ knownHostsFiles: [join(server!.folder, 'none')] })));
    expect([error.exitCode, server?.logins]).toEqual([12, []]);
    expect(error.details[0]).toMatch(/^offered {3}ssh-ed25519 SHA256:/);
    expect(error.hint).toMatch(/mcpk host-key pin --limit m1.*--accept-new-host-keys/);
  });

  test.each([false, true])(
    'a changed one is refused before any login (accept new ones: %s)',
    async (acceptNewHostKeys) => {
      await serve();
      const file = join(server!.folder, 'changed');
      const other = await FaultyServer.start({});
      writeFileSync(
        file,
        `# first line\n[127.0.0.1]:${server!.port} ssh-ed25519 ${other.publicKey.toString('base64')}\n`,
      );
      await other.stop();
      const error = await failure(opened(server!.target({ knownHostsFiles: [file], acceptNewHostKeys })));
      expect([error.exitCode, server?.logins]).toEqual([12, []]);
      expect(error.message).toMatch(/has changed/);
      expect(error.details.join('\n')).toMatch(new RegExp(`offered .*SHA256:.*\nrecorded .*SHA256:.* in ${file}:2`));
      expect(error.hint).toContain(`line 2 of ${file}`);
    },
  );

  test('a host that no longer has a key of a recorded type counts as changed', async () => {
    await serve();
    const file = join(server!.folder, 'rsa');
    execFileSync('ssh-keygen', ['-q', '-t', 'ecdsa', '-N', '', '-f', join(server!.folder, 'k')]);
    writeFileSync(
      file,
      `[127.0.0.1]:${server!.port} ${execFileSync('cut', ['-d ', '-f1,2', join(server!.folder, 'k.pub')], { encoding: 'utf8' })}`,
    );
    const error = await failure(opened(server!.target({ knownHostsFiles: [file], acceptNewHostKeys: true })));
    expect([error.exitCode, error.details[0]]).toEqual([12, expect.stringContaining(`in ${file}:1`)]);
  });

  describe('that is given on the command line', () => {
    const own = (): Buffer => server!.publicKey;
    const other = (): Buffer => Buffer.concat([own().subarray(0, -1), Buffer.from([own().at(-1)! ^ 1])]);
    const address = (): string => `[127.0.0.1]:${server!.port}`;
    const line = (key: Buffer, name = address()): string => knownHostLine(name, key);
    const ecdsa = (): string => {
      execFileSync('ssh-keygen', ['-q', '-t', 'ecdsa', '-N', '', '-f', join(server!.folder, 'k')]);
      return line(publicKey(join(server!.folder, 'k.pub')));
    };

    /** What is recorded, what is given, and what is recorded afterwards; or why the host is refused. */
    const GIVEN: [what: string, recorded: () => string, given: () => string, ends: () => string | RegExp][] = [
      ['is trusted, and recorded', () => '', () => line(own()), () => line(own())],
      ['is that of a name in the inventory too', () => '', () => line(own(), 'm1'), () => line(own())],
      ['takes the place of another one', () => line(other()), () => line(own()), () => line(own())],
      ['takes the place of another type', ecdsa, () => line(own()), () => line(own())],
      ['is as good as others of that host', () => '', () => line(other()) + line(own()), () => line(own())],
      [
        'leaves a recorded one alone',
        () => `# mine\n${line(own())}`,
        () => line(own()),
        () => `# mine\n${line(own())}`,
      ],
      [
        'wins over what is recorded',
        () => line(own()),
        () => line(other()),
        () => /than --host-keys-from gives[^]*offered {3}ssh-ed25519[^]*given {5}ssh-ed25519 \S+ in KEYS:1/,
      ],
      [
        'of a type that the host has not',
        () => line(own()),
        ecdsa,
        () => /than --host-keys-from gives[^]*given {5}ecdsa/,
      ],
      ['of another host is none of this one', () => line(own()), () => line(other(), 'm2'), () => line(own())],
      [
        'of another host leaves it unknown',
        () => '',
        () => line(own(), 'm2'),
        () => /is not known yet[^]*searched {2}KEYS, /,
      ],
      ['may be revoked', () => line(own()), () => `@revoked ${line(own(), '*')}`, () => /marked as revoked in KEYS:1/],
      [
        'does not help one that is revoked',
        () => `@revoked ${line(own(), '*')}`,
        () => line(own()),
        () => /marked as revoked/,
      ],
      [
        'takes no line that is of other hosts too',
        () => line(other(), `${address()},elsewhere`),
        () => line(own()),
        () => /has changed/,
      ],
    ];

    test.each(GIVEN)('%s', async (_what, recorded, given, ends) => {
      await serve({ onScript: (channel) => channel.write('ready 0\n') });
      const file = join(server!.folder, 'pinned_known_hosts');
      writeFileSync(file, recorded());
      const givenKeys = { from: 'KEYS', keys: parseKnownHosts(given(), 'KEYS').entries };
      const target = server!.target({ knownHostsFiles: [file], givenKeys });
      const end = ends();
      if (typeof end === 'string') await (await opened(target)).close();
      else {
        const error = await failure(opened(target));
        expect([error.code, [error.message, ...error.details].join('\n')]).toEqual([
          'hostKey',
          expect.stringMatching(end),
        ]);
      }
      expect(readFileSync(file, 'utf8')).toBe(typeof end === 'string' ? end : recorded());
    });
  });

  test('scan asks without a login, pin records, show lists, a changed one is not pinned', async () => {
    await serve();
    const file = join(server!.folder, 'pinned');
    const [door] = doorsOf(server!.target({ knownHostsFiles: [file] }));
    const { signal } = new AbortController();
    const scan = (): ReturnType<typeof scanHostKey> => scanHostKey(door!, signal, new ConnectionPool());
    const scanned = await scan();
    expect([scanned.verdict, scanned.type, server?.logins]).toEqual(['unknown', 'ssh-ed25519', []]);
    expect([pinHostKey(door!, scanned), pinHostKey(door!, scanned)]).toEqual([
      { file, added: true },
      { file, added: false },
    ]);
    expect(showHostKeys(door!).keys).toMatchObject([
      { fingerprint: scanned.fingerprint, file, line: 1, revoked: false },
    ]);
    expect((await scan()).verdict).toBe('known');
    const changed = {
      ...scanned,
      key: Buffer.concat([scanned.key.subarray(0, -1), Buffer.from([scanned.key.at(-1)! ^ 1])]),
    };
    expect(() => pinHostKey(door!, changed)).toThrow(expect.objectContaining({ code: 'hostKey' }));
    // A host that was installed anew: its line goes, with its name beside its address too; others stay.
    const text = readFileSync(file, 'utf8');
    const other = `# mine\nother.example.org ${text.split(' ').slice(1).join(' ')}`;
    writeFileSync(file, `${text.replace(' ', `,${door!.hop.name.toUpperCase()} `)}${other}`);
    expect(replaceHostKey(door!, changed)).toEqual({ file, added: true });
    expect(readFileSync(file, 'utf8')).toContain(other);
    expect(showHostKeys(door!).keys.map(({ line }) => line)).toEqual([3]);
    // One that stands for other hosts too is not ours to take out.
    const [line = ''] = readFileSync(file, 'utf8').split('\n').slice(-2);
    writeFileSync(file, `${line.replace(' ', ',elsewhere ')}\n`);
    expect(() => replaceHostKey(door!, scanned)).toThrow(expect.objectContaining({ code: 'hostKey' }));
  });
});

describe('the session', () => {
  test('sends its script and the first request without waiting for an answer', async () => {
    await serve({
      onExec: (channel, marker) => {
        let input = '';
        channel.on('data', (chunk: Buffer) => {
          if (!(input += chunk.toString()).endsWith('request cat 3\n/x\nend\n')) return;
          channel.write(`${marker}ready 0\nfile 1\nxdone 0 0\n`);
        });
        return true;
      },
    });
    const session = await opened(server!.target());
    expect([(await session.read('/x')).toString(), session.traffic.roundTrips]).toEqual(['x', 1]);
    await session.close();
  });

  test('a login shell that hangs is an error within the time limit, and closing does not wait for it', async () => {
    await serve({ onExec: () => true });
    const session = await opened(server!.target({ connectTimeout: 1 }));
    const error = await failure(session.read('/x'));
    expect([error.code, error.message]).toEqual(['unreachable', expect.stringMatching(/nothing runs there after 1 s/)]);
    const started = performance.now();
    await session.close();
    expect(performance.now() - started).toBeLessThan(500);
  });

  test('a connection lost in the middle of a request fails it as lost', async () => {
    await serve({
      onScript: (channel, connection) =>
        channel.on('data', (chunk: Buffer) => void (chunk.includes('request') && connection.end())),
    });
    const session = await opened(server!.target());
    const error = await failure(session.request('exec', Buffer.alloc(0), () => undefined));
    expect([error.code, error.message]).toEqual(['unreachable', 'm1: the connection was lost']);
    await session.close();
  });

  test('a channel that closes without an exit code is lost, with one it ended', async () => {
    for (const [code, message] of [
      [undefined, /was lost/],
      [3, /ended \(exit code 3\)/],
    ] as const) {
      await serve({
        onScript: (channel) => {
          channel.write('ready 0\n');
          channel.stderr.write('last words\n');
          if (code !== undefined) channel.exit(code);
          channel.end();
          channel.close();
        },
      });
      const session = await opened(server!.target());
      const error = await failure(session.request('exec', Buffer.alloc(0), () => undefined));
      expect([error.code, error.message]).toEqual(['unreachable', expect.stringMatching(message)]);
      await session.close();
      await server!.stop();
      server = undefined;
    }
  });

  test('a stream that is no record fails the request, not the process', async () => {
    await serve({ onScript: (channel) => channel.on('data', () => channel.write('?!\n')) });
    const session = await opened(server!.target());
    expect((await failure(session.request('exec', Buffer.alloc(0), () => undefined))).code).toBe('unreachable');
    await session.close();
  });

  test('who holds the lock is said', async () => {
    await serve({ onScript: (channel) => channel.write('locked 1000 1180 14\nana@laptop 09h') });
    const session = await opened(server!.target());
    const error = await failure(session.request('exec', Buffer.alloc(0), () => undefined));
    expect([error.exitCode, error.message]).toEqual([
      13,
      expect.stringMatching(/^m1: locked by ana@laptop 09h since .*\(3 min\)$/),
    ]);
    await session.close();
  });

  test('a script that died inside a record does not hang the request', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const session = new HostSession({
      host: 'm1',
      code: {},
      keepsLock: [],
      upload: () => Promise.reject(new Error()),
      download: () => Promise.reject(new Error()),
      release: () => undefined,
    });
    const remote = {
      bytesSent: 0,
      bytesReceived: 40,
      closed: Promise.resolve(),
      write: () => true,
      end: () => undefined,
      unfinished: { kind: 'text', missing: 9, tail: 'hal' + 'done 1 0\n' },
      destroy: session.onEnd,
    } satisfies Partial<Record<keyof RemoteScript, unknown>>;
    session.attach(remote as unknown as RemoteScript);
    const pending = failure(session.request('exec', Buffer.alloc(0), () => undefined));
    await vi.advanceTimersByTimeAsync(8001);
    vi.useRealTimers();
    expect((await pending).message).toMatch(/middle of a record \(text, 9 bytes missing\)/);
  });

  test('a listener that throws fails its own request only', async () => {
    await serve({
      onScript: (channel) =>
        channel.on(
          'data',
          (chunk: Buffer) => void (chunk.includes('request cat ') && channel.write('file 1\nxdone 0 0\n')),
        ),
    });
    const session = await opened(server!.target());
    await expect(
      session.request('cat', Buffer.from('/x'), () => {
        throw new Error('mine');
      }),
    ).rejects.toThrow('mine');
    await expect(session.read('/x')).resolves.toEqual(Buffer.from('x'));
    await session.close();
  });
});
