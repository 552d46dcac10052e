import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { decodeObserved, emptyReads, encodeReads } from '../../src/engine/wire/wire.ts';
import type { Observed, Reads } from '../../src/resources/types.ts';
import { ME, Scratch } from './support/scratch.ts';
import { anyCharacter } from '../support/any-character.ts';

let host: Scratch;
beforeEach(() => {
  host = new Scratch();
});
afterEach(() => {
  host.remove();
});

const MEMORY = '/run/mcpk/remembered';
const EXECUTOR = '/usr/lib/systemd/systemd-executor';
const sha = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex');

function probe(reads: Partial<Reads>): Observed {
  const asked = { ...emptyReads(), ...reads };
  const { records, exitCode, stderr } = host.run('probe', encodeReads(asked));
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return decodeObserved(records, asked);
}

describe('paths', () => {
  it('tells type, mode, owner, size, target and hash; nothing of what is absent', () => {
    host.put('/etc/a.conf', 'content\n', 0o640);
    mkdirSync(host.at('/etc/dir'), { mode: 0o750 });
    symlinkSync('/no where', host.at('/etc/link'));
    const { paths } = probe({ paths: ['/etc/a.conf', '/etc/dir', '/etc/link', '/etc/none'] });
    expect(Object.keys(paths)).toEqual(['/etc/a.conf', '/etc/dir', '/etc/link']);
    expect(paths['/etc/a.conf']).toMatchObject({
      type: 'file',
      mode: '0640',
      ...ME,
      size: 8,
      sha256: sha('content\n'),
    });
    expect(Math.abs(Date.now() / 1000 - (paths['/etc/a.conf']?.ctime ?? 0))).toBeLessThan(10);
    expect(paths['/etc/dir']).toMatchObject({ type: 'directory', mode: '0750' });
    expect(paths['/etc/link']).toMatchObject({ type: 'link', target: '/no where' });
  });

  it('takes names as they are: blanks, quotes, dashes, substitutions, Unicode', () => {
    const names = [
      '/etc/with blank',
      '/etc/-rf',
      '/etc/$(touch x)',
      '/etc/`id`',
      '/etc/it\'s "so"',
      '/etc/ăȘ€',
      '/etc/*',
      '/etc/a;b|c&d',
    ];
    for (const name of names) host.put(name, name);
    const { paths } = probe({ paths: names });
    expect(Object.entries(paths).map(([path, state]) => [path, state.sha256])).toEqual(
      names.map((name) => [name, sha(name)]),
    );
  });
});

describe('texts', () => {
  it('come for every file asked for, and for those whose hash differs', () => {
    host.put('/etc/always', 'always\n\n');
    host.put('/etc/same', 'same');
    host.put('/etc/other', 'ă\n==> not a header\n');
    host.put('/etc/last', 'no newline');
    const differing = ['/etc/gone', '/etc/same', '/etc/other', '/etc/last'].map((path) => ({
      path,
      sha256: sha(path === '/etc/same' ? 'same' : '-'),
    }));
    const { texts } = probe({
      paths: ['/etc/always', ...differing.map((each) => each.path)],
      texts: ['/etc/always', '/etc/gone'],
      differing,
    });
    expect(texts).toEqual({
      '/etc/always': 'always\n\n',
      '/etc/other': 'ă\n==> not a header\n',
      '/etc/last': 'no newline',
    });
  });

  it('leave binaries out, and never wait for a pipe', () => {
    host.put('/etc/binary', Buffer.from([0, 1, 2, 0]));
    spawnSync('mkfifo', [host.at('/etc/pipe')]);
    const paths = ['/etc/binary', '/etc/pipe'];
    const seen = probe({ paths, texts: ['/etc/pipe'], differing: paths.map((path) => ({ path, sha256: sha('') })) });
    expect(seen.paths['/etc/pipe']?.type).toBe('other');
    expect(seen.texts).toEqual({});
  });

  it('of a file with certificate and key hold the certificate only', () => {
    const certificate = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    host.put('/var/pair.pem', `${certificate}-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n`);
    const reads = { ...emptyReads(), certificates: ['/var/pair.pem'] };
    const { records } = host.run('probe', encodeReads(reads));
    expect(Buffer.concat(records.map((record) => record.body)).includes('SECRET')).toBe(false);
    expect(decodeObserved(records, reads).texts['/var/pair.pem']?.trim()).toBe(certificate.trim());
  });

  it('arrive byte for byte whatever UTF-8 they are', () => {
    fc.assert(
      // Many at once: what costs is the process, not the text.
      fc.property(fc.array(fc.string({ unit: anyCharacter }), { minLength: 40, maxLength: 40 }), (contents) => {
        const files = contents.map((text) => text.toWellFormed().replaceAll('\0', ''));
        const paths = files.map((_, index) => `/etc/f${index}`);
        files.forEach((text, index) => {
          host.put(paths[index]!, text);
        });
        const { texts } = probe({ paths, texts: paths });
        expect(texts).toEqual(Object.fromEntries(files.map((text, index) => [paths[index], text])));
      }),
      { numRuns: 1, endOnFailure: true },
    );
  });
});

