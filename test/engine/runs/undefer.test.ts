import { describe, expect, it, vi } from 'vitest';
import type { Facts, NodeFacts, OwnedEntry } from '../../../src/cluster/facts.ts';
import { plan, type PlanInput } from '../../../src/engine/plan/plan.ts';
import type { Planned } from '../../../src/engine/runs/assemble.ts';
import { backwards } from '../../../src/engine/runs/rollback.ts';
import { undefer } from '../../../src/engine/runs/undefer.ts';
import type { Plan, StagePlan } from '../../../src/engine/types.ts';
import type { Stage } from '../../../src/states/stage.ts';
import { nodes } from '../../../src/states/nodes.ts';
import { factsOf, labCluster, registered } from '../../states/cluster.ts';
import { fakeReader, httpAnswer, pathOf } from '../support/fake-reader.ts';
import { CHANGE, runOf } from '../support/fake-run.ts';

const cluster = await labCluster();
const OLD = 'v1.36.4';
const LAID: OwnedEntry[] = [{ ref: 'unit:kubelet.service', hash: 'h', stage: 'nodes' }];
const item = { ref: 'unit:kubelet.service', title: '', kind: 'unit' };

interface Given {
  owned?: OwnedEntry[];
  nodes?: ReadonlyMap<string, NodeFacts>;
  changed?: readonly string[];
  stages?: readonly Stage[];
}

/** Of the stage `nodes` where no API server has answered, but for those `nodes`. */
function planOf({ owned = LAID, nodes: known, changed = ['m1', 'w1', 'w2'], stages = [nodes] }: Given): {
  input: PlanInput;
  plan: Plan;
  stage: StagePlan;
} {
  const facts: Facts = factsOf(cluster, { etcd: 'formed', ...(known ? { nodes: known } : {}) }, { owned });
  const hosts = cluster.hosts.map(({ name }) => ({
    host: name,
    items: changed.includes(name) ? [{ ...item, comparison: { ...CHANGE, verb: 'restart' as const } }] : [],
  }));
  const input: PlanInput = {
    cluster,
    facts,
    stages,
    tree: { hosts: [], stages: [] },
    comparisons: { byHost: new Map(), shared: new Map(), stages: new Map([['nodes', hosts]]) },
    selection: {},
    inventory: { files: [], sha256: '' },
    tool: 't',
    now: new Date(0),
  };
  const made = plan(input);
  return { input, plan: made, stage: made.stages[0]! };
}

/** The stage as it is planned in the run, with an API server that answers so; and how often it is asked. */
async function later(from: ReturnType<typeof planOf>, status: number): Promise<{ stage: StagePlan; asked: number }> {
  const items = [...registered(cluster, OLD).values()].map(({ name, kubeletVersion }) => ({
    metadata: { name },
    spec: {},
    status: { nodeInfo: { kubeletVersion } },
  }));
  const reader = fakeReader({
    answer: (ask) => (pathOf(ask)?.startsWith('/api/v1/nodes') ? httpAnswer(status, { items }) : httpAnswer(404)),
  });
  const means = { ...runOf({}).means, cluster, facts: from.input.facts, reader };
  const planned = { plan: from.plan, tree: from.input.tree, planInput: from.input } as Planned;
  const stage = await undefer(planned, means, nodes);
  return { stage, asked: reader.asked.length };
}

const titles = ({ steps }: StagePlan): string[] => steps.map((step) => step.title);
const drained = (name: string): string[] => [`cordon ${name}`, `drain ${name}`, `uncordon ${name}`];

describe('nodes that stand, while no API server answers', () => {
  it('change in an order and with steps that are known once one does, and the plan says so', async () => {
    const before = planOf({});
    expect(before.stage).toMatchObject({ batches: [], steps: [], deferred: { until: 'api-access' } });
    expect(before.plan.summary).toMatchObject({ changes: 3, hosts: 3, restarts: 3, deferred: 1 });
    const { stage, asked } = await later(before, 200);
    expect(stage.deferred).toBeUndefined();
    expect(stage.batches).toEqual([['m1'], ['w1'], ['w2']]);
    expect(titles(stage)).toEqual(['m1', 'w1', 'w2'].flatMap(drained));
    // Their resources were compared when the plan was made: nothing else is asked.
    expect(asked).toBe(1);
  });

  it('are not touched where none answers in the run either, which it waits for', async () => {
    vi.useFakeTimers();
    try {
      const ended = expect(later(planOf({}), 503)).rejects.toThrow(
        'nodes: an API server tells its nodes: not so after 90 s',
      );
      await vi.advanceTimersByTimeAsync(91_000);
      await ended;
    } finally {
      vi.useRealTimers();
    }
  });

  it('wait also where nothing of them changes: a run before may have left a cordon', () => {
    const { plan: made } = planOf({ changed: [] });
    expect(made.summary).toMatchObject({ changes: 0, hosts: 0, deferred: 1 });
  });

  it('go back without waiting: what is broken may be the API servers, which go back after them', () => {
    const { stage } = planOf({ stages: backwards([nodes], new Set(['nodes'])) });
    expect(stage).toMatchObject({ batches: [['m1'], ['w1'], ['w2']] });
    expect(stage.deferred).toBeUndefined();
  });
});

it('nodes that are to come wait for no API server', () => {
  const { stage, plan: made } = planOf({ owned: [] });
  expect(stage).toMatchObject({ batches: [['m1', 'w1', 'w2']], steps: [] });
  expect(made.summary.deferred).toBe(0);
});

it('nodes that are known do not wait', () => {
  const { stage } = planOf({ nodes: registered(cluster, OLD) });
  expect(titles(stage)).toEqual(['m1', 'w1', 'w2'].flatMap(drained));
});
