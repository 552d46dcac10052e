import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readlinkSync, symlinkSync } from 'node:fs';

import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Secret } from '../../src/core/secret.ts';
import {
  decodeConverge,
  encodeConverge,
  encodeNotes,
  type ConvergeEvent,
  type ConvergeRequest,
  type ConvergeStep,
} from '../../src/engine/wire/wire-converge.ts';
import { decodeObserved, emptyReads, encodeReads } from '../../src/engine/wire/wire.ts';
import type { Op } from '../../src/resources/types.ts';
import { ME, Scratch } from './support/scratch.ts';
import { anyCharacter } from '../support/any-character.ts';

let host: Scratch;
beforeEach(() => {
  host = new Scratch();
  mkdirSync(host.at('/etc'));
});
afterEach(() => {
  host.remove();
});

interface Outcome {
  exitCode: number | null;
  events: ConvergeEvent[];
  stderr: string;
}

function converge(
  steps: ConvergeStep[],
  more: Partial<ConvergeRequest> = {},
  options: { fence?: string; environment?: Record<string, string> } = {},
): Outcome {
  const request: ConvergeRequest = {
    run: 'R1',
    stage: 'etcd',
    caller: 'ana%40laptop apply 0123',
    notes: [],
    steps,
    preconditions: [],
    ownedBefore: '',
    ownedAfter: '',
    ...more,
  };
  const { exitCode, records, stderr } = host.run('converge', encodeConverge(request), options);
  return { exitCode, stderr, events: records.flatMap((record) => decodeConverge(request, record) ?? []) };
}

const write = (
  path: string,
  content: string | Secret,
  more: Partial<Extract<Op, { op: 'write' }>> = {},
): ConvergeStep => ({
  ref: `file:${path}`,
  ops: [{ op: 'write', path, mode: '0644', owner: 'root', group: 'root', content, ...more }],
});
const step = (ref: string, ...ops: Op[]): ConvergeStep => ({ ref, ops });
const statuses = (outcome: Outcome): string[] =>
  outcome.events.map((event) =>
    event.type === 'resource' ? `${event.number} ${event.ref} ${event.status}` : event.type,
  );
const generation = '/var/lib/mcpk/generations/R1/etcd';

/** Nothing may lie about beside the targets. */
function leftovers(): string[] {
  return spawnSync('find', [host.root, '-name', '*.mcpk'], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean);
}