it('sees a folder or a link alone, beside no file', () => {
  mkdirSync(host.at('/etc/d'), { recursive: true });
  expect(probe({ paths: ['/none', '/etc/d'] }).paths).toMatchObject({ '/etc/d': { type: 'directory' } });
  expect(Object.keys(probe({ paths: ['/'] }).paths)).toEqual(['/']);
});

it('lists a directory; an absent one has no list', () => {
  host.put('/etc/cni/net.d/10-a b.conflist', '');
  host.put('/etc/cni/net.d/.hidden', '');
  const { listings } = probe({ paths: ['/etc/cni/net.d', '/none'], listings: ['/etc/cni/net.d', '/none'] });
  expect(Object.keys(listings)).toEqual(['/etc/cni/net.d']);
  expect(listings['/etc/cni/net.d']?.sort()).toEqual(['.hidden', '10-a b.conflist']);
});

describe('binaries', () => {
  const path = '/var/lib/mcpk/store/abc';

  beforeEach(() => mkdirSync(host.at('/run/mcpk'), { recursive: true }));

  it('are hashed once, and again when the file changes', () => {
    host.put(path, 'one');
    expect(probe({ binaries: [path, '/var/lib/mcpk/store/none'] }).binaries).toEqual({ [path]: sha('one') });
    // The memory is what counts: a lie in it is believed until the file changes.
    host.put(MEMORY, host.read(MEMORY).replace(sha('one'), sha('lie')));
    expect(probe({ binaries: [path] }).binaries).toEqual({ [path]: sha('lie') });
    writeFileSync(host.at(path), 'two');
    expect(probe({ binaries: [path] }).binaries).toEqual({ [path]: sha('two') });
  });

  it('keep the memory of the others when one is new', () => {
    host.put(path, 'one');
    probe({ binaries: [path] });
    host.put(`${path}2`, 'two');
    expect(probe({ binaries: [path, `${path}2`] }).binaries).toEqual({ [path]: sha('one'), [`${path}2`]: sha('two') });
    for (const text of ['one', 'two']) expect(host.read(MEMORY)).toContain(sha(text));
  });
});

it('reads units with their stamps', () => {
  host.stub(
    'systemctl',
    `cat <<'END'
Id=etcd.service
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
NeedDaemonReload=no
InvocationID=0123
ActiveEnterTimestamp=Tue 2026-01-06 10:00:01.500000 UTC
ExecMainStartTimestamp=Tue 2026-01-06 10:00:00.250000 UTC
NRestarts=2
FragmentPath=/etc/systemd/system/etcd.service
DropInPaths=/etc/systemd/system/etcd.service.d/a.conf /run/b.conf

Id=none.service
LoadState=not-found
ActiveState=inactive
SubState=dead
UnitFileState=
NeedDaemonReload=no
InvocationID=
ActiveEnterTimestamp=
DropInPaths=
END`,
  );
  host.put('/run/mcpk/stamps/etcd.service', 'aaa bbb 0123\n');
  const { units } = probe({ units: ['etcd.service', 'none.service'] });
  expect(units['etcd.service']).toEqual({
    loadState: 'loaded',
    activeState: 'active',
    subState: 'running',
    unitFileState: 'enabled',
    needDaemonReload: false,
    invocationId: '0123',
    startedAt: Date.UTC(2026, 0, 6, 10) / 1000 + 0.25,
    restarts: 2,
    fragmentPath: '/etc/systemd/system/etcd.service',
    dropIns: ['/etc/systemd/system/etcd.service.d/a.conf', '/run/b.conf'],
    stamp: { restart: 'aaa', reload: 'bbb', invocationId: '0123' },
  });
  expect(units['none.service']).toMatchObject({ loadState: 'not-found', activeState: 'inactive', startedAt: 0 });
  expect(host.calls.filter((call) => call.startsWith('systemctl'))).toHaveLength(1);
});

