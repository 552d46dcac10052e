import { describe, expect, it } from 'vitest';
import { etcdGates } from '../../../src/cluster/etcd.ts';
import type { GateCheck } from '../../../src/cluster/gate.ts';
import type { Plan, StagePlan } from '../../../src/engine/types.ts';
import { McpkError } from '../../../src/core/errors.ts';
import { carryOut, type CarryOut } from '../../../src/engine/work/carry-out.ts';
import { execute } from '../../../src/engine/work/execute.ts';
import type { ProgramStage } from '../../../src/engine/plan/program.ts';
import type { Stage } from '../../../src/states/stage.ts';
import { CHANGED_FLAG, NOTHING, planOf, stage as stagePlan } from '../../fixtures/plan.ts';
import { factsOf, labCluster } from '../../states/cluster.ts';
import { fakeHands, fakeState, programOf, type FakeHands, type FakeHandsInput } from '../support/fake-hands.ts';
import { CHANGE } from '../support/fake-run.ts';

const facts = factsOf(await labCluster());

function stageOf(name: string, more: Partial<Stage> = {}): Stage {
  return { name, title: name, needs: [], hosts: () => [], states: () => [], ...more };
}

const wellOf: NonNullable<Stage['gate']> = ({ hosts }) =>
  hosts.map((host): GateCheck => ({ title: `${host} well`, host, asks: [], deadline: 0, check: () => undefined }));

const ITEM = { ref: 'file:/x', title: '/x', kind: 'file', comparison: CHANGE };

function changing(name: string, batches: string[][], more: Partial<StagePlan> = {}): StagePlan {
  return stagePlan(name, { batches, hosts: batches.flat().map((host) => ({ host, items: [ITEM] })), ...more });
}

interface Given extends Omit<FakeHandsInput, 'facts'> {
  plan: Plan;
  stages: ProgramStage[];
  confirm?: boolean;
  first?: CarryOut['first'];
  more?: Parameters<typeof programOf>[2];
}

async function carried({ plan, stages, confirm = true, first, more, ...hands }: Given) {
  const doing = { program: programOf(plan, stages, more), hands: fakeHands({ facts, ...hands }), state: fakeState() };
  const result = await carryOut(doing, {
    started: 0,
    confirm: () => Promise.resolve(confirm),
    ...(first ? { first } : {}),
    mended: () => ['w9'],
  });
  return { result, done: doing.hands.done, events: doing.state.events };
}

const known = (stage: Stage, plan: StagePlan, more: Partial<ProgramStage> = {}): ProgramStage => ({
  stage,
  plan: { ...plan, needs: stage.needs },
  inScope: true,
  isHeld: false,
  ...more,
});

it.each([
  ['of changes that the plan did not know yet', planOf([], { changes: 2, deferred: 1 }), 3],
  ['of none where it knew all', planOf([], { changes: 5 }), undefined],
])('a result tells %s', async (_, plan, knownLater) => {
  const stages = [known(stageOf('nodes'), changing('nodes', [['w1', 'w2', 'w3', 'w4', 'w5']]))];
  const { result } = await carried({ plan, stages });
  expect([result.changed, result.knownLater]).toEqual([5, knownLater]);
});