describe('write', () => {
  it('lays files down with mode, and answers a numbered event for each', () => {
    const outcome = converge([
      write('/etc/a', 'one\n'),
      write('/etc/b b', new Secret('two', 'password'), { mode: '0600' }),
      write('/etc/empty', ''),
    ]);
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
    expect(statuses(outcome)).toEqual([
      '1 file:/etc/a changed',
      '2 file:/etc/b b changed',
      '3 file:/etc/empty changed',
    ]);
    expect([host.read('/etc/a'), host.read('/etc/b b'), host.read('/etc/empty')]).toEqual(['one\n', 'two', '']);
    expect(['/etc/a', '/etc/b b'].map((path) => lstatSync(host.at(path)).mode & 0o7777)).toEqual([0o644, 0o600]);
    expect(leftovers()).toEqual([]);
  });

  it('keeps the old file in the generation, and notes what was not there before', () => {
    host.put('/etc/a', 'old', 0o640);
    converge([write('/etc/a', 'new'), write('/etc/sub', 'x')]);
    expect(host.read(`${generation}/etc/a`)).toBe('old');
    expect(lstatSync(host.at(`${generation}/etc/a`)).mode & 0o777).toBe(0o640);
    expect(host.read(`${generation}.undo`)).toBe('made ./etc/sub\nkept ./etc/a\n');
    expect(lstatSync(host.at('/var/lib/mcpk')).mode & 0o777).toBe(0o700);
  });

  it('brings every byte and every name, as data', () => {
    const name = fc
      .stringMatching(/^[^\0-\x1f\x7f/\\]{1,20}$/)
      .filter((each) => each !== '.' && each !== '..' && Buffer.byteLength(each) < 200 && each.isWellFormed());
    mkdirSync(host.at('/etc/p'));
    const content = fc.string({ unit: anyCharacter, maxLength: 60 }).map((text) => text.toWellFormed());
    fc.assert(
      fc.property(fc.dictionary(name, content, { minKeys: 12, maxKeys: 12 }), (files) => {
        const entries = Object.entries(files);
        const outcome = converge(entries.map(([key, text]) => write(`/etc/p/${key}`, text)));
        expect(outcome.exitCode).toBe(0);
        for (const [key, text] of entries) expect(host.read(`/etc/p/${key}`)).toBe(text);
      }),
      { numRuns: 2, examples: [[{ '-rf': '$(touch /etc/x)', '$(id)': '`id`', 'a\'b"': '\0\n\n', '*': '%s\\n' }]] },
    );
  });

  it('validates before the rename; a refusal leaves the old file and tells why', () => {
    host.put('/etc/a', 'old');
    const validate = ['sh', '-c', 'echo "line 3: $(cat "$1")" >&2; exit 1', 'sh', '{}'];
    const outcome = converge([
      write('/etc/before', 'x'),
      write('/etc/a', 'bad config', { validate }),
      write('/etc/after', 'x'),
    ]);
    expect(outcome.exitCode).toBe(15);
    expect(statuses(outcome)).toEqual(['1 file:/etc/before changed', '2 file:/etc/a failed']);
    expect(outcome.events[1]).toMatchObject({ message: 'line 3: bad config' });
    expect([host.read('/etc/a'), existsSync(host.at('/etc/after'))]).toEqual(['old', false]);
    expect(leftovers()).toEqual([]);
  });

  it('does not follow a link that lies where its temporary file will', () => {
    host.put('/etc/victim', 'untouched');
    symlinkSync(host.at('/etc/victim'), host.at('/etc/.a.mcpk'));
    converge([write('/etc/a', 'new')]);
    expect([host.read('/etc/victim'), host.read('/etc/a')]).toEqual(['untouched', 'new']);
  });

  it('replaces a directory or a link of that name, and keeps what was in it', () => {
    host.put('/etc/d/inner', 'kept');
    symlinkSync('/elsewhere', host.at('/etc/l'));
    expect(converge([write('/etc/d', 'file'), write('/etc/l', 'file')]).exitCode).toBe(0);
    expect([host.read('/etc/d'), host.read('/etc/l'), host.read(`${generation}/etc/d/inner`)]).toEqual([
      'file',
      'file',
      'kept',
    ]);
    expect(readlinkSync(host.at(`${generation}/etc/l`))).toBe('/elsewhere');
  });

  it('tells what the shell said without its own place in the script', () => {
    const outcome = converge([write('/etc/none/a', 'x')]);
    expect(outcome.events).toMatchObject([
      { status: 'failed', message: expect.stringMatching(/^cannot create \/etc\/none\/\.a\.mcpk: /) as string },
    ]);
  });

  it('leaves the old file and no temporary one when the disk is full', (test) => {
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', host.at('/etc')]).status === 0;
    test.skip(!mounted, 'needs the right to mount');
    try {
      host.put('/etc/a', 'old');
      const outcome = converge([write('/etc/b', 'small'), write('/etc/a', 'x'.repeat(200_000))]);
      expect(outcome.exitCode).toBe(15);
      expect(outcome.events).toMatchObject([{ ref: 'file:/etc/a', status: 'failed' }]);
      expect(JSON.stringify(outcome.events)).toContain('No space left on device');
      expect(readdirSync(host.at('/etc'))).toEqual(['a']);
      expect(host.read('/etc/a')).toBe('old');
    } finally {
      spawnSync('umount', [host.at('/etc')]);
    }
  });

  it('clears away what a killed stream left', () => {
    host.put('/etc/.old.mcpk', 'half');
    host.put('/var/lib/mcpk/temps', './etc/.old.mcpk\n');
    converge([write('/etc/a', 'x')]);
    expect(leftovers()).toEqual([]);
  });
});

