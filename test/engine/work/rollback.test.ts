import { describe, expect, it } from 'vitest';

import type { OwnedEntry } from '../../../src/cluster/facts.ts';
import type { Change } from '../../../src/resources/types.ts';
import { execute } from '../../../src/engine/work/execute.ts';
import type { PlanItem } from '../../../src/engine/types.ts';
import { CHANGE, runOf, type Ending, type FakeRun, type Spec } from '../support/fake-run.ts';

const RESTART: Change = { ...CHANGE, verb: 'restart' };
const UNIT: PlanItem = { ref: 'unit:x.service', title: 'x.service', kind: 'unit', comparison: RESTART };
const FILE: PlanItem = { ref: 'file:/x', title: '/x', kind: 'file', comparison: CHANGE };
const BROKEN: Ending = { failed: 'unit:x.service', message: 'Job for x.service failed.\nunknown flag' };
const OWNED: OwnedEntry[] = [
  { ref: 'file:/x', hash: 'old', stage: 'a' },
  { ref: 'file:/other', hash: 'o', stage: 'b' },
];
const owned = { h1: OWNED, h2: OWNED, h3: OWNED };

/** A gate that holds only on hosts that did not change, or that went back. */
function gate(bad: readonly string[], { stays = false, ofCluster = false } = {}): NonNullable<Spec['gate']> {
  return (hosts) =>
    hosts.map((host) => ({
      title: `${host} answers`,
      asks: [{ host, argv: ['gate', host] }],
      ...(ofCluster ? {} : { host }),
      deadline: 0,
      check: () => (bad.includes(host) && (stays || !went.has(host)) ? 'connection refused' : undefined),
    }));
}
/** The same, but that the first check of it all holds. */
function late(inner: NonNullable<Spec['gate']>): NonNullable<Spec['gate']> {
  let asked = 0;
  return (hosts) =>
    inner(hosts).map((each) => ({ ...each, check: (seen) => (asked++ === 0 ? undefined : each.check(seen)) }));
}
let went = new Set<string>();

async function ended(specs: Record<string, Spec>, ...more: [Record<string, Ending>?, Parameters<typeof runOf>[2]?]) {
  went = new Set();
  const fake = runOf(specs, ...more);
  const { program, hands, state, events } = fake;
  const { push } = events;
  events.push = (event) => {
    if (event.type === 'rollback' && event.status === 'done') went.add(event.host);
    return push.call(events, event);
  };
  await execute(program, hands, state);
  return fake;
}

const streams = ({ log }: FakeRun): string[] => log.filter((line) => /^(converge|restore) /.test(line));
const codes = ({ state }: FakeRun): number[] => state.failures.map((error) => error.exitCode);

