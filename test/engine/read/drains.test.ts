import { describe, expect, it } from 'vitest';
import { withForecasts } from '../../../src/engine/read/drains.ts';
import { moved } from '../../../src/engine/plan/stale.ts';
import type { Plan } from '../../../src/engine/types.ts';
import { drainNode } from '../../../src/states/wishes/drain.ts';
import { factsOf, labCluster, registered } from '../../states/cluster.ts';
import { fakeReader, httpAnswer, type FakeReader } from '../support/fake-reader.ts';
import { wishPlan } from '../support/wish-plan.ts';

const PODS =
  'shop\ta\tw1\tRunning\tReplicaSet\t\t\nshop\tb\tw2\tRunning\tReplicaSet\t\t\nfree\tc\tw1\tRunning\tReplicaSet\t\t\n';

/** An API with these pods, and a budget in `shop` of which so many of two must be healthy. */
function api(desired: number): FakeReader {
  return fakeReader({
    answer: ({ argv, stdin = '' }) => {
      if (argv.includes('pods')) return { stdout: PODS };
      if (stdin.includes('/poddisruptionbudgets'))
        return httpAnswer(200, {
          items: [
            {
              metadata: { namespace: 'shop', name: 'cart' },
              status: { desiredHealthy: desired, expectedPods: 2 },
            },
          ],
        });
      if (stdin.includes('/eviction'))
        return httpAnswer(429, {
          details: { causes: [{ message: `The disruption budget cart needs ${String(desired)} healthy pods` }] },
        });
      return undefined;
    },
  });
}

async function planned(reader: FakeReader): Promise<Plan> {
  const cluster = await labCluster();
  const facts = factsOf(cluster, { nodes: registered(cluster), apiHost: 'm2', etcd: 'formed' });
  return wishPlan({ cluster, facts, stages: [drainNode('w1')], reader });
}

describe('a plan that drains a node', () => {
  it('tells what that comes to, and asks the API for pods of that node alone', async () => {
    const reader = api(1);
    const { stages } = await planned(reader);
    expect(stages[0]?.steps.map(({ title, tells }) => [title, tells])).toEqual([
      ['cordon w1', undefined],
      ['drain w1', ['2 pods go, 0 of DaemonSets or static stay, now shop/a waits for budget cart']],
    ]);
    const [first = [], second = []] = reader.asked.slice(-2);
    expect(first).toHaveLength(2);
    expect(first[0]).toContain('--field-selector=spec.nodeName=w1');
    // Of the namespace without a budget nothing can be forbidden.
    expect(second).toHaveLength(1);
  });

  it('is refused where a budget never lets a pod go', async () => {
    await expect(planned(api(2))).rejects.toMatchObject({
      code: 'refused',
      exitCode: 18,
      message: "w1: pod shop/a can't be drained: budget shop/cart wants 2 of 2 healthy, so it never lets one go",
    });
  });

  it('says so where the API does not tell', async () => {
    const { stages } = await planned(fakeReader({ answer: () => ({ exitCode: 1, stderr: 'one\nForbidden\n' }) }));
    expect(stages[0]?.steps.flatMap(({ tells = [] }) => tells)).toEqual(['what goes is not known: Forbidden']);
  });

  it('still holds when other pods are there', async () => {
    const plan = await planned(api(1));
    const later = structuredClone(plan);
    for (const step of later.stages[0]?.steps ?? []) if (step.tells) step.tells = ['9 pods go'];
    expect(moved(plan, later)).toEqual([]);
  });
});

it('asks nothing for a plan without drains', async () => {
  const cluster = await labCluster();
  const reader = fakeReader();
  const plan = { stages: [] } as unknown as Plan;
  expect(await withForecasts({ reader, cluster, facts: factsOf(cluster) }, plan)).toBe(plan);
  expect(reader.asked).toEqual([]);
});