describe('other operations', () => {
  it('make directories with mode, links, and remove into the generation', () => {
    host.put('/etc/gone/deep/file', 'kept');
    host.put('/etc/link', 'a file');
    const outcome = converge([
      step('directory:/etc/x', { op: 'mkdir', path: '/etc/x', mode: '0750', ...ME }),
      step('link:/etc/link', { op: 'link', path: '/etc/link', target: '-odd target' }),
      step('file:/etc/gone', { op: 'remove', path: '/etc/gone' }, { op: 'remove', path: '/etc/never' }),
      step('directory:/etc/full', { op: 'rmdir', path: '/etc/x' }, { op: 'rmdir', path: '/etc' }),
    ]);
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
    expect(existsSync(host.at('/etc/x'))).toBe(false);
    expect(readlinkSync(host.at('/etc/link'))).toBe('-odd target');
    expect([
      existsSync(host.at('/etc/gone')),
      host.read(`${generation}/etc/gone/deep/file`),
      host.read(`${generation}/etc/link`),
    ]).toEqual([false, 'kept', 'a file']);
  });

  it('mend the mode of a directory that is there', () => {
    mkdirSync(host.at('/etc/x'), { mode: 0o777 });
    converge([step('directory:/etc/x', { op: 'mkdir', path: '/etc/x', mode: '0750', ...ME })]);
    expect(lstatSync(host.at('/etc/x')).mode & 0o777).toBe(0o750);
  });

  it('set sysctls, load modules, make users, run programs with literal arguments', () => {
    host.put('/proc/sys/net/ipv4/ip_forward', '0\n');
    for (const name of ['modprobe', 'groupadd', 'useradd', 'note']) host.stub(name, '');
    host.stub('getent', 'exit 2');
    const outcome = converge([
      step('sysctl:net.ipv4.ip_forward', { op: 'sysctl', key: 'net.ipv4.ip_forward', value: '1' }),
      step('kernelModule:overlay', { op: 'modprobe', name: 'overlay' }),
      step('user:etcd', { op: 'user', name: 'etcd', group: 'etcd', home: '/var/lib/etcd' }),
      step('command:x', { op: 'run', argv: ['note', '$(id)', 'a\nb'] }),
    ]);
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
    expect(host.read('/proc/sys/net/ipv4/ip_forward')).toBe('1\n');
    expect(host.calls).toEqual([
      'modprobe -- overlay',
      'getent group -- etcd',
      'groupadd --system -- etcd',
      'getent passwd -- etcd',
      'useradd --system --gid etcd --home-dir /var/lib/etcd --no-create-home --shell /usr/sbin/nologin -- etcd',
      'note $(id) a',
      'b',
    ]);
  });
});

