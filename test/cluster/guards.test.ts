import { describe, expect, it } from 'vitest';
import type { Answer, Guard } from '../../src/cluster/gate.ts';
import { apiServerGuard, leavingGuard, quorumGuard } from '../../src/cluster/guards.ts';
import type { GuardContext } from '../../src/states/stage.ts';
import { factsOf, labCluster } from '../states/cluster.ts';

const cluster = await labCluster();
const single = { ...cluster, hosts: cluster.hosts.filter((host) => !['m2', 'm3'].includes(host.name)) };

function contextOf(more: Partial<GuardContext> = {}): GuardContext {
  const standing = { etcd: ['m1', 'm2', 'm3'], apiServers: ['m1', 'm2', 'm3'] };
  const facts = factsOf(more.cluster ?? cluster, { etcd: 'formed', standing });
  return { cluster, facts, batch: [], earlier: [], restarting: new Map(), ahead: false, ...more };
}

const MEMBERS = ['m1', 'm2', 'm3'];

type State = 'well' | 'sick' | 'down';

/** What a guard says of hosts in these states; undefined = it holds. */
function said(guards: readonly Guard[], states: Record<string, State>): string | undefined {
  const [guard] = guards;
  return guard?.check(
    guard.asks.map(({ host }): Answer => {
      const state = states[host] ?? 'well';
      const body = JSON.stringify({ health: String(state === 'well') });
      const status = state === 'well' ? '200 OK' : '503 Service Unavailable';
      return state === 'down'
        ? { host, exitCode: 1, stdout: '', stderr: 'Connection refused' }
        : { host, exitCode: 0, stdout: `HTTP/1.0 ${status}\r\n\r\n${body}`, stderr: '' };
    }),
  );
}

describe('the quorum, without a member that goes down', () => {
  it.each<[string, Record<string, State>, Partial<GuardContext>, RegExp | undefined]>([
    ['holds when the others are healthy', {}, {}, undefined],
    [
      'does not hold when one of the others is down',
      { m3: 'down' },
      {},
      /^m3 is not healthy \(Connection refused\): 1 of 3 members would stay, a quorum is 2$/,
    ],
    ['does not hold when one of the others is not healthy', { m3: 'sick' }, {}, /m3 is not healthy \(HTTP 503/],
    ['holds for a member that is down itself', { m1: 'down', m3: 'down' }, {}, undefined],
    ['does not hold for one that runs while nobody is healthy', { m1: 'sick', m2: 'sick', m3: 'sick' }, {}, /0 of 3/],
    ['counts at plan time what is mended before', { m3: 'down' }, { earlier: ['m3'], ahead: true }, undefined],
    ['counts at its time only what is really up', { m3: 'down' }, { earlier: ['m3'] }, /m3 is not healthy/],
  ])('%s', (_name, states, more, wrong) => {
    const text = said(quorumGuard(contextOf(more), ['m1'], MEMBERS), states);
    if (wrong) expect(text).toMatch(wrong);
    else expect(text).toBeUndefined();
  });

  it('is not asked for where there is none to spare, or nothing goes down', () => {
    expect(quorumGuard(contextOf(), ['m1'], ['m1', 'm2'])).toEqual([]);
    expect(quorumGuard(contextOf(), [], MEMBERS)).toEqual([]);
  });
});

describe('the quorum, once members have left', () => {
  it.each<[string, string[], Record<string, State>, Partial<GuardContext>, RegExp | undefined]>([
    ['is of those who stay', ['m1', 'm2'], {}, {}, undefined],
    ['needs not who leaves', ['m1', 'm2'], { m3: 'down' }, {}, undefined],
    [
      'is not there when one who stays is down',
      ['m1', 'm2'],
      { m2: 'down' },
      {},
      /^m2 is not healthy \(Connection refused\): 1 of 2 members would be up, a quorum is 2$/,
    ],
    ['is of those who are mended before', ['m1', 'm2'], { m2: 'down' }, { earlier: ['m2'], ahead: true }, undefined],
    ['is at its time only of who is really up', ['m1', 'm2'], { m2: 'down' }, { earlier: ['m2'] }, /m2 is not/],
    ['counts who has joined just before', ['m1', 'm2', 'w1'], { m2: 'down' }, {}, undefined],
  ])('%s', (_name, staying, states, more, wrong) => {
    const guard = leavingGuard(contextOf(more), { leaving: ['m3'], staying, joined: ['w1'] });
    const text = said([guard], states);
    if (wrong) expect(text).toMatch(wrong);
    else expect(text).toBeUndefined();
  });
});

describe('the API, without a server that goes down', () => {
  it.each<[string, Record<string, State>, Partial<GuardContext>, RegExp | undefined]>([
    ['is served by the others', {}, {}, undefined],
    ['is served by nobody', { m2: 'down', m3: 'sick' }, {}, /^m2: Connection refused, m3: HTTP 503/],
    ['was not served by one that is down itself', { m1: 'down', m2: 'down', m3: 'down' }, {}, undefined],
    ['waits for one that was ready when the run began', { m2: 'sick' }, {}, /^m2 is not ready again: HTTP 503/],
    ['does not wait for it at plan time', { m2: 'sick' }, { ahead: true }, undefined],
    [
      'is served at plan time by what is mended before',
      { m2: 'down', m3: 'down' },
      { earlier: ['m2'], ahead: true },
      undefined,
    ],
  ])('%s', (_name, states, more, wrong) => {
    const text = said(apiServerGuard(contextOf(more), ['m1']), states);
    if (wrong) expect(text).toMatch(wrong);
    else expect(text).toBeUndefined();
  });

  it('blames the one that this run has changed before', () => {
    const blamed = (guards: readonly Guard[], host: string): string | undefined =>
      guards[0]?.blames?.([{ host, exitCode: 1, stdout: '', stderr: 'Connection refused' }]);
    const quorum = (context: GuardContext, taken: string[]): Guard[] => quorumGuard(context, taken, MEMBERS);
    for (const guard of [apiServerGuard, quorum]) {
      expect(blamed(guard(contextOf({ earlier: ['m3'] }), ['m1']), 'm3')).toBe('m3');
      expect(blamed(guard(contextOf(), ['m1']), 'm3')).toBeUndefined();
    }
  });

  it('does not wait for one that was not ready when the run began', () => {
    const standing = { etcd: [], apiServers: ['m1', 'm3'] };
    const facts = factsOf(cluster, { standing });
    expect(said(apiServerGuard(contextOf({ facts }), ['m1']), { m2: 'down' })).toBeUndefined();
  });

  it('is not asked for with a single master, or when nothing goes down', () => {
    expect(apiServerGuard(contextOf({ cluster: single }), ['m1'])).toEqual([]);
    expect(apiServerGuard(contextOf(), [])).toEqual([]);
  });
});
