import { expect, it } from 'vitest';
import type { GateCheck } from '../../../src/cluster/gate.ts';
import type { EngineInput } from '../../../src/engine/input.ts';
import { verifyOpened, verifyStage } from '../../../src/engine/runs/verify.ts';
import type { Stage, Step } from '../../../src/states/stage.ts';
import { factsOf, labCluster } from '../../states/cluster.ts';
import { fakeHands } from '../support/fake-hands.ts';

const cluster = await labCluster();
const facts = factsOf(cluster);
const check = (title: string): GateCheck => ({ title, asks: [], deadline: 60, check: () => undefined });
const step = (title: string): Step => ({ title, on: 'm1', run: [title] });
const stage: Stage = { name: 'verify', title: '', needs: [], hosts: () => [], states: () => [] };

async function verified(of: Partial<Stage>, more: { failing?: string[]; exits?: Record<string, number> } = {}) {
  const hands = fakeHands({ facts, ...more });
  const input = { cluster, signal: new AbortController().signal };
  const found = await verifyStage({ input, facts, hands }, { stage: { ...stage, ...of }, hosts: ['m1'] });
  return { done: hands.done, found: found?.map(({ message }) => message) };
}

const active: Partial<Stage> = {
  verify: () => ({
    setup: [step('make')],
    checks: [check('one'), check('two')],
    teardown: [step('clear'), step('away')],
  }),
};

it('what was made for the checks is cleared away, whatever fails', async () => {
  const good = await verified(active);
  expect(good).toEqual({ done: ['make (m1)', 'hold one', 'hold two', 'clear (m1)', 'away (m1)'], found: [] });
  const bad = await verified(active, { failing: ['one'], exits: { clear: 1 } });
  expect(bad.done.toSorted()).toEqual(good.done.toSorted());
  expect(bad.found).toEqual(['verify: one: not so after 0 s']);
  const unmade = await verified(active, { exits: { make: 1 } });
  expect(unmade).toEqual({ done: ['make (m1)', 'clear (m1)', 'away (m1)'], found: ['make on m1: '] });
});

it('a stage without active checks has its gates asked, one without gates has nothing to verify', async () => {
  expect(await verified({ gate: () => [check('well')] }, { failing: ['well'] })).toEqual({
    done: ['hold well'],
    found: ['verify: well: not so after 0 s'],
  });
  expect(await verified({})).toEqual({ done: [], found: undefined });
});

it('hosts on which nothing is fail by that alone, the others are asked', async () => {
  const owned = [{ ref: 'unit:kubelet.service', hash: '', stage: 'nodes' }] as const;
  const hosts = new Map([...facts.hosts].map(([name, own]) => [name, { ...own, owned: name.startsWith('w') ? [] : [...owned] }])); // prettier-ignore
  const hands = fakeHands({ facts });
  const told: string[] = [];
  const gates = { ...stage, hosts: () => cluster.hosts, gate: ({ hosts: asked }: { hosts: readonly string[] }) => asked.map(check) }; // prettier-ignore
  const input = {
    cluster,
    stages: [gates],
    selection: {},
    signal: new AbortController().signal,
    emit: (event: { type: string; title?: string }) => told.push(`${event.type}: ${event.title ?? ''}`),
  } as unknown as EngineInput;
  const { failures, stages } = await verifyOpened({ input, facts: { ...facts, hosts }, hands, since: () => 0 });
  expect(hands.done.toSorted()).toEqual(['hold m1', 'hold m2', 'hold m3']);
  expect(failures.map(({ code, host, message }) => [code, host, message])).toEqual(
    ['w1', 'w2'].map((name) => ['gate', name, `nothing of mcpk is on ${name}`]),
  );
  expect(told).toEqual(['gate: nothing of mcpk is on w1', 'gate: nothing of mcpk is on w2']);
  expect(stages).toMatchObject([{ hosts: ['m1', 'm2', 'm3'], status: 'unchanged' }]);
});