describe('packages', () => {
  const install = (name: string, ...mask: string[]): ConvergeStep =>
    step(`package:${name}`, { op: 'install', packages: [name], mask, hold: [name], replaced: [] });
  beforeEach(() => {
    for (const name of ['systemctl', 'apt-mark', 'dpkg']) host.stub(name, '');
  });

  it('of neighbours are one install, between mask and unmask, then held', () => {
    host.stub('apt-get', '[ "$DEBIAN_FRONTEND" = noninteractive ]');
    const outcome = converge([install('haproxy', 'haproxy.service'), install('keepalived', 'keepalived.service')]);
    expect(statuses(outcome)).toEqual(['1 package:haproxy changed', '2 package:keepalived changed']);
    expect(host.calls.map((call) => call.replace(/-o \S+ /g, ''))).toEqual([
      'systemctl mask --runtime --quiet -- haproxy.service keepalived.service',
      'apt-get -y -q --no-install-recommends --no-remove --allow-change-held-packages install -- haproxy keepalived',
      'systemctl unmask --runtime --quiet -- haproxy.service keepalived.service',
      'apt-mark hold -- haproxy keepalived',
    ]);
  });

  it.each([
    ['E: Unable to locate package x', 'x'],
    ["E: Version '1.2' for 'x' was not found", 'x=1.2'],
  ])('are asked for anew once apt has read its lists: %s', (said, name) => {
    host.stub(
      'apt-get',
      `case "$*" in *update) touch "${host.root}/u";; esac\n[ -e "${host.root}/u" ] || { echo "${said}"; exit 100; }`,
    );
    const op: Op = { op: 'install', packages: [name], mask: [], hold: ['x'], replaced: [] };
    expect(converge([step('package:x', op)]).exitCode).toBe(0);
    expect(host.calls.filter((call) => call.startsWith('apt-get')).length).toBe(3);
  });

  it('may become older where a version is named, and only there', () => {
    host.stub('apt-get', '');
    const op: Op = { op: 'install', packages: ['x=1.2~b1'], mask: [], hold: ['x'], replaced: [] };
    expect(converge([step('package:x', op)]).exitCode).toBe(0);
    expect(host.calls.map((call) => call.replace(/-o \S+ /g, ''))).toEqual([
      'apt-get -y -q --no-install-recommends --no-remove --allow-change-held-packages --allow-downgrades install -- x=1.2~b1',
      'apt-mark hold -- x',
    ]);
  });

  it('of a version that apt does not have say so', () => {
    host.stub('apt-get', `echo "E: Version '1.2' for 'x' was not found"; exit 100`);
    const op: Op = { op: 'install', packages: ['x=1.2'], mask: [], hold: ['x'], replaced: [] };
    expect(converge([step('package:x', op)])).toMatchObject({
      exitCode: 15,
      events: [{ status: 'failed', message: expect.stringContaining("Version '1.2' for 'x' was not found") as string }],
    });
  });

  it('that fail are unmasked again, and say why', () => {
    host.stub('apt-get', 'echo "E: broken"; exit 100');
    const outcome = converge([install('x', 'x.service')]);
    expect(outcome).toMatchObject({
      exitCode: 15,
      events: [{ ref: 'package:x', status: 'failed', message: 'E: broken' }],
    });
    expect(host.calls).toContain('systemctl unmask --runtime --quiet -- x.service');
  });

  it.each([
    ['what they replace', 'Remv', 'systemd-timesyncd', true],
    ['what they do not', 'Remv', 'ntpsec', false],
    ['what only begins like it', 'Remv', 'systemd-timesyncd-extra', false],
    ['what they replace, with its configuration', 'Purg', 'systemd-timesyncd', true],
    ['what they do not, with its configuration', 'Purg', 'ntpsec', false],
  ])('take off %s, if they may', (_name, word, removed, may) => {
    host.stub(
      'apt-get',
      `case "$*" in *--simulate*) echo "${word} ${removed} [257]"; echo "Inst chrony (4.6)" ;; esac`,
    );
    const chrony: Op = {
      op: 'install',
      packages: ['chrony'],
      mask: [],
      hold: [],
      replaced: ['ntp', 'systemd-timesyncd'],
    };
    const outcome = converge([step('package:chrony', chrony)]);
    const real = host.calls.filter((call) => call.startsWith('apt-get') && !call.includes('--simulate'));
    expect(real.map((call) => call.split(' ').at(-1))).toEqual(may ? ['chrony'] : []);
    // Whatever the host's own apt.conf says.
    for (const call of host.calls.filter((each) => each.startsWith('apt-get')))
      expect(call).toContain('-o APT::Get::Purge=false -o APT::Get::AutomaticRemove=false');
    const said = `E: apt would remove ${removed}, which the plan does not say`;
    expect(outcome.events).toMatchObject([may ? { status: 'changed' } : { status: 'failed', message: said }]);
  });

  it('that an interrupted dpkg left are finished first', () => {
    host.put('/var/lib/dpkg/updates/0001', '');
    host.stub('dpkg', `rm -f "${host.root}/var/lib/dpkg/updates/0001"`);
    host.stub('apt-get', '');
    expect(converge([install('x')]).exitCode).toBe(0);
    expect(host.calls[0]).toBe('dpkg --force-confold --configure -a');
  });
});