describe('a host goes back', () => {
  it('when its gate fails after a change: the rollout stops there, and the hosts before it keep their state', async () => {
    const batches = [['h1'], ['h2'], ['h3']];
    const fake = await ended(
      { a: { batches, gate: gate(['h2']) }, b: { needs: ['a'], batches: [['h1']] } },
      {},
      { owned },
    );
    expect(streams(fake)).toEqual(['converge h1', 'converge h2', 'restore h2']);
    expect(codes(fake)).toEqual([19]);
    expect(fake.state.rolledBack).toEqual([{ stage: 'a', host: 'h2', held: true }]);
    const [error] = fake.state.failures;
    expect(error?.message).toBe('a: h2 answers: not so after 0 s; h2 went back to what was there before');
    expect(error?.details).toEqual([
      'last answer  connection refused',
      'put back on h2:',
      '  /etc/x',
      '  unit x.service restarted',
      'The gate holds again with it.',
    ]);
    expect(fake.log).toContain('b skipped');
  });

  it('when its unit does not come up, with its last journal lines', async () => {
    const fake = await ended({ a: { batches: [['h1'], ['h2']], items: [UNIT] } }, { h1: BROKEN }, { owned });
    expect(streams(fake)).toEqual(['converge h1', 'restore h1']);
    expect(codes(fake)).toEqual([19]);
    expect(fake.state.failures[0]?.message).toContain('unit:x.service: Job for x.service failed.');
    expect(fake.state.failures[0]?.details[0]).toBe('unknown flag');
  });

  it('and says first what of its log says why', async () => {
    const message = 'Reading package lists...\nE: Could not get lock /var/lib/dpkg/lock\nN: Be aware';
    const apt = { failed: 'file:/x', message };
    const fake = await ended({ a: { batches: [['h1']] } }, { h1: apt }, { owned });
    expect(fake.state.failures[0]?.message).toContain('file:/x: E: Could not get lock /var/lib/dpkg/lock');
    expect(fake.state.failures[0]?.details.slice(0, 3)).toEqual(message.split('\n'));
  });

  it('with all hosts of its batch, and the failure of a unit decides among several', async () => {
    const endings = { h1: { failed: 'file:/x', message: 'No space left on device' }, h2: BROKEN };
    const fake = await ended({ a: { batches: [['h1', 'h2', 'h3']], items: [FILE, UNIT] } }, endings, { owned });
    expect(streams(fake).slice(3).toSorted()).toEqual(['restore h1', 'restore h2', 'restore h3']);
    expect(codes(fake)).toEqual([19, 15]);
  });

  it('when the last gate names a host of an earlier batch, that one', async () => {
    const fake = await ended({ a: { batches: [['h1'], ['h2']], gate: late(gate(['h1'])) } }, {}, { owned });
    expect(streams(fake)).toEqual(['converge h1', 'converge h2', 'restore h1']);
    expect(codes(fake)).toEqual([19]);
  });

  it('when a gate of the cluster fails: the batch before it, whichever host is asked', async () => {
    const ofCluster = gate(['h1'], { stays: true, ofCluster: true });
    const fake = await ended({ a: { batches: [['h1'], ['h2']], gate: late(ofCluster) } }, {}, { owned });
    expect(streams(fake)).toEqual(['converge h1', 'converge h2', 'restore h2']);
  });

  it('when its gate fails beside that of a host which was not changed', async () => {
    const both: NonNullable<Spec['gate']> = () => gate(['h1', 'h2'])(['h1', 'h2']);
    const fake = await ended({ a: { batches: [['h2']], gate: both } }, {}, { owned });
    expect(streams(fake)).toEqual(['converge h2', 'restore h2']);
    expect(codes(fake)).toEqual([19]);
  });

  it('between the steps around its batch: after its change, before what was done for it is undone', async () => {
    const around: Spec['around'] = () => ({
      before: [{ title: 'drain', on: 'h2', run: ['drain'], undo: ['uncordon'] }],
      after: [],
    });
    const fake = await ended(
      { a: { batches: [['h1']], items: [UNIT], around, gate: gate([]) } },
      { h1: BROKEN },
      { owned },
    );
    expect(fake.log).toEqual(['h2: drain', 'converge h1', 'restore h1', 'h2: uncordon', 'h1: gate h1', 'a failed']);
  });

  describe('when the guard of a later batch does not hold', () => {
    /** Fails before the second batch, for this host. */
    const guardOf =
      (blamed: string | undefined): NonNullable<Spec['guard']> =>
      ({ batch, earlier }) => [
        {
          title: `the others serve without ${batch.join()}`,
          asks: [{ host: 'h3', argv: ['guard'] }],
          check: () => (earlier.length > 0 ? 'h1 is not ready again' : undefined),
          blames: () => blamed,
          deadline: 0,
          consequence: 'nobody serves',
        },
      ];
    const batches = [['h1'], ['h2']];

    it('for a host that was changed before: that one', async () => {
      const fake = await ended({ a: { batches, guard: guardOf('h1'), gate: gate([]) } }, {}, { owned });
      expect(streams(fake)).toEqual(['converge h1', 'restore h1']);
      expect(codes(fake)).toEqual([19]);
      expect(fake.state.rolledBack).toEqual([{ stage: 'a', host: 'h1', held: true }]);
    });

    it('and where the stage can not be undone, the error says why', async () => {
      const irreversible = 'etcd 3.6 → 3.7';
      const told = async (blamed: string | undefined): Promise<string | undefined> => {
        const fake = await ended({ a: { batches, guard: guardOf(blamed), irreversible } }, {}, { owned });
        expect(codes(fake)).toEqual([18]);
        return fake.state.failures[0]?.details.at(-1);
      };
      expect(await told('h1')).toBe('Not put back: etcd 3.6 → 3.7');
      expect(await told('h3')).not.toContain('Not put back');
    });

    it.each([
      ['nobody, where it is another host', 'h3', {}, 18],
      ['nobody, where it is no one host', undefined, {}, 18],
      ['nobody with --no-rollback', 'h1', { noRollback: true }, 18],
    ])('%s', async (_name, blamed, more, code) => {
      const fake = await ended({ a: { batches, guard: guardOf(blamed) } }, {}, { owned, ...more });
      expect(streams(fake)).toEqual(['converge h1']);
      expect(codes(fake)).toEqual([code]);
    });
  });

  it('with the list of what is owned as it was, what is of other stages untouched', async () => {
    const fake = await ended({ a: { batches: [['h1']], gate: gate(['h1']) } }, {}, { owned });
    const restore = fake.sent.find(({ body }) => body.includes('o restore'));
    expect(restore?.body).toContain('o restore\na r\n. ');
    expect(restore?.body).toContain('{"ref":"file:/x","hash":"old","stage":"a"}');
    expect([...(fake.means.owned.get('h1') ?? [])]).toEqual([['file:/x', { hash: 'old', stage: 'a' }]]);
  });

  it('and that of a stage that went along too', async () => {
    const fake = await ended({ a: { batches: [['h1']], along: ['b'], gate: gate(['h1']) } }, {}, { owned });
    expect([...(fake.means.owned.get('h1') ?? [])]).toEqual([
      ['file:/x', { hash: 'old', stage: 'a' }],
      ['file:/other', { hash: 'o', stage: 'b' }],
    ]);
  });

  it('and it is said plainly when the gate does not hold after that either', async () => {
    const fake = await ended({ a: { batches: [['h1']], gate: gate(['h1'], { stays: true }) } }, {}, { owned });
    expect(codes(fake)).toEqual([19]);
    expect(fake.state.rolledBack).toEqual([{ stage: 'a', host: 'h1', held: false }]);
    expect(fake.state.failures[0]?.details.join('\n')).toContain('The rollback did not mend it: a: h1 answers');
    expect(fake.state.failures[0]?.hint).toContain('fails with its old state too');
  });
});

