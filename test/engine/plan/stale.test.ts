import { describe, expect, it } from 'vitest';
import type { McpkError } from '../../../src/core/errors.ts';
import { checkHolds, checkInventory, moved } from '../../../src/engine/plan/stale.ts';
import type { HostPlan, Plan, PlannedStep, StagePlan } from '../../../src/engine/types.ts';
import type { Comparison } from '../../../src/resources/types.ts';
import { CHANGED_FLAG, MIXED, NOTHING, stage } from '../../fixtures/plan.ts';

/** The plan with one host's one item told anew. */
function withItem(from: Plan, host: string, ref: string, comparison: Partial<Comparison>): Plan {
  const items = (each: HostPlan): HostPlan['items'] =>
    each.items.map((item) =>
      each.host === host && item.ref === ref
        ? {
            ...item,
            comparison: ('result' in comparison ? comparison : { ...item.comparison, ...comparison }) as Comparison,
          }
        : item,
    );
  return {
    ...from,
    stages: from.stages.map((each) => ({
      ...each,
      hosts: each.hosts.map((own) => ({ ...own, items: items(own) })),
    })),
  };
}

function withStage(from: Plan, more: Partial<StagePlan>): Plan {
  return { ...from, stages: from.stages.map((each, index) => (index === 0 ? { ...each, ...more } : each)) };
}

function thrown(work: () => void): McpkError {
  try {
    work();
  } catch (error) {
    return error as McpkError;
  }
  throw new Error('nothing was thrown');
}

const FILE = 'file:/etc/kubernetes/kube-apiserver.env';
const VIP_ON_M2 = { m1: { machineId: '1' }, m2: { machineId: '2', holdsVip: true as const }, m3: { machineId: '3' } };

describe('a plan made anew', () => {
  it.each(Object.entries({ CHANGED_FLAG, MIXED, NOTHING }))(
    'has not moved when all is as it was: %s',
    (_name, plan) => {
      const later = { ...(JSON.parse(JSON.stringify(plan)) as Plan), created: '2027-01-01T00:00:00.000Z' };
      expect(moved(plan, later)).toEqual([]);
      expect(() => checkHolds(plan, later)).not.toThrow();
    },
  );

  it.each<[string, Plan, string]>([
    [
      'what a change rests on is another',
      withItem(CHANGED_FLAG, 'm2', FILE, { rests: 'z' }),
      `m2 ${FILE}: is not as it was seen (a → z)`,
    ],
    [
      'a change would give something else',
      withItem(CHANGED_FLAG, 'm2', FILE, { hash: 'z' }),
      `m2 ${FILE}: would become another (b → z)`,
    ],
    [
      'a change is done in another way',
      withItem(CHANGED_FLAG, 'm3', 'unit:kube-apiserver.service', { verb: 'start', reasons: ['is failed'] }),
      'm3 unit:kube-apiserver.service: saw to be changed (restart: its environment file changes); is to be changed (start: is failed)',
    ],
    [
      'a change is done already',
      withItem(CHANGED_FLAG, 'm1', FILE, { result: 'unchanged', reason: 'as wanted', hash: 'b' }),
      `m1 ${FILE}: saw to be changed (update: content differs); is as wanted (as wanted)`,
    ],
    [
      'something more differs',
      withItem(CHANGED_FLAG, 'm1', 'sysctl:net.ipv4.ip_forward', {
        result: 'change',
        verb: 'update',
        reasons: ['is 0'],
        hash: '',
        rests: '',
      }),
      'm1 sysctl:net.ipv4.ip_forward: saw as wanted (is 1); is to be changed (update: is 0)',
    ],
    [
      'the VIP is elsewhere, and with it the order',
      { ...withStage(CHANGED_FLAG, { batches: [['m1'], ['m3'], ['m2']] }), hosts: VIP_ON_M2 },
      'api-server: the order was m2 → m3 → m1, is m1 → m3 → m2: the VIP is on m2 now',
    ],
    [
      'the VIP is elsewhere, and other steps are needed',
      { ...withStage(CHANGED_FLAG, { steps: [] }), hosts: VIP_ON_M2 },
      'api-server: other steps are needed: the VIP is on m2 now',
    ],
    [
      'a step of the same name is another command',
      withStage(CHANGED_FLAG, { steps: CHANGED_FLAG.stages[0]!.steps.map((step) => ({ ...step, run: ['reboot'] })) }),
      'api-server: other steps are needed',
    ],
    [
      'a host is another machine',
      { ...CHANGED_FLAG, hosts: { ...CHANGED_FLAG.hosts, m2: { machineId: '9' } } },
      'm2: is another machine (machine-id 2 → 9)',
    ],
    [
      'a host does not answer',
      { ...CHANGED_FLAG, hosts: { m1: { machineId: '1', holdsVip: true }, m2: { machineId: '2' } } },
      'm3: was read then, and is not now',
    ],
    ['etcd is no more what it was', { ...CHANGED_FLAG, etcd: 'forming' }, 'etcd was formed, is forming'],
  ])('has moved when %s', (_name, now, line) => {
    expect(moved(CHANGED_FLAG, now)).toEqual([line]);
    const error = thrown(() => {
      checkHolds(CHANGED_FLAG, now);
    });
    expect([error.code, error.exitCode, error.details]).toEqual(['stale', 17, [line]]);
    expect(error.hint).toContain('Nothing was changed');
  });

  it('of an older mcpk, with no commands of its steps, is none to carry out', () => {
    const steps = [{ batch: 2, when: 'before', title: 'hand the VIP over', on: 'm1' }] as PlannedStep[];
    expect(moved(withStage(CHANGED_FLAG, { steps }), CHANGED_FLAG)).toEqual([
      'api-server: the plan does not hold the commands of its steps, as those of older versions',
    ]);
    expect(moved(NOTHING, NOTHING)).toEqual([]);
  });

  it('has not moved when the VIP is elsewhere and nothing depends on it', () => {
    expect(moved(NOTHING, { ...NOTHING, hosts: VIP_ON_M2 })).toEqual([]);
  });

  it('has moved when something is no longer known later', () => {
    const now = { ...MIXED, stages: MIXED.stages.map((each) => (each.deferred ? stage('network', {}) : each)) };
    expect(moved(MIXED, now)).toEqual(['network: was known after nodes, is known now']);
  });

  it('that finds all done says just that', () => {
    const done = withItem(CHANGED_FLAG, 'm1', FILE, { result: 'unchanged', reason: 'as wanted', hash: 'b' });
    const error = thrown(() => {
      checkHolds(CHANGED_FLAG, { ...done, summary: NOTHING.summary });
    });
    expect([error.exitCode, error.details]).toEqual([17, []]);
    expect(error.message).toContain('done already');
  });

  it('that comes to something else by another version says whose plan it was', () => {
    const error = thrown(() => {
      checkHolds(CHANGED_FLAG, { ...withItem(CHANGED_FLAG, 'm2', FILE, { hash: 'z' }), tool: 'mcpk 0.2.0' });
    });
    expect(error.details[0]).toBe('it was made by mcpk 0.1.0, this is mcpk 0.2.0');
  });
});

it('another inventory is told before any host is asked', () => {
  expect(() => {
    checkInventory(CHANGED_FLAG, { files: ['/elsewhere.yaml'], sha256: 'f' });
  }).not.toThrow();
  const error = thrown(() => {
    checkInventory(CHANGED_FLAG, { files: ['/lab.yaml'], sha256: 'e' });
  });
  expect([error.exitCode, error.message]).toEqual([17, 'the inventory is another one than this plan was made of']);
});