describe('what systemctl said of units', () => {
  const UNIT = '/etc/systemd/system/etcd.service';
  const LINK = '/run/systemd/units/invocation:etcd.service';
  const say = (...lines: string[]): void =>
    host.stub('systemctl', `printf '%s\\n' Id=etcd.service ${lines.join(' ')} NeedDaemonReload=no`);
  const state = (): string | undefined =>
    probe({ units: ['etcd.service', 'more.service'] }).units['etcd.service']?.activeState;
  const asked = (): number => host.calls.filter((call) => call.startsWith('systemctl')).length;

  beforeEach(() => {
    host.put(UNIT, '[Service]');
    host.put(`${UNIT}.d/own.conf`, '[Service]');
    for (const folder of ['/etc/systemd/system/multi-user.target.wants', '/run/mcpk', '/run/systemd/units'])
      mkdirSync(host.at(folder), { recursive: true });
    for (const link of [LINK, LINK.replace('etcd', 'more')]) symlinkSync('0123', host.at(link));
    say('ActiveState=active');
  });

  it('is remembered as long as nothing moves', () => {
    expect([state(), state(), state()]).toEqual(['active', 'active', 'active']);
    expect(asked()).toBe(1);
  });

  it.for<[string, () => void]>([
    ['it started again', () => (rmSync(host.at(LINK)), symlinkSync('4567', host.at(LINK)))],
    ['it is no longer active', () => rmSync(host.at(LINK))],
    ['its file was written', () => host.put(UNIT, '[Service] ')],
    ['its file has another mode', () => chmodSync(host.at(UNIT), 0o600)],
    ['a drop-in was written', () => host.put(`${UNIT}.d/own.conf`, '[Service] ')],
    ['a drop-in was added', () => host.put(`${UNIT}.d/other.conf`, '[Service]')],
    ['a drop-in of all services was added', () => host.put('/run/systemd/system/service.d/all.conf', '[Service]')],
    ['a property was set', () => host.put('/run/systemd/system.control/etcd.service.d/50.conf', '[Service]')],
    ['it was disabled', () => rmSync(host.at('/etc/systemd/system/multi-user.target.wants'), { recursive: true })],
    ['it was enabled', () => symlinkSync(UNIT, host.at('/etc/systemd/system/multi-user.target.wants/etcd.service'))],
    ['it was masked', () => (rmSync(host.at(UNIT)), symlinkSync('/dev/null', host.at(UNIT)))],
  ])('is asked for again when %s', ([, move]) => {
    state();
    move();
    say('ActiveState=failed');
    expect(state()).toBe('failed');
  });

  it.for([['inactive'], ['failed'], ['activating'], ['deactivating'], ['reloading']])(
    'is not remembered of a unit that is %s',
    ([now]) => {
      say(`ActiveState=${now ?? ''}`);
      state();
      say('ActiveState=active');
      expect(state()).toBe('active');
    },
  );

  it('is not remembered where systemd keeps no links of starts', () => {
    rmSync(host.at(LINK.replace('etcd', 'more')));
    expect([state(), state()]).toEqual(['active', 'active']);
    expect(asked()).toBe(2);
  });

  it('is not remembered while systemd has not read a file', () => {
    say('ActiveState=active', 'NeedDaemonReload=yes');
    state();
    state();
    expect(asked()).toBe(2);
  });

  it('is remembered beside the hashes of binaries, and both beside what moves', () => {
    host.put('/store/one', 'one');
    const both = { units: ['etcd.service', 'more.service'], binaries: ['/store/one'] };
    probe(both);
    host.put('/store/one', 'two');
    expect(probe(both).binaries).toEqual({ '/store/one': sha('two') });
    expect(asked()).toBe(1);
  });

  it('of other units is another matter', () => {
    state();
    probe({ units: ['etcd.service'] });
    expect(asked()).toBe(2);
  });
});