describe('units', () => {
  const act = (action: Extract<Op, { op: 'unit' }>['action'], more: Partial<Extract<Op, { op: 'unit' }>> = {}): Op => ({
    op: 'unit',
    action,
    name: 'etcd.service',
    noBlock: false,
    timeout: 5,
    ...more,
  });
  const active = 'case "$*" in *InvocationID*) printf "ActiveState=active\\nInvocationID=0123\\n";; esac';
  beforeEach(() => {
    host.stub('journalctl', 'echo "etcd: bind: address already in use"');
  });

  it('read systemd anew once, after their files and before the first action, and are stamped when active', () => {
    host.stub('systemctl', active);
    mkdirSync(host.at('/etc/systemd/system'), { recursive: true });
    const outcome = converge([
      write('/etc/systemd/system/etcd.service', '[Service]\n'),
      step('unit:etcd.service', { op: 'daemon-reload' }, act('enable'), act('start'), {
        op: 'stamp',
        unit: 'etcd.service',
        restart: 'r',
        reload: 'l',
      }),
      step('unit:other.service', act('restart', { noBlock: true })),
    ]);
    expect(outcome).toMatchObject({ exitCode: 0, stderr: '' });
    expect(host.calls.filter((call) => !/ (show|reset-failed) /.test(call))).toEqual([
      'systemctl --no-reload --quiet enable -- etcd.service',
      'systemctl daemon-reload',
      'systemctl start -- etcd.service',
      'systemctl restart --no-block -- etcd.service',
    ]);
    expect(host.read('/run/mcpk/stamps/etcd.service')).toBe('r l 0123\n');
  });

  it('that do not start fail with their state and the last lines of the journal', () => {
    host.stub(
      'systemctl',
      'case "$*" in "start "*) echo "Job for etcd.service failed." >&2; exit 1;; *show*) echo Result=exit-code;; esac',
    );
    const outcome = converge([
      step('unit:etcd.service', act('start'), { op: 'stamp', unit: 'etcd.service', restart: 'r', reload: 'l' }),
      write('/etc/after', ''),
    ]);
    expect(outcome.exitCode).toBe(15);
    expect(outcome.events).toMatchObject([{ number: 1, ref: 'unit:etcd.service', status: 'failed' }]);
    expect(JSON.stringify(outcome.events)).toMatch(
      /Job for etcd.service failed.*Result=exit-code.*address already in use/,
    );
    expect([existsSync(host.at('/run/mcpk/stamps/etcd.service')), existsSync(host.at('/etc/after'))]).toEqual([
      false,
      false,
    ]);
  });

  it('that take too long fail when their time is over', () => {
    host.stub('systemctl', 'case "$*" in "start "*) exec sleep 20;; esac');
    const outcome = converge([step('unit:etcd.service', act('start', { timeout: 1 }))]);
    expect(outcome.exitCode).toBe(15);
    expect(JSON.stringify(outcome.events)).toContain('did not end within 1 s');
  });

  it('started without waiting are waited for by their stamp', () => {
    host.stub(
      'systemctl',
      `case "$*" in *InvocationID*) if [ -e "${host.root}/up" ]; then printf "ActiveState=active\\nInvocationID=9\\n"; else echo ActiveState=activating; : >"${host.root}/up"; fi;; esac`,
    );
    const outcome = converge([
      step('unit:etcd.service', act('start', { noBlock: true }), {
        op: 'stamp',
        unit: 'etcd.service',
        restart: '',
        reload: 'l',
      }),
    ]);
    expect(outcome.exitCode).toBe(0);
    expect(host.read('/run/mcpk/stamps/etcd.service')).toBe('- l 9\n');
  });

  it('that are gone need no stop', () => {
    host.stub('systemctl', 'case "$*" in *LoadState*) echo not-found;; *) exit 5;; esac');
    expect(converge([step('unit:etcd.service', act('stop'), act('disable'))]).exitCode).toBe(0);
  });
});

