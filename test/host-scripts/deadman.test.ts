import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { spawnSync } from 'node:child_process';

import { McpkError } from '../../src/core/errors.ts';
import { underDeadman } from '../../src/engine/work/deadman.ts';
import { encodeConverge, type ConvergeRequest } from '../../src/engine/wire/wire-converge.ts';
import type { Op } from '../../src/resources/types.ts';
import { runOf } from '../engine/support/fake-run.ts';
import { Scratch } from './support/scratch.ts';

const SYSCTL: Op = { op: 'sysctl', key: 'net.ipv4.ip_forward', value: '1' };

function requestOf(guarded: boolean, ...ops: Op[]): ConvergeRequest {
  const steps = [
    { ref: 'file:/x', ops: [{ op: 'run' as const, argv: ['true'] }] },
    { ref: 'sysctl:net.ipv4.ip_forward', ops: [SYSCTL, ...ops], guarded },
  ];
  const owned = { ownedBefore: '', ownedAfter: '' };
  return { run: 'R1', stage: 'system', caller: 'c', notes: [], steps, preconditions: [], ...owned };
}

describe('on the host', () => {
  let host: Scratch;
  const folder = '/run/mcpk/deadman/R1-system';
  const restore = (): Buffer =>
    encodeConverge({ ...requestOf(false), steps: [{ ref: 'generation:R1', ops: [{ op: 'restore', run: 'R1' }] }] });
  const arm = (): number | null => {
    host.put('/proc/sys/net/ipv4/ip_forward', '0\n');
    const request = { ...requestOf(true), deadman: { seconds: 30, body: restore() } };
    return host.run('converge', encodeConverge(request)).exitCode;
  };
  const fire = (): string =>
    spawnSync('dash', [host.at(`${folder}/converge.sh`), '--deadman', host.at(folder)], {
      env: { PATH: `${host.stubs}:/usr/bin:/bin`, LC_ALL: 'C', MCPK_ROOT: host.root },
      encoding: 'utf8',
    }).stderr;
  const forward = (): string => host.read('/proc/sys/net/ipv4/ip_forward').trim();

  beforeEach(() => {
    host = new Scratch();
    mkdirSync(host.at('/etc'));
    host.stub('systemd-run', `cat "${host.root}/proc/sys/net/ipv4/ip_forward" >"${host.root}/then"`);
    host.stub('systemctl', '');
  });
  afterEach(() => {
    host.remove();
  });

  it('a timer is armed before the first guarded step, with a script of its own', () => {
    expect(arm()).toBe(0);
    expect(host.read('/then')).toBe('0\n');
    expect(forward()).toBe('1');
    expect(host.calls).toEqual([
      `systemd-run --quiet --collect --unit=mcpk-deadman-R1-system --description=mcpk puts system back unless it is confirmed --on-active=30 --timer-property=AccuracySec=100ms sh ${host.at(folder)}/converge.sh --deadman ${host.at(folder)}`,
    ]);
  });

  it('what is not guarded arms none', () => {
    host.put('/proc/sys/net/ipv4/ip_forward', '0\n');
    host.run('converge', encodeConverge({ ...requestOf(false), deadman: { seconds: 30, body: restore() } }));
    expect(host.calls).toEqual([]);
  });

  it('it puts the stage back when it fires, although the session and its script are gone', () => {
    arm();
    expect(fire()).toBe('');
    expect([forward(), host.read(`${folder}.fired/rc`)]).toEqual(['0', '0\n']);
    expect(host.read('/var/lib/mcpk/journal')).toMatch(/ R1 rolled-back system R1$/m);
  });

  it('it does nothing once it is confirmed', () => {
    arm();
    renameSync(host.at(folder), host.at(`${folder}.over`));
    expect(
      spawnSync('dash', [host.at(`${folder}.over/converge.sh`), '--deadman', host.at(folder)], { encoding: 'utf8' })
        .status,
    ).toBe(0);
    expect([forward(), existsSync(host.at(`${folder}.fired`))]).toEqual(['1', false]);
  });

  it('the next run that reaches the host confirms what one before it left armed', () => {
    arm();
    const next = { ...requestOf(false), run: 'R2' };
    host.run('converge', encodeConverge(next));
    expect(host.calls).toContain('systemctl stop mcpk-deadman-R1-system.timer');
    expect(existsSync(host.at('/run/mcpk/deadman'))).toBe(false);
  });
});

