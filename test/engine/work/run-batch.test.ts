import { describe, expect, it } from 'vitest';
import type { GateCheck } from '../../../src/cluster/gate.ts';
import { McpkError } from '../../../src/core/errors.ts';
import { execute } from '../../../src/engine/work/execute.ts';
import type { Stage, StepAround } from '../../../src/states/stage.ts';
import { runOf, type FakeRun, type Spec } from '../support/fake-run.ts';

/** As the node stages have it: the drains of `stuck` fail. */
function draining(stuck: readonly string[], orSkip: boolean): Stage['around'] {
  const cordon = (node: string): StepAround => ({
    title: `cordon ${node}`,
    on: 'm1',
    run: ['cordon', node],
    undo: ['uncordon', node],
    marked: true,
    node,
  });
  const drain = (node: string): StepAround => ({
    title: `drain ${node}`,
    on: 'm1',
    run: [stuck.includes(node) ? 'fail' : 'drain', node],
    node,
    together: 'drain',
    long: true,
    ...(orSkip ? { orSkip } : {}),
  });
  return ({ batch }) => ({
    before: [...batch.map(cordon), ...batch.map(drain)],
    after: [],
    held: batch.map((node) => ({ title: `uncordon ${node}`, on: 'm1', run: ['uncordon', node], node })),
  });
}

interface Case extends Partial<Spec> {
  stuck?: string[];
  orSkip?: boolean;
  maxFailures?: number;
}

function drained({ stuck = [], orSkip = false, maxFailures = 0, ...spec }: Case): FakeRun {
  const around = draining(stuck, orSkip) as NonNullable<Stage['around']>;
  const fake = runOf(
    { nodes: { batches: [['w1'], ['w2']], around, ...spec }, after: { needs: ['nodes'], batches: [['w1', 'w2']] } },
    {},
    {
      owned: Object.fromEntries(['w1', 'w2'].map((host) => [host, [{ ref: 'file:/x', hash: 'h', stage: 'nodes' }]])),
    },
  );
  Object.assign(fake.program, { maxFailures });
  return fake;
}

const told = ({ state }: FakeRun): string[] => state.failures.map((error) => `${error.exitCode} ${error.message}`);

/** Of each node by itself; those that are `sick` hold once they went back, where `heals`. */
function gates(fake: { log?: string[] }, sick: readonly string[], heals: boolean): NonNullable<Spec['gate']> {
  return (hosts) =>
    hosts.map((host): GateCheck => ({
      title: `${host} well`,
      asks: [],
      check: () =>
        sick.includes(host) && !(heals && fake.log?.includes(`restore ${host}`)) ? 'it is not Ready' : undefined,
      host,
      deadline: 0,
    }));
}

describe('a node that does not drain', () => {
  it('is let in again, and nothing new starts', async () => {
    const fake = drained({ stuck: ['w1'] });
    const results = await execute(fake.program, fake.hands, fake.state);
    expect(results.map(({ status }) => status)).toEqual(['failed', 'skipped']);
    expect(fake.log).toEqual(['m1: cordon w1', 'm1: fail w1', 'm1: uncordon w1', 'nodes failed', 'after skipped']);
    expect(told(fake)).toEqual(['15 nodes: step failed: drain w1']);
  });

  it('is left out with onTimeout: skip, named, and the others go on', async () => {
    const fake = drained({ stuck: ['w1'], orSkip: true, maxFailures: 1 });
    const results = await execute(fake.program, fake.hands, fake.state);
    expect(results.map(({ status }) => status)).toEqual(['changed', 'changed']);
    expect(fake.log).toEqual([
      'm1: cordon w1',
      'm1: fail w1',
      'm1: uncordon w1',
      'm1: cordon w2',
      'm1: drain w2',
      'converge w2',
      'm1: uncordon w2',
      'nodes changed',
      'converge w1',
      'converge w2',
      'after changed',
    ]);
    expect(told(fake)).toEqual(['15 nodes: w1 was left out: its pods did not go']);
  });

  it('is left out of a batch of several alone', async () => {
    const fake = drained({ batches: [['w1', 'w2']], stuck: ['w1'], orSkip: true, maxFailures: 1 });
    await execute(fake.program, fake.hands, fake.state);
    expect(fake.log.slice(0, 6)).toEqual([
      'm1: cordon w1',
      'm1: cordon w2',
      'm1: fail w1; drain w2',
      'm1: uncordon w1',
      'converge w2',
      'm1: uncordon w2',
    ]);
  });

  it.each<[number, string[][]]>([
    [0, [['w1'], ['w2']]],
    [1, [['w1', 'w2']]],
  ])('ends the run with more of them than maxFailures %d', async (maxFailures, batches) => {
    const fake = drained({ batches, stuck: ['w1', 'w2'], orSkip: true, maxFailures });
    const results = await execute(fake.program, fake.hands, fake.state);
    expect(results.map(({ status }) => status)).toEqual(['failed', 'skipped']);
    expect(fake.log.filter((line) => line.startsWith('converge'))).toEqual([]);
    for (const node of batches[0] ?? []) expect(fake.log).toContain(`m1: uncordon ${node}`);
  });
});

it('a node that one stage left out is not drained again by the next, and counts once', async () => {
  const around = draining(['w1'], true) as NonNullable<Stage['around']>;
  const batches = [['w1'], ['w2']];
  const fake = runOf({ runtime: { batches, around }, nodes: { needs: ['runtime'], batches, around } });
  Object.assign(fake.program, { maxFailures: 1 });
  const results = await execute(fake.program, fake.hands, fake.state);
  expect(results.map(({ status }) => status)).toEqual(['changed', 'changed']);
  expect(fake.log.filter((line) => line.includes('w1'))).toEqual(['m1: cordon w1', 'm1: fail w1', 'm1: uncordon w1']);
  expect(told(fake)).toEqual(['15 runtime: w1 was left out: its pods did not go']);
});

