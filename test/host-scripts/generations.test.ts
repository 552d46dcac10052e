import { spawnSync } from 'node:child_process';
import { existsSync, linkSync, lstatSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { encodeConverge, decodeConverge, type ConvergeStep } from '../../src/engine/wire/wire-converge.ts';
import type { Op } from '../../src/resources/types.ts';
import { Scratch } from './support/scratch.ts';

let host: Scratch;
beforeEach(() => {
  host = new Scratch();
  mkdirSync(host.at('/etc'));
});
afterEach(() => {
  host.remove();
});

const ROOT = { owner: 'root', group: 'root' };
const step = (...ops: Op[]): ConvergeStep => ({ ref: 'file:/x', ops });
const write = (path: string, content: string, mode = '0644'): Op => ({ op: 'write', path, mode, content, ...ROOT });

function stream(run: string, steps: ConvergeStep[], owned = ''): { exitCode: number | null; restored: string[] } {
  const owning = { ownedBefore: owned, ownedAfter: owned };
  const request = {
    run,
    stage: 'etcd',
    caller: 'ana%40laptop apply 0',
    notes: [],
    steps,
    preconditions: [],
    ...owning,
  };
  const { exitCode, records, stderr } = host.run('converge', encodeConverge(request));
  const events = records.flatMap((record) => decodeConverge(request, record) ?? []);
  const failed = events.flatMap((event) => (event.type === 'resource' && event.status === 'failed' ? [event] : []));
  expect(failed).toEqual([]);
  expect(stderr).toBe('');
  return { exitCode, restored: events.flatMap((event) => (event.type === 'restored' ? event.lines : [])) };
}

const restore = (from: string, as: string): string[] => {
  const { exitCode, restored } = stream(as, [step({ op: 'restore', run: from })]);
  expect(exitCode).toBe(0);
  return restored;
};

it('what must not come back is overwritten and kept in no generation', () => {
  host.put('/etc/key', 'secret');
  linkSync(host.at('/etc/key'), host.at('/etc/same'));
  stream('r1', [
    step(
      { op: 'remove', path: '/etc/none' },
      { op: 'destroy', path: '/etc/key' },
      { op: 'destroy', path: '/etc/none' },
    ),
  ]);
  expect(existsSync(host.at('/etc/key'))).toBe(false);
  expect(readFileSync(host.at('/etc/same'), 'utf8')).not.toContain('secret');
  const kept = spawnSync('grep', ['-r', 'key', host.at('/var/lib/mcpk/generations')], { encoding: 'utf8' });
  expect(kept.stdout).toBe('');
  expect(restore('r1', 'r2')).toEqual([]);
});

/** Everything below /etc and /opt: type, mode, target and content. */
function picture(): string {
  const script =
    'find etc opt -printf "%p %y %m %l\\n" | sort; find etc opt -type f | sort | xargs -d "\\n" -r sha256sum';
  return spawnSync('sh', ['-c', script], { cwd: host.root, encoding: 'utf8' }).stdout;
}

interface Case {
  name: string;
  before: () => void;
  ops: Op[];
  says: string[];
}

const CASES: Case[] = [
  {
    name: 'a file that changed',
    before: () => host.put('/etc/a b', 'old', 0o640),
    ops: [write('/etc/a b', 'new')],
    says: ['/etc/a b'],
  },
  { name: 'a file that was made', before: () => undefined, ops: [write('/etc/a', 'x')], says: ['/etc/a removed'] },
  {
    name: 'a file that was removed',
    before: () => host.put('/etc/a', 'old', 0o600),
    ops: [{ op: 'remove', path: '/etc/a' }],
    says: ['/etc/a'],
  },
  {
    name: 'a tree that was removed',
    before: () => {
      host.put('/etc/d/sub/f', 'deep');
      mkdirSync(host.at('/etc/d/empty'));
    },
    ops: [{ op: 'remove', path: '/etc/d' }],
    says: ['/etc/d'],
  },
  {
    name: 'an empty folder that was removed',
    before: () => mkdirSync(host.at('/etc/d'), { mode: 0o750 }),
    ops: [{ op: 'rmdir', path: '/etc/d' }],
    says: [],
  },
  {
    name: 'a link that was switched',
    before: () => symlinkSync('/var/lib/mcpk/store/old', host.at('/etc/l')),
    ops: [{ op: 'link', path: '/etc/l', target: '/var/lib/mcpk/store/new' }],
    says: ['/etc/l'],
  },
  {
    name: 'mode only',
    before: () => host.put('/etc/a', 'same', 0o600),
    ops: [{ op: 'access', path: '/etc/a', mode: '0644', ...ROOT }],
    says: ['/etc/a mode and owner'],
  },
  {
    name: "a folder's mode, and a folder that was made with a file in it",
    before: () => mkdirSync(host.at('/etc/d'), { mode: 0o700 }),
    ops: [
      { op: 'mkdir', path: '/etc/d', mode: '0755', ...ROOT },
      { op: 'mkdir', path: '/etc/e', mode: '0750', ...ROOT },
      write('/etc/e/f', 'x'),
    ],
    says: ['/etc/e/f removed'],
  },
  {
    name: 'a folder that became a file, and one that became a link',
    before: () => {
      host.put('/etc/d/inner', 'kept');
      host.put('/etc/e/inner', 'kept too');
    },
    ops: [write('/etc/d', 'file'), { op: 'link', path: '/etc/e', target: 'd' }],
    says: ['/etc/e', '/etc/d'],
  },
  {
    name: 'a file that became a folder',
    before: () => host.put('/etc/d', 'file'),
    ops: [{ op: 'mkdir', path: '/etc/d', mode: '0755', ...ROOT }, write('/etc/d/f', 'x')],
    says: ['/etc/d'],
  },
  {
    name: 'a link that became a file, and a file that became a link',
    before: () => {
      symlinkSync('elsewhere', host.at('/etc/l'));
      host.put('/etc/f', 'file');
    },
    ops: [write('/etc/l', 'file'), { op: 'link', path: '/etc/f', target: 'l' }],
    says: ['/etc/f', '/etc/l'],
  },
  {
    name: 'one path that changed twice',
    before: () => host.put('/etc/a', 'old'),
    ops: [write('/etc/a', 'once'), { op: 'remove', path: '/etc/a' }, write('/etc/a', 'twice')],
    says: ['/etc/a'],
  },
  {
    name: 'what a command changes',
    before: () => {
      host.put('/etc/hosts', 'theirs\nours\n');
      host.stub('change', `sed -i /ours/d "${host.root}/etc/hosts"`);
    },
    ops: [{ op: 'run', argv: ['change'], keeps: ['/etc/hosts'] }, write('/etc/x', '')],
    says: ['/etc/x removed', '/etc/hosts'],
  },
];

describe('a restore brings back', () => {
  it.each(CASES)('$name, and a restore of the restore the other way', ({ before, ops, says }) => {
    mkdirSync(host.at('/opt'));
    before();
    const old = picture();
    stream(
      'R1',
      ops.map((op) => step(op)),
    );
    const changed = picture();
    expect(restore('R1', 'R1-back')).toEqual(says);
    expect(picture()).toBe(old);
    restore('R1-back', 'R2');
    expect(picture()).toBe(changed);
    restore('R2', 'R3');
    expect(picture()).toBe(old);
  });

  it('nothing that others laid into a folder of the stage', () => {
    stream('R1', [step({ op: 'mkdir', path: '/etc/d', mode: '0755', ...ROOT }), step(write('/etc/d/ours', 'x'))]);
    host.put('/etc/d/theirs', 'y');
    restore('R1', 'R2');
    expect(spawnSync('ls', [host.at('/etc/d')], { encoding: 'utf8' }).stdout).toBe('theirs\n');
  });

  it('nothing that is irreversible', () => {
    stream('R1', [{ ...step(write('/etc/ca.key', 'k')), irreversible: true }, step(write('/etc/a', 'x'))]);
    restore('R1', 'R2');
    expect([existsSync(host.at('/etc/ca.key')), existsSync(host.at('/etc/a'))]).toEqual([true, false]);
  });

  it('a value of the kernel', () => {
    host.put('/proc/sys/net/ipv4/tcp_rmem', '4096\t1\t2\n');
    stream('R1', [step({ op: 'sysctl', key: 'net.ipv4.tcp_rmem', value: '1 1 1' })]);
    expect(host.read('/proc/sys/net/ipv4/tcp_rmem')).toBe('1 1 1\n');
    expect(restore('R1', 'R2')).toEqual(['sysctl net/ipv4/tcp_rmem = 4096\t1\t2']);
    expect(host.read('/proc/sys/net/ipv4/tcp_rmem')).toBe('4096\t1\t2\n');
  });

  it('whatever the operations and their order', () => {
    const name = fc.constantFrom('a', 'b', 'c');
    const path = fc.oneof(
      name.map((each) => `/etc/${each}`),
      fc.tuple(name, name).map(([folder, each]) => `/opt/${folder}/${each}`),
    );
    const mode = fc.constantFrom('0600', '0640', '0755');
    const op: fc.Arbitrary<Op> = fc.oneof(
      fc
        .record({ op: fc.constant('write' as const), path, mode, content: fc.string() })
        .map((o) => ({ ...o, ...ROOT })),
      fc.record({ op: fc.constant('link' as const), path, target: fc.constantFrom('x', '/y') }),
      fc.record({ op: fc.constant('remove' as const), path }),
      fc.record({ op: fc.constant('rmdir' as const), path }),
      fc.record({ op: fc.constant('mkdir' as const), path, mode }).map((o) => ({ ...o, ...ROOT })),
    );
    // Neighbours that write are laid down together, and a path is one resource's only.
    const apart = (each: Op): ConvergeStep[] => [step(each), step({ op: 'run', argv: ['true'] })];
    const some = fc.array(op, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(some, some, (first, second) => {
        host.remove();
        host = new Scratch();
        for (const folder of ['/etc', '/opt/a', '/opt/b', '/opt/c']) mkdirSync(host.at(folder), { recursive: true });
        stream('R1', first.flatMap(apart));
        const old = picture();
        stream('R2', second.flatMap(apart));
        const changed = picture();
        restore('R2', 'R3');
        expect(picture()).toBe(old);
        restore('R3', 'R4');
        expect(picture()).toBe(changed);
      }),
      { numRuns: 4 },
    );
  });
});

describe('a restore that is killed', () => {
  const lay = (): { old: string; changed: string } => {
    mkdirSync(host.at('/opt'));
    host.put('/etc/a', 'old', 0o600);
    host.put('/etc/d/inner', 'kept');
    symlinkSync('x', host.at('/etc/l'));
    host.put('/etc/m', 'mode', 0o600);
    const old = picture();
    stream('R1', [
      step(write('/etc/a', 'new'), write('/etc/made', 'x'), { op: 'link', path: '/etc/l', target: 'y' }),
      step({ op: 'remove', path: '/etc/d' }, { op: 'access', path: '/etc/m', mode: '0644', ...ROOT }),
    ]);
    return { old, changed: picture() };
  };

  it.each([...Array(17).keys()])('at its process %i ends as an undisturbed one when it is run again', (at) => {
    const { old, changed } = lay();
    const count = `echo >>"${host.root}/.count"; [ "$(wc -l <"${host.root}/.count")" -ne ${String(at + 1)} ] || kill -KILL $PPID`;
    for (const program of ['cp', 'mv', 'rm', 'sync', 'chmod', 'tac', 'stat'])
      host.stub(program, `${count}\nPATH=/usr/bin:/bin exec ${program} "$@"`);
    const body = encodeConverge({
      run: 'R1-back',
      stage: 'etcd',
      caller: 'ana%40laptop apply 0',
      notes: [],
      steps: [step({ op: 'restore', run: 'R1' })],
      preconditions: [],
      ownedBefore: '',
      ownedAfter: '',
    });
    const killed = host.run('converge', body).exitCode;
    expect(killed).not.toBe(0);
    expect(host.run('converge', body).exitCode).toBe(0);
    expect(picture()).toBe(old);
    restore('R1-back', 'R2');
    expect(picture()).toBe(changed);
  });
});

describe('what is kept is not changed by what comes after', () => {
  it('when a file that a generation shares gets another mode', () => {
    host.put('/etc/a', 'old', 0o600);
    // A stream that ended between save and rename: both names lead to one inode.
    mkdirSync(host.at('/var/lib/mcpk/generations/R1/etcd/etc'), { recursive: true });
    linkSync(host.at('/etc/a'), host.at('/var/lib/mcpk/generations/R1/etcd/etc/a'));
    stream('R2', [step({ op: 'access', path: '/etc/a', mode: '0644', ...ROOT })]);
    expect(lstatSync(host.at('/etc/a')).mode & 0o777).toBe(0o644);
    expect(lstatSync(host.at('/var/lib/mcpk/generations/R1/etcd/etc/a')).mode & 0o777).toBe(0o600);
  });

  it('when what was put back is written to in place', () => {
    host.put('/etc/a', 'old');
    stream('R1', [step(write('/etc/a', 'new'))]);
    restore('R1', 'R2');
    spawnSync('sh', ['-c', `echo more >>"${host.at('/etc/a')}"`]);
    expect(readFileSync(host.at('/var/lib/mcpk/generations/R1/etcd/etc/a'), 'utf8')).toBe('old');
  });
});

describe('units', () => {
  /** A systemd of three files a unit: `NAME.enabled`, `NAME.active`, and `NAME.starts`, which counts. */
  const SYSTEMCTL = `
cd "$UNITS" || exit 1
for last; do :; done
now() { cat "$1" 2>/dev/null || echo "$2"; }
case "$*" in
  show*) for name; do case $name in -*|show) continue;; esac
    printf 'Id=%s\\nUnitFileState=%s\\nActiveState=%s\\nInvocationID=%s\\n\\n' "$name" "$(now "$name.enabled" '')" "$(now "$name.active" inactive)" "$(now "$name.starts" '')"
    done;;
  *" enable "*) echo enabled >"$last.enabled";;
  *" disable "*) echo disabled >"$last.enabled";;
  reset-failed*) ;;
  start*|restart*) grep -qs broken "$CONFIG" && { echo failed >"$last.active"; exit 1; }; echo active >"$last.active"; echo x >>"$last.starts"; : ;;
  stop*) echo inactive >"$last.active";;
esac`;
  const act = (action: Extract<Op, { op: 'unit' }>['action'], name = 'etcd.service'): Op => ({
    op: 'unit',
    action,
    name,
    noBlock: false,
    timeout: 5,
  });
  const stamp = (unit = 'etcd.service'): Op => ({ op: 'stamp', unit, restart: 'new', reload: 'new' });
  const at = (name: string): string => `/units/${name}`;
  const done = (): string[] => host.calls.filter((call) => !/ (show|reset-failed) /.test(call));
  beforeEach(() => {
    mkdirSync(host.at('/units'));
    host.stub(
      'systemctl',
      SYSTEMCTL.replaceAll('$UNITS', host.at('/units')).replaceAll('$CONFIG', host.at('/etc/etcd.conf')),
    );
    host.stub('journalctl', 'echo "no such flag"');
  });

  it('that ran run again with the old files, stamped as before', () => {
    host.put(at('etcd.service.active'), 'active\n');
    host.put(at('etcd.service.enabled'), 'enabled\n');
    host.put(at('etcd.service.starts'), '1\n');
    host.put('/run/mcpk/stamps/etcd.service', 'old-restart old-reload 1\n');
    stream('R1', [step(write('/etc/etcd.conf', 'fine')), step(act('restart'), stamp())]);
    const restored = restore('R1', 'R2');
    expect(restored).toEqual(['/etc/etcd.conf removed', 'unit etcd.service restarted']);
    expect(done()).toEqual(['systemctl restart -- etcd.service', 'systemctl restart -- etcd.service']);
    expect(host.read('/run/mcpk/stamps/etcd.service')).toMatch(/^old-restart old-reload /);
  });

  it('that did not start with what is new start with what was', () => {
    host.put('/etc/etcd.conf', 'fine');
    host.put(at('etcd.service.active'), 'active\n');
    const request = {
      run: 'R1',
      stage: 'etcd',
      caller: 'ana%40laptop apply 0',
      notes: [],
      steps: [step(write('/etc/etcd.conf', 'broken')), step(act('restart'), stamp())],
      preconditions: [],
      ownedBefore: '',
      ownedAfter: '',
    };
    expect(host.run('converge', encodeConverge(request)).exitCode).toBe(15);
    expect(host.read(at('etcd.service.active'))).toBe('failed\n');
    expect(restore('R1', 'R1-back')).toEqual(['/etc/etcd.conf', 'unit etcd.service restarted']);
    expect([host.read('/etc/etcd.conf'), host.read(at('etcd.service.active'))]).toEqual(['fine', 'active\n']);
    // There was no stamp: the next comparison looks at the times.
    expect(existsSync(host.at('/run/mcpk/stamps/etcd.service'))).toBe(false);
  });

  it('that were not there are stopped and disabled while their file is there', () => {
    mkdirSync(host.at('/etc/systemd/system'), { recursive: true });
    stream('R1', [
      step(write('/etc/systemd/system/etcd.service', '[Service]')),
      step(act('enable'), act('start'), stamp()),
    ]);
    expect(restore('R1', 'R2')).toEqual([
      'unit etcd.service stopped, as it was',
      '/etc/systemd/system/etcd.service removed',
    ]);
    expect(done().slice(3)).toEqual([
      'systemctl stop -- etcd.service',
      'systemctl --no-reload --quiet disable -- etcd.service',
      'systemctl daemon-reload',
    ]);
    expect(existsSync(host.at('/run/mcpk/stamps/etcd.service'))).toBe(false);
  });

  it('that were stopped and disabled are enabled and run again', () => {
    host.put(at('etcd.service.active'), 'active\n');
    host.put(at('etcd.service.enabled'), 'enabled\n');
    stream('R1', [step(act('stop'), act('disable'))]);
    restore('R1', 'R2');
    expect([host.read(at('etcd.service.active')), host.read(at('etcd.service.enabled'))]).toEqual([
      'active\n',
      'enabled\n',
    ]);
  });

  it('that the stream did not come to are left alone', () => {
    for (const name of ['a.service', 'b.service']) host.put(at(`${name}.active`), 'active\n');
    stream('R1', [step(act('reload', 'a.service')), step(act('enable', 'b.service'))]);
    expect(restore('R1', 'R2')).toEqual(['unit a.service reloaded']);
    expect(done().slice(2)).toEqual([
      'systemctl daemon-reload',
      'systemctl --no-reload --quiet disable -- b.service',
      'systemctl daemon-reload',
      'systemctl reload-or-restart -- a.service',
    ]);
  });
});