describe('preconditions', () => {
  function seen(paths: string[]): NonNullable<ConvergeRequest['preconditions']> {
    const reads = { ...emptyReads(), paths };
    const { records } = host.run('probe', encodeReads(reads));
    const observed = decodeObserved(records, reads);
    return paths.map((path) => ({ ref: `file:${path}`, path, seen: observed.paths[path] }));
  }
  const paths = ['/etc/b', '/etc/a b', '/etc/link', '/etc/none', '/etc/dir'];
  beforeEach(() => {
    host.put('/etc/a b', 'a');
    host.put('/etc/b', 'b');
    mkdirSync(host.at('/etc/dir'));
    symlinkSync('target', host.at('/etc/link'));
  });

  it('that hold let the stream go on', () => {
    expect(converge([write('/etc/a b', 'new')], { preconditions: seen(paths) })).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
  });

  it('that nothing is there let the stream go on, and stop it when something is', () => {
    const preconditions = seen(['/etc/none']);
    expect(converge([], { preconditions }).exitCode).toBe(0);
    host.put('/etc/none', '');
    expect(converge([], { preconditions })).toMatchObject({
      exitCode: 17,
      events: [{ type: 'stale', refs: ['file:/etc/none'] }],
    });
  });

  const changes: [string, () => void, string][] = [
    ['a content', () => host.put('/etc/a b', 'edited'), 'file:/etc/a b'],
    ['an appearance', () => host.put('/etc/none', ''), 'file:/etc/none'],
    ['a disappearance', () => void spawnSync('rm', [host.at('/etc/b')]), 'file:/etc/b'],
    ['a link', () => void spawnSync('ln', ['-sfn', 'other', host.at('/etc/link')]), 'file:/etc/link'],
    ['a type', () => void spawnSync('rmdir', [host.at('/etc/dir')]), 'file:/etc/dir'],
  ];
  it.each(changes)('that do not hold stop it before any change: %s', (_what, change, ref) => {
    const preconditions = seen(paths);
    change();
    const outcome = converge([write('/etc/new', 'x')], { preconditions, ownedBefore: '{}' });
    expect(outcome).toMatchObject({ exitCode: 17, events: [{ type: 'stale', refs: [ref] }] });
    expect([existsSync(host.at('/etc/new')), existsSync(host.at('/var/lib/mcpk'))]).toEqual([false, false]);
  });
});

describe('the list of what is owned', () => {
  it('owned.json has the union before the first change, and the final text after the last', () => {
    host.stub('note', `cp "${host.root}/var/lib/mcpk/owned.json" "${host.root}/seen"`);
    converge([step('command:x', { op: 'run', argv: ['note'] })], {
      ownedBefore: '{"union":1}',
      ownedAfter: '{"final":1}',
    });
    expect([host.read('/seen'), host.read('/var/lib/mcpk/owned.json')]).toEqual(['{"union":1}', '{"final":1}']);
  });

  it('owned.json keeps the union when the stream fails', () => {
    converge([step('command:x', { op: 'run', argv: ['false'] })], {
      ownedBefore: '{"union":1}',
      ownedAfter: '{"final":1}',
    });
    expect(host.read('/var/lib/mcpk/owned.json')).toBe('{"union":1}');
  });

  const journal = (): string[] => {
    const lines = host.read('/var/lib/mcpk/journal').trim().split('\n');
    for (const line of lines) expect(Math.abs(Number(line.slice(0, 13)) - Date.now())).toBeLessThan(60_000);
    return lines.map((line) => line.slice(14));
  };

  it('the journal tells the run once, each stage, begin and done, the failure and the end', () => {
    converge([write('/etc/a b', 'x'), step('command:x', { op: 'run', argv: ['false'] })]);
    converge([], { stage: 'haproxy', notes: [`${Date.now()} R1 gate etcd failed healthy`] });
    expect(journal()).toEqual([
      'R1 run - ana%40laptop apply 0123',
      'R1 stage etcd',
      'R1 begin etcd file%3A%2Fetc%2Fa%20b',
      'R1 done etcd file%3A%2Fetc%2Fa%20b',
      'R1 begin etcd command%3Ax',
      'R1 failed etcd command%3Ax',
      'R1 gate etcd failed healthy',
      'R1 stage haproxy',
      'R1 end haproxy',
    ]);
    expect(host.read('/var/lib/mcpk/unfinished')).toBe('R1 ana%40laptop apply 0123\n');
  });

  it('the mark of a run stays until it is closed; a run that was cut off keeps it', () => {
    converge([write('/etc/a', 'x')]);
    host.put('/etc/.left.mcpk', '');
    host.put('/var/lib/mcpk/temps', './etc/.left.mcpk\n');
    const entries = { run: 'R2', caller: 'bob apply 4567', notes: [`${Date.now()} R2 result succeeded 0`] };
    expect(host.run('converge', encodeNotes(entries, false)).exitCode).toBe(0);
    expect(host.read('/var/lib/mcpk/unfinished')).toBe('R2 bob apply 4567\n');
    expect(host.run('converge', encodeNotes({ ...entries, notes: [] }, true))).toEqual({
      exitCode: 0,
      records: [],
      stderr: '',
    });
    expect(journal().slice(-2)).toEqual(['R2 run - bob apply 4567', 'R2 result succeeded 0']);
    expect([existsSync(host.at('/var/lib/mcpk/unfinished')), leftovers()]).toEqual([false, []]);
  });

  it('a long journal makes room, between runs only', () => {
    host.put('/var/lib/mcpk/journal', 'x'.repeat(1_100_000));
    converge([]);
    converge([], { stage: 'haproxy' });
    expect([journal().length, host.read('/var/lib/mcpk/journal.1').length]).toEqual([5, 1_100_000]);
  });

  it('a stop by signal takes temporary files away, and is noted', () => {
    const validate = ['sh', '-c', 'kill -TERM $(cut -d" " -f4 /proc/$PPID/stat); sleep 0.3'];
    const outcome = converge([write('/etc/a', 'x', { validate }), write('/etc/b', 'y')]);
    expect(outcome.exitCode).toBe(143);
    expect(leftovers()).toEqual([]);
    expect(journal()).toContain('R1 interrupted etcd file%3A%2Fetc%2Fa');
  });
});