it.each([
  [true, ['ask', 'm1: drain w1', 'ask', 'converge w1']],
  [false, ['ask', 'm1: drain w1', 'converge w1']],
])('guards are asked once more where what comes before takes long (%s)', async (long, order) => {
  const drain: StepAround = { title: 'drain', on: 'm1', run: ['drain', 'w1'], ...(long ? { long } : {}) };
  const fake = runOf({
    nodes: {
      batches: [['w1']],
      around: () => ({ before: [drain], after: [] }),
      guard: () => [{ title: 'spare', asks: [], deadline: 0, check: () => void fake.log.push('ask'), consequence: '' }],
    },
  });
  await execute(fake.program, fake.hands, fake.state);
  expect(fake.log.slice(0, -1)).toEqual(order);
});

it.each([[[]], [['w1']]])(
  'settles what its hosts owe, not what a host owes on which kubectl runs (fails: %j)',
  async (stuck) => {
    const fake = drained({ batches: [['w1']], stuck });
    const settled: string[] = [];
    fake.hands.settle = (stage, hosts) => settled.push(...hosts.map((host) => `${stage} ${host}`));
    await execute(fake.program, fake.hands, fake.state);
    expect(settled).not.toContain('nodes m1');
  },
);

it('a drain whose host is lost fails with that: nobody knows whether the pods would have gone', async () => {
  const fake = drained({ orSkip: true, maxFailures: 1 });
  const steps = fake.hands.steps.bind(fake.hands);
  fake.hands.steps = async (all, signal) => {
    const answers = await steps(all, signal);
    if (all[0]?.run[0] !== 'drain') return answers;
    const lost = new McpkError('unreachable', 'm1: the connection was lost', { host: 'm1' });
    return answers.map((answer) => ({ ...answer, exitCode: 255, lost }));
  };
  const results = await execute(fake.program, fake.hands, fake.state);
  expect(results.map(({ status }) => status)).toEqual(['failed', 'skipped']);
  expect(fake.state.failures.map(({ message }) => message)).toEqual(['m1: the connection was lost']);
});

it('a drain that is interrupted is undone, and left out by nobody', async () => {
  const fake = drained({ orSkip: true, maxFailures: 1 });
  const abort = new AbortController();
  Object.assign(fake.state, { signal: abort.signal });
  const steps = fake.hands.steps.bind(fake.hands);
  fake.hands.steps = async (all, signal) => {
    const answers = await steps(all, signal);
    if (all[0]?.run[0] !== 'drain') return answers;
    abort.abort();
    return answers.map((answer) => ({ ...answer, exitCode: 255 }));
  };
  await execute(fake.program, fake.hands, fake.state);
  expect(fake.log).toEqual(['m1: cordon w1', 'm1: drain w1', 'm1: uncordon w1', 'nodes failed', 'after skipped']);
  expect(fake.state.failures.map(({ code }) => code)).toEqual(['interrupted']);
});

describe('a node whose gate fails after the drain', () => {
  it('went back and is well: it is let in again', async () => {
    const seen: { log?: string[] } = {};
    const fake = drained({ gate: gates(seen, ['w1'], true) });
    seen.log = fake.log;
    await execute(fake.program, fake.hands, fake.state);
    expect(fake.log).toEqual([
      'm1: cordon w1',
      'm1: drain w1',
      'converge w1',
      'restore w1',
      'm1: uncordon w1',
      'nodes failed',
      'after skipped',
    ]);
    expect(fake.state.failures.map(({ exitCode }) => exitCode)).toEqual([19]);
  });

  it.each([true, false])(
    'is not well after that either: it stays cordoned, and is named (noRollback: %s)',
    async (noRollback) => {
      const fake = drained({ gate: gates({}, ['w1'], false) });
      Object.assign(fake.program, { noRollback });
      await execute(fake.program, fake.hands, fake.state);
      expect(fake.log).not.toContain('m1: uncordon w1');
      expect(told(fake).at(-1)).toBe('15 nodes: w1 stays cordoned, as it is not seen to be well');
    },
  );

  it('does not keep the others of its batch out', async () => {
    const fake = drained({ batches: [['w1', 'w2']], gate: gates({}, ['w1'], false) });
    await execute(fake.program, fake.hands, fake.state);
    expect(fake.log.filter((line) => line.includes('uncordon'))).toEqual(['m1: uncordon w2']);
  });
});

describe('a pause between batches', () => {
  const paused = (seconds: number): FakeRun => {
    const fake = runOf({ a: { batches: [['h1'], ['h2'], ['h3']] } });
    Object.assign(fake.program, { pause: seconds });
    return fake;
  };

  it('is waited for between them, shown with what is left of it', async () => {
    const fake = paused(60);
    fake.hands.hold = (all) => {
      for (const gate of all) fake.log.push(`${gate.title}: ${gate.check([]) ?? 'over'}`);
      return Promise.resolve();
    };
    await execute(fake.program, fake.hands, fake.state);
    const wait = 'pause of 60 s: 60 s to go';
    expect(fake.log).toEqual(['converge h1', wait, 'converge h2', wait, 'converge h3', 'a changed']);
  });

  it('ends as soon as another stage has failed', async () => {
    const fake = paused(3600);
    fake.hands.hold = (all) => {
      fake.state.stop();
      for (const gate of all) expect(gate.check([])).toBeUndefined();
      return Promise.resolve();
    };
    await execute(fake.program, fake.hands, fake.state);
    expect(fake.log).toEqual(['converge h1', 'a failed']);
  });
});