describe('on the operator’s side', () => {
  type Answer = { exitCode: number; stdout: string };
  const yes = (stdout = ''): Answer => ({ exitCode: 0, stdout });
  const no = (stdout = ''): Answer => ({ exitCode: 1, stdout });

  /** Answers of each connection in turn, by the program that is asked; 'down' = it is not reached. */
  function fleet(...connections: ('down' | Record<string, Answer>)[]) {
    const asked: string[] = [];
    const reach: Parameters<typeof runOf>[2] & object = {
      reach: () => {
        const next = connections.length > 1 ? connections.shift()! : connections[0]!;
        if (next === 'down') return Promise.reject(new Error('timed out'));
        return Promise.resolve({
          exec: (commands) =>
            Promise.resolve(
              commands.map(({ argv }) => {
                asked.push(argv.join(' '));
                return { ...(next[argv[0]!] ?? no()), stderr: '' };
              }),
            ),
          close: () => Promise.resolve(),
        });
      },
    };
    const { means, events } = runOf({ system: {} }, {}, { ...reach, owned: { h1: [] } });
    return { means, events, asked };
  }
  const FOLDER = '/run/mcpk/deadman/r-system';
  it('an unguarded stream is sent as it is, over no connection more', async () => {
    const { means, asked } = fleet('down');
    const request = requestOf(false);
    const sent: ConvergeRequest[] = [];
    await underDeadman(means, 'h1', request, (each) => Promise.resolve(sent.push(each)));
    expect([sent[0] === request, asked]).toEqual([true, []]);
  });

  it('a guarded one is confirmed over a new connection, and its timer stopped', async () => {
    const { means, asked } = fleet({ mv: yes() });
    const seconds: number[] = [];
    await underDeadman(means, 'h1', requestOf(true, { op: 'run', argv: ['true'] }), (each) =>
      Promise.resolve(seconds.push(each.deadman?.seconds ?? 0)),
    );
    expect(seconds).toEqual([60]);
    expect(asked).toEqual([
      `mv -T ${FOLDER} ${FOLDER}.over`,
      'systemctl stop mcpk-deadman-r-system.timer',
      `rm -rf ${FOLDER}.over`,
    ]);
  });

  it('when it is not reached, the run ends with what the host did by itself', async () => {
    const { means, events } = fleet('down', { cat: no(), find: yes(`${FOLDER}.fired\n`) }, { cat: yes('0\n') });
    const failed = underDeadman(means, 'h1', requestOf(true), () => Promise.resolve());
    await expect(failed).rejects.toMatchObject({
      code: 'rolledBack',
      exitCode: 19,
      details: ['the host put back by itself what was there before'],
    });
    expect(means.state.rolledBack).toEqual([{ stage: 'system', host: 'h1', held: true }]);
    expect(events.map((event) => event.type)).toEqual(['rollback']);
  });

  it('and it is said when the host could not put it back', async () => {
    const { means } = fleet({ cat: yes('15\n') });
    const failed = underDeadman(means, 'h1', requestOf(true), () => Promise.resolve());
    await expect(failed).rejects.toMatchObject({ code: 'rolledBack', details: [expect.stringMatching(/could not/)] });
  });

  const lost = new McpkError('unreachable', 'h1: the connection was lost');
  it('a stream that was lost is not confirmed, even where the host is reached', async () => {
    const { means, asked } = fleet({ mv: yes(), cat: yes('0\n') });
    const failed = underDeadman(means, 'h1', requestOf(true), () => Promise.reject(lost));
    await expect(failed).rejects.toMatchObject({ code: 'rolledBack', cause: lost });
    expect(asked).toEqual([`cat ${FOLDER}.fired/rc`]);
  });

  it('a stream that failed before it armed anything fails as it does', async () => {
    const { means } = fleet({ find: no() });
    await expect(underDeadman(means, 'h1', requestOf(true), () => Promise.reject(lost))).rejects.toBe(lost);
    const stale = new McpkError('stale', 'moved');
    await expect(underDeadman(means, 'h1', requestOf(true), () => Promise.reject(stale))).rejects.toBe(stale);
  });
});