describe('a fence', () => {
  const fence = (number: string): void => host.put('/var/lib/mcpk/fence', `${number}\n`);

  it('that is the own one lets the stream go on, and is noted', () => {
    fence('17');
    expect(converge([write('/etc/a', 'x')], {}, { fence: '17' }).exitCode).toBe(0);
    expect(host.read('/var/lib/mcpk/journal')).toContain(' R1 run 17 ana%40laptop');
  });

  it.each(['18', ''])('that another run has counted on to %j stops it before the first change', (number) => {
    fence(number);
    const outcome = converge([write('/etc/a', 'x')], { ownedBefore: '{}' }, { fence: '17' });
    expect(outcome).toMatchObject({ exitCode: 13, events: [{ type: 'fenced' }] });
    expect([readdirSync(host.at('/etc')), readdirSync(host.at('/var/lib/mcpk'))]).toEqual([[], ['fence']]);
  });

  it('that moves on in the middle stops it before the next step, and touches nothing more', () => {
    fence('17');
    host.stub('overtake', `echo 18 >"${host.root}/var/lib/mcpk/fence"; : >"${host.root}/etc/.b.mcpk"`);
    const outcome = converge(
      [write('/etc/a', 'x'), step('command:x', { op: 'run', argv: ['overtake'] }), write('/etc/b', 'y')],
      {},
      { fence: '17' },
    );
    expect(outcome.exitCode).toBe(13);
    expect(statuses(outcome)).toEqual(['1 file:/etc/a changed', '2 command:x changed', 'fenced']);
    expect(readdirSync(host.at('/etc'))).toEqual(['.b.mcpk', 'a']);
  });
});

it('a secret is in no event, no journal and no argument of a process', () => {
  const outcome = converge([write('/etc/s', new Secret('hunter2', 'password'), { mode: '0600', validate: ['false'] })]);
  expect(JSON.stringify(outcome.events)).not.toContain('hunter2');
  expect(host.read('/var/lib/mcpk/journal')).not.toContain('hunter2');
});

it('mode and owner of a file are mended in place', () => {
  host.put('/etc/a', 'same', 0o777);
  const before = lstatSync(host.at('/etc/a')).ino;
  const op: Op = { op: 'access', path: '/etc/a', mode: '0640', ...ME };
  expect(converge([step('file:/etc/a', op)])).toMatchObject({ exitCode: 0, stderr: '' });
  const after = lstatSync(host.at('/etc/a'));
  expect([after.mode & 0o7777, after.ino]).toEqual([0o640, before]);
});
