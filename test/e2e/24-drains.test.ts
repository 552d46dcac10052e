import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FULL } from '../support/tier.ts';
import { kubectl, mcpk, overlay } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';
import { belowBudget, budget, lay, layWorkloads, lonely, SHOP } from './support/workloads.ts';

startFrom('ready', { leaves: 'ready' });

const drain = (...overlays: string[]): ReturnType<typeof mcpk> => mcpk(['node', 'drain', 'w1', '--yes'], overlays);

const inShop = (...args: string[]): Promise<string> => kubectl('--namespace', SHOP, ...args);

const isCordoned = async (): Promise<boolean> =>
  (await kubectl('get', 'node', 'w1', '-o', 'jsonpath={.spec.unschedulable}')) === 'true';

const podsOn = async (node: string): Promise<string> =>
  inShop('get', 'pods', '-o', 'name', `--field-selector=spec.nodeName=${node}`);

describe.runIf(FULL)('a node that is drained', () => {
  beforeAll(async () => layWorkloads());
  afterAll(async () => {
    await kubectl('delete', 'namespace', SHOP, '--wait');
    await kubectl('uncordon', 'w1');
  });

  it('is refused with a pod that nothing would make anew, which stays', async () => {
    await lay(lonely('w1'));
    const { code, stderr } = await drain();
    expect(code, stderr).toBe(18);
    expect(stderr).toContain(`pod ${SHOP}/lonely can't be drained`);
    expect(await podsOn('w1')).toContain('pod/lonely');
    expect(await isCordoned()).toBe(false);
  });

  it.each([
    ['a budget that never allows it', [budget('fixed', 'cache', { maxUnavailable: 0 })], `budget ${SHOP}/fixed`],
    [
      'two budgets about one pod',
      ['one', 'two'].map((name) => budget(name, 'cache', { maxUnavailable: 1 })),
      'several budgets',
    ],
  ])('is refused with %s, named with the pod', async (_name, budgets, said) => {
    await inShop('delete', 'pod', 'lonely', '--ignore-not-found');
    await lay(...budgets);
    // Until its controller has counted, a budget allows nothing, and is about no pod.
    const counted = `jsonpath={.items[?(@.metadata.name!="cart")].status.expectedPods}`;
    await expect
      .poll(async () => (await inShop('get', 'poddisruptionbudgets', '-o', counted)).split(' ').length, {
        timeout: 30_000,
      })
      .toBe(budgets.length);
    const { code, stderr } = await drain();
    await inShop('delete', 'poddisruptionbudgets', 'fixed', 'one', 'two', '--ignore-not-found');
    expect(code, stderr).toBe(18);
    expect(stderr).toContain(`pod ${SHOP}/cache-0 can't be drained`);
    expect(stderr).toContain(said);
    expect(await isCordoned()).toBe(false);
  });

  it('is let in again when a pod does not go in time', async () => {
    await lay(lonely('w1', 'stuck', { finalizers: ['example.org/stays'] }));
    const { code, stderr } = await drain(await overlay('rollout: { drain: { timeout: 10, unmanaged: delete } }\n'));
    await inShop('patch', 'pod', 'stuck', '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
    expect(code, stderr).toBe(15);
    expect(await isCordoned()).toBe(false);
  });

  it('loses its pods but for those of DaemonSets, within their budgets', async () => {
    await lay(lonely('w1'));
    const deleting = await overlay('rollout: { drain: { unmanaged: delete } }\n');
    const below = await belowBudget(async () => {
      const { code, stderr, stdout } = await drain(deleting);
      expect(code, stderr).toBe(0);
      expect(stdout + stderr).toMatch(/w1: \d+ pods go, \d+ of DaemonSets or static stay, 1 lose an emptyDir/);
    });
    expect(below).toEqual([]);
    expect((await podsOn('w1')).trim()).toMatch(/^pod\/agent-\w+$/);
    expect(await isCordoned()).toBe(true);
  });
});