it('finds processes that run another file than the one that is there now, without a process of its own', () => {
  // Both orders: which one systemctl takes is not written down anywhere.
  const shown = ['same', 'moved', 'gone', 'forked', 'spawned', 'timer', 'stopped'].map((name, index) => {
    const kind = name === 'timer' ? 'timer' : 'service';
    const pid = name === 'timer' ? [] : [`MainPID=${name === 'stopped' ? 0 : 100 + index}`];
    const block = [`Id=${name}.${kind}`, 'ActiveState=active', ...pid];
    return (index % 2 === 0 ? block : block.toReversed()).join('\n');
  });
  host.stub('systemctl', `cat <<'END'\n${shown.join('\n\n')}\nEND`);
  for (const name of ['/store/old', '/store/new', '/store/other', '/usr/lib/systemd/systemd', EXECUTOR])
    host.put(name, '');
  mkdirSync(host.at('/usr/local/bin'), { recursive: true });
  symlinkSync('../../../store/new', host.at('/usr/local/bin/x'));
  for (const [pid, file] of [
    ['1', '/usr/lib/systemd/systemd'],
    ['100', '/store/new'],
    ['101', '/store/old'],
    ['102', '/store/deleted'],
    // A service that systemd is starting: its process is not yet, by the older way or by the newer, what it will be.
    ['103', '/usr/lib/systemd/systemd'],
    ['104', EXECUTOR],
  ] as const) {
    mkdirSync(host.at(`/proc/${pid}`), { recursive: true });
    symlinkSync(`../..${file}`, host.at(`/proc/${pid}/exe`));
  }
  const names = ['same', 'moved', 'gone', 'forked', 'spawned', 'stopped'];
  const units = [...names.map((name) => `${name}.service`), 'timer.timer'];
  const executables = units.map((unit) => ({ unit, paths: ['/none', '/usr/local/bin/x'] }));
  const seen = probe({ units, executables }).units;
  expect(Object.entries(seen).flatMap(([name, { runsOther }]) => (runsOther ? [name] : []))).toEqual(['moved.service']);
});

describe('what dpkg-query said of packages', () => {
  const STATUS = '/var/lib/dpkg/status';
  const say = (version: string): void => host.stub('dpkg-query', `echo haproxy install installed ${version}`);
  const version = (...others: string[]): string | undefined =>
    probe({ packages: ['haproxy', ...others] }).packages['haproxy']?.version;

  beforeEach(() => {
    host.put(STATUS, 'one');
    for (const folder of ['/run/mcpk', '/var/lib/dpkg/updates']) mkdirSync(host.at(folder), { recursive: true });
    say('1');
  });

  it('is remembered as long as its records do not move', () => {
    version();
    say('2');
    expect(version()).toBe('1');
    expect(version('other')).toBe('2');
  });

  it.for<[string, () => void]>([
    ['the records were written', () => host.put(STATUS, 'two')],
    ['dpkg is at work', () => host.put('/var/lib/dpkg/updates/0001', '')],
  ])('is asked for again when %s', ([, move]) => {
    version();
    move();
    say('2');
    expect(version()).toBe('2');
  });
});

describe('users', () => {
  beforeEach(() => {
    host.stub('getent', 'case $1 in passwd) echo far:x:7:8::/far:/bin/sh ;; group) echo away:x:8: ;; esac');
    host.put('/etc/passwd', 'root:x:0:0:root:/root:/bin/bash\netcd:x:998:997::/var/lib/etcd:/usr/sbin/nologin\n');
    host.put('/proc/filesystems', 'nodev\toverlay\n');
    host.put('/etc/group', 'root:x:0:\nfar:x:1:\nservices:x:997:\n');
  });

  it('are read from the files, with no process', () => {
    const etcd = { group: 'services', home: '/var/lib/etcd', shell: '/usr/sbin/nologin' };
    expect(probe({ users: ['etcd'], modules: [{ name: 'overlay' }] }).users).toEqual({ etcd });
    expect(host.calls).toEqual([]);
  });

  it('are asked for when they are not in the files, where only a group may have the name', () => {
    expect(probe({ users: ['far'] }).users).toEqual({ far: { group: 'away', home: '/far', shell: '/bin/sh' } });
  });
});

