import { beforeEach, describe, expect, it } from 'vitest';
import { McpkError } from '../../../src/core/errors.ts';
import { boot } from '../../../src/engine/hosts/boot.ts';
import type { Fleet } from '../../../src/engine/hosts/fleet.ts';
import { fakeFleet } from '../support/fake-fleet.ts';

const step = { title: 'reboot w1', on: 'w1', run: ['systemctl', '--no-block', 'reboot'], boots: { limit: 5 } };
const signal = new AbortController().signal;

interface Behaviour {
  /** Exit code of the command; -1: its answer is lost. */
  told?: number;
  /** Questions that the old session still answers afterwards. */
  lingers?: number;
  /** What each new connection meets: the old or the new boot, or an error. The last one stays. */
  meets?: ('old' | 'starting' | 'new' | McpkError)[];
  /** Whether the lock is to be had then. */
  rejoin?: McpkError;
}

const lost = new McpkError('unreachable', 'w1: the connection was lost', { host: 'w1' });
let done: string[];
beforeEach(() => (done = []));

function fleetOf({ told = 0, lingers = 0, meets = ['new'], rejoin }: Behaviour): Fleet {
  let left = -1;
  const connections = [...meets];
  const say = (stdout: string, exitCode = 0) => [{ exitCode, stdout, stderr: exitCode === 0 ? '' : 'no' }];
  const fleet: Partial<Fleet> = {
    exec(_host, [command]) {
      const isReboot = command?.argv[0] === 'systemctl';
      done.push(isReboot ? 'reboot' : 'ask');
      if (!isReboot && left === -1) return Promise.resolve(say('old\n'));
      if (isReboot) left = lingers;
      else left -= 1;
      if (isReboot) return told === -1 ? Promise.reject(lost) : Promise.resolve(say('', told));
      return left >= 0 ? Promise.resolve(say('old\n')) : Promise.reject(lost);
    },
    reach() {
      const met = (connections.length > 1 ? connections.shift() : connections[0]) ?? 'new';
      done.push(met instanceof McpkError ? met.code : met);
      if (met instanceof McpkError) return Promise.reject(met);
      const [id, system] = met === 'starting' ? ['new', 'starting'] : [met, 'degraded'];
      const exec = () => Promise.resolve([...say(`${id}\n`), ...say(`${system}\n`, 1)]);
      return Promise.resolve({ exec, close: () => Promise.resolve() });
    },
    rejoin: () => (rejoin ? Promise.reject(rejoin) : Promise.resolve(void done.push('rejoin'))),
  };
  return fakeFleet(fleet);
}

describe('a host that is to boot', () => {
  it.each<[string, Behaviour, string[]]>([
    ['goes down and comes back', {}, ['ask', 'reboot', 'ask', 'new', 'rejoin']],
    ['takes its time to go down', { lingers: 2 }, ['ask', 'reboot', 'ask', 'ask', 'ask', 'new', 'rejoin']],
    ['is gone before it answers', { told: -1 }, ['ask', 'reboot', 'ask', 'new', 'rejoin']],
    [
      'lets in once more before it goes down, then nobody',
      { meets: ['old', lost, 'new'] },
      ['ask', 'reboot', 'ask', 'old', 'unreachable', 'new', 'rejoin'],
    ],
    [
      'is reached while it still starts',
      { meets: ['starting', 'new'] },
      ['ask', 'reboot', 'ask', 'starting', 'new', 'rejoin'],
    ],
  ])('that %s is back with another boot id, under the lock', async (_, behaviour, calls) => {
    expect(await boot(fleetOf(behaviour), step, signal, 1)).toMatchObject({ exitCode: 0 });
    expect(done).toEqual(calls);
  });

  it('that refuses to is a step that fails; it is not waited for', async () => {
    const answer = await boot(fleetOf({ told: 1 }), step, signal, 1);
    expect(answer).toMatchObject({ exitCode: 1, stderr: 'no' });
    expect(answer.lost).toBeUndefined();
    expect(done).toEqual(['ask', 'reboot']);
  });

  it.each<[string, Behaviour, string, string]>([
    ['does not come back', { meets: [lost] }, 'gate', 'seen last  w1: the connection was lost'],
    ['is up as before, whatever it was told', { meets: ['old'] }, 'gate', 'seen last  it still runs as before'],
    ['never has started all', { meets: ['starting'] }, 'gate', 'seen last  systemd has not started all of it'],
    ['never goes down', { lingers: 1e9 }, 'gate', 'seen last  it has not gone down'],
    [
      'comes back with another host key',
      { meets: [new McpkError('hostKey', 'w1: another key', { host: 'w1' })] },
      'hostKey',
      'seen last  w1: another key',
    ],
    [
      'has another run on it then',
      { rejoin: new McpkError('locked', 'w1: locked by ana', { host: 'w1' }) },
      'locked',
      'seen last  w1: locked by ana',
    ],
  ])('that %s is told with what to do', async (_, behaviour, code, seen) => {
    const patient = { ...step, boots: { limit: 0.05 } };
    const { lost: error } = await boot(fleetOf(behaviour), patient, signal, 1);
    expect(error).toMatchObject({ code, host: 'w1', hint: expect.stringContaining('mcpk node replace w1') as string });
    expect(error?.message).toMatch(/^w1 was told to reboot and (is not back after 0 s|was not joined again)$/);
    expect(error?.details[0]).toBe(seen);
  });

  it('is not waited for any more once the run is interrupted', async () => {
    const stop = new AbortController();
    const fleet = fleetOf({ meets: [lost] });
    const answer = boot(fleet, step, stop.signal, 1);
    stop.abort(new McpkError('interrupted', 'interrupted'));
    expect((await answer).lost).toMatchObject({ code: 'interrupted' });
  });
});
