import { describe, expect, it, vi } from 'vitest';
import type { Facts, NodeFacts, OwnedEntry } from '../../../src/cluster/facts.ts';
import type { EngineInput } from '../../../src/engine/input.ts';
import { compare } from '../../../src/engine/plan/compare.ts';
import { compile } from '../../../src/engine/plan/compile.ts';
import { plan, type PlanInput } from '../../../src/engine/plan/plan.ts';
import type { Planned } from '../../../src/engine/runs/assemble.ts';
import { backwards } from '../../../src/engine/plan/backwards.ts';
import { undefer } from '../../../src/engine/runs/undefer.ts';
import type { Plan, StagePlan } from '../../../src/engine/types.ts';
import type { Stage } from '../../../src/states/stage.ts';
import { nodes } from '../../../src/states/nodes.ts';
import { anyArtifact, factsOf, labCluster, registered } from '../../states/cluster.ts';
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
  const planned = { plan: from.plan, planInput: from.input } as Planned;
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

describe('a stage of the API', () => {
  const id = 'v1/ConfigMap/kube-system/greeting';
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'greeting', namespace: 'kube-system' } };
  const greetings: Stage = {
    name: 'greetings',
    title: 'Greetings',
    api: true,
    needs: [],
    hosts: () => cluster.hosts,
    states: () => [{ kind: 'kubeObject', id, object }],
  };

  /** It is planned again by an API server that tells its nodes, and of the object says so, one time after the other. */
  async function planned(...said: ('silence' | 404)[]): Promise<{ stage: StagePlan; looks: number }> {
    const facts: Facts = factsOf(cluster, { etcd: 'formed' });
    const emit = vi.fn();
    const signal = new AbortController().signal;
    const input = { cluster, stages: [greetings], manifests: new Map(), emit, signal } as unknown as EngineInput;
    const tree = compile({ cluster, facts, stages: [greetings], artifacts: anyArtifact, manifests: new Map() });
    let looks = 0;
    const reader = fakeReader({
      answer: (ask) => {
        if (pathOf(ask)?.startsWith('/api/v1/nodes')) return httpAnswer(200, { items: [] });
        if (!pathOf(ask)?.endsWith('/greeting')) return httpAnswer(404);
        looks += 1;
        return said[Math.min(looks, said.length) - 1] === 404 ? httpAnswer(404) : { exitCode: 1 };
      },
    });
    const compareInput = { tree, observed: new Map(), facts: facts.hosts, apiOwned: new Map(), now: new Date(0) };
    const comparisons = compare(compareInput);
    const planInput: PlanInput = { cluster, facts, stages: [greetings], tree, comparisons, selection: {}, inventory: { files: [], sha256: '' }, tool: 't', now: new Date(0) }; // prettier-ignore
    const from = { input, compareInput, planInput, plan: plan(planInput), opened: { reader } };
    const means = { ...runOf({}).means, cluster, facts, reader, comparisons };
    return { stage: await undefer(from as unknown as Planned, means, greetings), looks };
  }

  /** As long as it takes, in no time. */
  async function hurried<T>(work: () => Promise<T>): Promise<T> {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    try {
      let isOver = false;
      const doing = work().finally(() => (isOver = true));
      doing.catch(() => undefined);
      while (!isOver) {
        await vi.advanceTimersByTimeAsync(500);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return await doing;
    } finally {
      vi.useRealTimers();
    }
  }

  it('is planned once its server tells of all kinds, which may be after it tells its nodes', async () => {
    const { stage, looks } = await hurried(() => planned('silence', 'silence', 404));
    expect(stage.deferred).toBeUndefined();
    expect(stage.hosts.flatMap(({ items }) => items.map(({ comparison }) => comparison.result))).toEqual(['change']);
    expect(looks).toBe(3);
  });

  it('is not known where it never does', async () => {
    await expect(hurried(() => planned('silence'))).rejects.toThrow('greetings: still not known');
  });
});