describe('a program is carried out', () => {
  const plan = planOf([], { changes: 3 });

  it('by hosts and by the API, batch by batch, with its own steps and the gates between, and closed', async () => {
    const steps: StagePlan['steps'] = [
      { batch: 1, when: 'before', title: 'drain', on: 'm1', run: ['drain'], undo: ['uncordon'] },
      { batch: 1, when: 'after', title: 'uncordon', on: 'm1', run: ['uncordon'] },
      { batch: 1, when: 'held', title: 'note', on: 'm1', run: ['note'] },
    ];
    const nodes = known(stageOf('nodes', { gate: wellOf }), changing('nodes', [['w1'], ['w2']], { steps }));
    const addons = known(stageOf('addons', { needs: ['nodes'], api: true }), changing('addons', [['api']]));
    const { result, done } = await carried({ plan, stages: [nodes, addons] });
    expect(done).toEqual([
      'converge nodes w1',
      'hold w1 well',
      'owe drain (m1)',
      'drain (m1)',
      'converge nodes w2',
      'uncordon (m1)',
      // After the last batch it is asked of all, of those that changed first.
      'hold w2 well',
      'hold w1 well',
      'note (m1)',
      'objects addons api',
      'close w9',
    ]);
    expect([result.status, result.changed, result.exitCode]).toEqual(['succeeded', 3, 0]);
  });

  it('after what comes first, which is in its result', async () => {
    const seen: string[] = [];
    const { result } = await carried({
      plan,
      stages: [known(stageOf('etcd'), changing('etcd', [['m1']]))],
      before: (what) => seen.push(what),
      first() {
        seen.push('first');
        return Promise.resolve({ snapshot: '/b.tar' });
      },
    });
    expect([seen.slice(0, 2), result.snapshot]).toEqual([['first', 'converge etcd m1'], '/b.tar']);
  });

  it('with what a step owes noted before it acts, and settled once its batch is done or it is undone', async () => {
    const steps: StagePlan['steps'] = [
      { batch: 0, when: 'before', title: 'stop', on: 'm1', run: ['stop'], undo: ['start'] },
      { batch: 0, when: 'after', title: 'start', on: 'm1', run: ['start'] },
    ];
    const of = async (exits = {}, taken = steps): Promise<FakeHands> => {
      const hands = fakeHands({ facts, exits });
      const stages = [known(stageOf('etcd'), changing('etcd', [['m1']], { steps: taken }))];
      await execute(programOf(plan, stages), hands, fakeState());
      return hands;
    };
    const good = await of();
    expect(good.done).toEqual(['owe stop (m1)', 'stop (m1)', 'converge etcd m1', 'start (m1)']);
    expect(good.settled).toContain('etcd m1');
    // The step after it fails, and so does its undo: the operator is told, and it is owed still.
    const undone = await of({ start: 1 });
    expect([undone.done.slice(-2), undone.settled]).toEqual([['start (m1)', 'start (m1)'], ['etcd m1']]);
    expect((await of({ start: 1, stop: 1 })).settled).toEqual([]);
    // What is to be undone is seen by what it leaves behind.
    expect(
      (
        await of(
          {},
          steps.map((step) => ({ ...step, marked: true as const })),
        )
      ).done[0],
    ).toBe('stop (m1)');
  });

  it('where it goes back it restores, and nothing else', async () => {
    const only = known(stageOf('etcd', { gate: wellOf }), changing('etcd', [['m2'], ['m1']]));
    const { done } = await carried({ plan, stages: [only], more: { restores: true, noRollback: true } });
    expect(done).toEqual([
      'restore etcd m2',
      'hold m2 well',
      'restore etcd m1',
      'hold m1 well',
      'hold m2 well',
      'close w9',
    ]);
  });

  it('with the plan of a deferred stage as it is when its turn comes, its steps too', async () => {
    const first = known(stageOf('api-server'), changing('api-server', [['m1']]));
    const waits = stagePlan('network', { deferred: { until: 'api-server', why: 'no API server answers' } });
    const second = known(stageOf('network', { needs: ['api-server'] }), waits);
    const steps: StagePlan['steps'] = [{ batch: 0, when: 'before', title: 'ask', on: 'm1', run: ['ask'] }];
    const later = { network: changing('network', [['w1']], { steps }) };
    const { done, result } = await carried({ plan, stages: [first, second], later });
    expect(done).toEqual(['converge api-server m1', 'plan network', 'ask (m1)', 'converge network w1', 'close w9']);
    expect(result.changed).toBe(2);
  });

  it('and a deferred stage that can not be planned fails, after what went before it', async () => {
    const waits = stagePlan('network', { deferred: { until: 'nodes', why: 'no API server answers' } });
    const before = (what: string): void => {
      if (what === 'plan network') throw new Error('still not known');
    };
    const { done, result } = await carried({ plan, stages: [known(stageOf('network'), waits)], before });
    expect([done, result.exitCode]).toEqual([['close w9'], 1]);
    expect(result.errors.map(({ message }) => message)).toEqual(['network: still not known']);
  });

  it('asks the gates of a stage without changes, but not those that were seen to hold, nor those of stages left out', async () => {
    const same = (name: string): StagePlan =>
      stagePlan(name, {
        hosts: [{ host: 'm1', items: [{ ...ITEM, comparison: { result: 'unchanged', reason: '', hash: '' } }] }],
      });
    const gate = (name: string): Stage => stageOf(name, { gate: wellOf });
    const stages = [known(gate('a'), same('a'), { isHeld: true }), known(gate('b'), same('b'), { inScope: false })];
    expect((await carried({ plan: NOTHING, stages })).done).toEqual(['close w9']);
    const open = [...stages, known(gate('c'), same('c'))];
    expect((await carried({ plan: NOTHING, stages: open })).done).toEqual(['hold m1 well', 'close w9']);
  });
});

