import { describe, expect, it } from 'vitest';
import { changesOf } from '../../src/engine/types.ts';
import type { Stage } from '../../src/states/stage.ts';
import type { Wish } from '../../src/states/wishes/wish.ts';
import { wishPlan } from '../engine/support/wish-plan.ts';
import { factsOf, labCluster } from '../states/cluster.ts';

const cluster = await labCluster();
const owned = [{ ref: 'file:/etc/greeting', hash: 'h', stage: 'greeting' }];
const facts = factsOf(cluster, {}, { owned });

/** Hosts that are sent to rest. */
function rest(hosts: readonly string[], more: Partial<Stage> = {}): Stage {
  return {
    name: 'rest',
    title: 'A rest',
    needs: [],
    hosts: (of) => of.hosts,
    states: () => [],
    due: () => hosts,
    around: ({ batch }) => ({
      before: batch.map((host) => ({ title: `${host} rests`, on: host, run: ['systemctl', 'suspend'] })),
      after: [],
    }),
    ...more,
  };
}

describe('a wish', () => {
  it('takes steps where they are due, all at once, and lays nothing down', async () => {
    const { stages, summary } = await wishPlan({ cluster, facts, stages: [rest(['w1', 'w2'])] });
    expect(stages.map(({ batches }) => batches)).toEqual([[['w1', 'w2']]]);
    expect(stages.flatMap(({ steps }) => steps.map(({ title }) => title))).toEqual(['w1 rests', 'w2 rests']);
    expect(summary).toMatchObject({ changes: 2, removals: 0 });
  });

  it('or in turn, by its rollout', async () => {
    const inTurn = rest(['w1', 'w2'], { inTurn: true, rollout: (_cluster, _facts, due) => due.map((host) => [host]) });
    const { stages } = await wishPlan({ cluster, facts, stages: [inTurn] });
    expect(stages.map(({ batches }) => batches)).toEqual([[['w1'], ['w2']]]);
  });

  it('takes off hosts what is owned, on those that it says', async () => {
    const { stages } = await wishPlan({ cluster, facts, stages: [rest(['w1', 'w2'], { takes: () => ['w2'] })] });
    expect(stages.flatMap(({ hosts }) => hosts.flatMap((each) => changesOf(each).map(({ ref }) => [each.host, ref])))).toEqual([['w2', 'file:/etc/greeting']]); // prettier-ignore
  });

  it('is made of what hosts tell, where they decide it', async () => {
    const tired: Wish = {
      stages: [rest([])],
      stagesOf: ({ facts: { hosts } }) => Promise.resolve({ stages: [rest([...hosts.keys()].slice(-1))] }),
    };
    const made = await tired.stagesOf?.({ facts, ask: () => Promise.resolve([]), run: 'run' });
    const { stages } = await wishPlan({ cluster, facts, stages: made?.stages ?? [] });
    expect(stages.flatMap(({ steps }) => steps.map(({ title }) => title))).toEqual(['w2 rests']);
  });
});
