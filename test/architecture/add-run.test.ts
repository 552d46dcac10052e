import { describe, expect, it } from 'vitest';
import type { Program } from '../../src/engine/plan/program.ts';
import type { PlannedStep, RunResult } from '../../src/engine/types.ts';
import { carryOut } from '../../src/engine/work/carry-out.ts';
import type { Hands } from '../../src/engine/work/hands.ts';
import type { Stage } from '../../src/states/stage.ts';
import { fakeHands, fakeState, programOf } from '../engine/support/fake-hands.ts';
import { planOf, stage as stagePlan } from '../fixtures/plan.ts';
import { factsOf, labCluster } from '../states/cluster.ts';

const stage: Stage = {
  name: 'wall',
  title: 'A word to all who are logged in',
  needs: [],
  hosts: ({ hosts }) => hosts,
  states: () => [],
  gate: ({ hosts }) =>
    hosts.map((host) => ({ title: `${host} listens`, host, asks: [], deadline: 0, check: () => undefined })),
};

/** The planner of a run that tells each host something, one after the other, and changes nothing. */
function wallProgram(hosts: readonly string[], text: string): Program {
  const steps = hosts.map((host, batch): PlannedStep => ({
    batch,
    when: 'before',
    title: `tell ${host}`,
    on: host,
    run: ['wall', text],
  }));
  const plan = stagePlan('wall', { steps, batches: hosts.map((host) => [host]) });
  const all = planOf([plan], { changes: steps.length });
  return programOf(all, [{ stage, plan, inScope: true, isHeld: false }]);
}

async function wallRun(program: Program, hands: Hands, confirm = true): Promise<RunResult> {
  const how = { confirm: () => Promise.resolve(confirm), started: 0 };
  return carryOut({ program, hands, state: fakeState() }, how);
}

describe('a run', () => {
  it('is a planner and the one executor', async () => {
    const hands = fakeHands({ facts: factsOf(await labCluster()) });
    const result = await wallRun(wallProgram(['w1', 'w2'], 'hello'), hands);
    expect(hands.done).toEqual(['wall hello (w1)', 'hold w1 listens', 'wall hello (w2)', 'close']);
    expect(result.status).toBe('succeeded');
  });

  it('does nothing when it is declined', async () => {
    const hands = fakeHands({ facts: factsOf(await labCluster()) });
    await expect(wallRun(wallProgram(['w1'], 'hello'), hands, false)).rejects.toMatchObject({ code: 'interrupted' });
    expect(hands.done).toEqual([]);
  });

  it('stops where a step fails: the next host is not told', async () => {
    const hands = fakeHands({ facts: factsOf(await labCluster()), exits: { 'tell w1': 1 } });
    const result = await wallRun(wallProgram(['w1', 'w2'], 'hello'), hands);
    expect(hands.done).toEqual(['wall hello (w1)', 'close']);
    expect(result.exitCode).toBe(15);
  });
});