it('reads packages, sysctls, modules and users', () => {
  host.stub(
    'dpkg-query',
    "printf 'haproxy hold installed 3.0.1-1\\nhalf install half-configured 1\\ngone unknown not-installed \\n'; exit 1",
  );
  host.stub(
    'getent',
    'case $1 in passwd) echo etcd:x:998:997::/var/lib/etcd:/usr/sbin/nologin;; group) echo etcd:x:997:;; esac',
  );
  host.put('/proc/sys/net/ipv4/ip_forward', '1\n');
  host.put('/proc/sys/net/ipv4/ip_local_port_range', '32768\t60999\n');
  host.put('/proc/sys/net/ipv4/conf/eth0.7/forwarding', '0\n');
  host.put('/proc/filesystems', 'nodev\tsysfs\nnodev\toverlay\n');
  host.put('/proc/sys/net/bridge/x', '');
  mkdirSync(host.at('/sys/module/ip_vs'), { recursive: true });
  const seen = probe({
    packages: ['haproxy', 'half', 'gone'],
    sysctls: ['net.ipv4.ip_forward', 'net.ipv4.ip_local_port_range', 'net/ipv4/conf/eth0.7/forwarding', 'no.such'],
    modules: [
      { name: 'overlay' },
      { name: 'ip-vs' },
      { name: 'br_netfilter', evidence: '/proc/sys/net/bridge' },
      { name: 'nope', evidence: '/nope' },
    ],
    users: ['etcd', 'none'],
  });
  expect(seen.packages).toEqual({
    haproxy: { version: '3.0.1-1', status: 'installed', held: true },
    half: { version: '1', status: 'half-configured', held: false },
  });
  expect(seen.sysctls).toEqual({
    'net.ipv4.ip_forward': '1',
    'net.ipv4.ip_local_port_range': '32768\t60999',
    'net/ipv4/conf/eth0.7/forwarding': '0',
  });
  expect(seen.modules).toEqual({ overlay: true, ip_vs: true, br_netfilter: true, nope: false });
  expect(seen.users).toEqual({ etcd: { group: 'etcd', home: '/var/lib/etcd', shell: '/usr/sbin/nologin' } });
});

describe('commands', () => {
  it('answer by exit code; arguments are data, and builtins of a shell no programs', () => {
    const commands = [
      { id: 'yes', argv: ['true'] },
      { id: 'unless:a b/%', argv: ['sh', '-c', 'exit 3'] },
      { id: 'lines', argv: ['sh', '-c', 'x=1\n\nexit $((x + 4))'] },
      { id: 'literal', argv: ['test', '$(id) `id` "\'\\n', '=', '$(id) `id` "\'\\n'] },
      { id: 'empty', argv: ['test', '-z', ''] },
      { id: 'builtin', argv: ['eval', 'exit 0'] },
    ];
    expect(probe({ commands }).commands).toEqual({
      yes: 0,
      'unless:a b/%': 3,
      lines: 5,
      literal: 0,
      empty: 0,
      builtin: 127,
    });
  });

  it('get every argument byte for byte', () => {
    const argument = fc
      .string({ unit: anyCharacter, maxLength: 30 })
      .map((text) => text.toWellFormed().replaceAll('\0', ''));
    fc.assert(
      fc.property(fc.array(argument, { minLength: 40, maxLength: 40 }), (args) => {
        // The program prints its arguments into a file named by the stub.
        host.stub('note', `for a; do printf '%s\\0' "$a"; done >"${host.root}/args"`);
        probe({ commands: [{ id: 'x', argv: ['note', ...args] }] });
        expect(host.read('/args')).toBe(args.map((each) => `${each}\0`).join(''));
      }),
      { numRuns: 2 },
    );
  });
});

it('asks for each thing once, however many resources want it', () => {
  const twice = {
    ...emptyReads(),
    paths: ['/a', '/a', '/b'],
    differing: [{ path: '/b', sha256: '0' }],
    units: ['u', 'u'],
  };
  const lines = encodeReads(twice).toString('utf8').split('\n');
  expect(lines.filter((line) => line.startsWith('p '))).toEqual(['p ./b\x1f./a']);
  expect(lines.filter((line) => line.startsWith('u '))).toEqual(['u u']);
});