describe('nothing is changed', () => {
  const stages = [known(stageOf('api-server'), changing('api-server', [['m1']]))];

  it('where it is declined', async () => {
    await expect(carried({ plan: CHANGED_FLAG, stages, confirm: false })).rejects.toMatchObject({
      code: 'interrupted',
      message: 'declined',
    });
  });

  it('where what comes first fails, and that is not done where it is declined', async () => {
    const done: string[] = [];
    const before = (what: string): void => void done.push(what);
    const first = (): Promise<never> => {
      done.push('first');
      return Promise.reject(new McpkError('gate', 'no snapshot'));
    };
    await expect(carried({ plan: CHANGED_FLAG, stages, before, first })).rejects.toMatchObject({ code: 'gate' });
    expect(done).toEqual(['first']);
    await expect(carried({ plan: CHANGED_FLAG, stages, before, first, confirm: false })).rejects.toMatchObject({
      code: 'interrupted',
    });
    expect(done).toEqual(['first']);
  });

  const refused: Plan['refused'] = [
    { stage: 'etcd', hosts: ['m1'], title: 'quorum', wrong: 'm2 is down', consequence: 'nobody writes.' },
  ];
  it('where the plan is refused; forced, it is done and said', async () => {
    await expect(carried({ plan: { ...CHANGED_FLAG, refused }, stages })).rejects.toMatchObject({ code: 'refused' });
    const forced = await carried({ plan: { ...CHANGED_FLAG, refused }, stages, more: { forceUnsafe: true } });
    expect(forced.done).toEqual(['converge api-server m1', 'close w9']);
    expect(forced.events).toContainEqual(expect.objectContaining({ type: 'warning' }));
  });
});

describe('before a batch its guards are asked, with what is known then', () => {
  const guard: NonNullable<Stage['guard']> = ({ batch, ahead }) => [
    {
      title: `spare for ${batch.join()}, ahead ${String(ahead)}`,
      asks: [],
      deadline: 0,
      check: () => undefined,
      consequence: '',
    },
  ];
  it.each([false, true])('of a rollback as of a rollout: restores %s', async (restores) => {
    const only = known(stageOf('etcd', { guard }), changing('etcd', [['m1']]));
    const failing = ['spare for m1, ahead false'];
    const { done, result } = await carried({ plan: NOTHING, stages: [only], more: { restores }, failing });
    expect(done).toEqual(['hold spare for m1, ahead false', 'close w9']);
    expect(result.exitCode).toBe(18);
  });
});

it('the real gates go by the facts that the hands have', async () => {
  const cluster = await labCluster();
  const only = known(stageOf('etcd', { gate: etcdGates }), changing('etcd', [['m1']]));
  const { done } = await carried({ plan: NOTHING, stages: [only], more: { cluster } });
  expect(done.slice(0, 2)).toEqual(['converge etcd m1', expect.stringMatching(/^hold etcd.*m1/)]);
});