describe('a host stays as it is', () => {
  const FAILS: Spec = { batches: [['h1']], gate: gate(['h1']) };
  const start: PlanItem = { ...UNIT, comparison: { ...CHANGE, verb: 'start' } };
  it.each<[string, Spec, Record<string, Ending>, Parameters<typeof runOf>[2], number]>([
    ['with --no-rollback', FAILS, {}, { owned, noRollback: true }, 16],
    ['when the stage can not be undone', { ...FAILS, irreversible: 'etcd 3.6 → 3.7' }, {}, { owned }, 16],
    ['when the stage is new on it', FAILS, {}, { owned: { h1: [{ ref: 'file:/other', hash: '', stage: 'b' }] } }, 16],
    [
      'when the gate of a host fails that was not changed',
      { ...FAILS, gate: () => gate(['h2'])(['h2']) },
      {},
      { owned },
      16,
    ],
    [
      'when the gate of a host fails that is yet to change',
      { batches: [['h1'], ['h2']], gate: () => gate(['h2'])(['h2']) },
      {},
      { owned },
      16,
    ],
    ['when its unit did not run before', { batches: [['h1']], items: [start] }, { h1: BROKEN }, { owned }, 15],
    ['when a file could not be written', FAILS, { h1: { failed: 'file:/x', message: 'full' } }, { owned }, 15],
    ['when the connection was lost', FAILS, { h1: new Error('lost') }, { owned }, 1],
  ])('%s', async (_when, spec, endings, more, code) => {
    const fake = await ended({ a: spec }, endings, more);
    expect(streams(fake)).toEqual(['converge h1']);
    expect(codes(fake)).toEqual([code]);
    expect(fake.state.rolledBack).toEqual([]);
  });

  it('and where the stage can not be undone, the error says why', async () => {
    const fake = await ended({ a: { ...FAILS, irreversible: 'etcd 3.6 → 3.7' } }, {}, { owned });
    expect(fake.state.failures[0]?.details.at(-1)).toBe('Not put back: etcd 3.6 → 3.7');
  });
});
