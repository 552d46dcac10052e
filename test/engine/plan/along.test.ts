import { describe, expect, it } from 'vitest';
import type { Facts, HostFacts } from '../../../src/cluster/facts.ts';
import { withAlong } from '../../../src/engine/plan/along.ts';
import { plan, type PlanInput } from '../../../src/engine/plan/plan.ts';
import type { HostPlan, Plan, PlanItem, Selection } from '../../../src/engine/types.ts';
import { changesOf } from '../../../src/engine/types.ts';
import { execute } from '../../../src/engine/work/execute.ts';
import type { Stage } from '../../../src/states/stage.ts';
import { images } from '../../../src/states/images.ts';
import { nodes } from '../../../src/states/nodes.ts';
import { runtime } from '../../../src/states/runtime.ts';
import { factsOf, hostFacts, labCluster, registered } from '../../states/cluster.ts';
import { fakeHands, fakeState, programOf, type FakeHandsInput } from '../support/fake-hands.ts';
import { CHANGE } from '../support/fake-run.ts';

const cluster = await labCluster(
  'hosts: [{ name: m2, roles: [etcd] }, { name: m3, roles: [etcd] }]\nrollout: { workers: 1 }',
);
const NAMES = ['m1', 'w1', 'w2'];
const LAID: HostFacts['owned'] = ['runtime', 'nodes'].map((stage) => ({
  ref: `unit:${stage}.service`,
  hash: '',
  stage,
}));

/** What a host still lacks: another version of containerd, other lines in its configuration, another minor version or patch of the kubelet. */
type Lacks = 'containerd' | 'config' | 'image' | 'kubelet' | 'patch';

const CONTAINERD: PlanItem[] = [
  {
    ref: 'package:containerd',
    title: 'containerd',
    kind: 'package',
    comparison: { ...CHANGE, irreversible: 'the version before it is not put back' },
  },
];
const CONFIG: PlanItem[] = [
  { ref: 'file:/etc/containerd/config.toml', title: 'config', kind: 'file', comparison: CHANGE },
];
const kubelet = (title: string): PlanItem[] => [
  { ref: `unit:${title}.service`, title, kind: 'unit', comparison: { ...CHANGE, verb: 'restart' } },
];
const ITEMS: Readonly<Record<Lacks, PlanItem[]>> = {
  containerd: CONTAINERD,
  config: CONFIG,
  image: [{ ref: 'command:pull-images', title: 'image', kind: 'command', comparison: { ...CHANGE, verb: 'run' } }],
  kubelet: kubelet('kubelet'),
  patch: kubelet('patch'),
};

/** Nodes as they are, whatever runs did to them. */
class World {
  lacks = new Map<string, Set<Lacks>>();
  cordoned = new Map<string, 'mcpk' | 'other'>();
  /** Hosts that join. */
  fresh = new Set<string>();
  /** Hosts whose containerd is away, and those that are not Ready. */
  dead = new Set<string>();
  sick = new Set<string>();

  constructor(lacks: Readonly<Record<string, readonly Lacks[]>>) {
    for (const [host, all] of Object.entries(lacks)) this.lacks.set(host, new Set(all));
  }

  #facts(): Facts {
    const isOld = (name: string): boolean => this.lacks.get(name)?.has('kubelet') ?? false;
    const known = [...registered(cluster)].filter(([name]) => NAMES.includes(name) && !this.fresh.has(name));
    return factsOf(cluster, {
      hosts: new Map(
        NAMES.map((name) => {
          const runs = this.dead.has(name) ? {} : { containerd: '1.7.24' };
          return [name, hostFacts('', this.fresh.has(name) ? {} : { owned: LAID, runs })];
        }),
      ),
      etcd: 'formed',
      nodes: new Map(
        known.map(([name, node]) => {
          const cordoned = this.cordoned.get(name);
          const kubeletVersion = isOld(name) ? 'v1.36.4' : node.kubeletVersion;
          return [name, { ...node, ready: !this.sick.has(name), kubeletVersion, ...(cordoned ? { cordoned } : {}) }];
        }),
      ),
    });
  }

  planned(selection: Selection = {}): { plan: Plan; stages: readonly Stage[]; facts: Facts } {
    const facts = this.#facts();
    const stage = (...kinds: Lacks[]): HostPlan[] =>
      NAMES.map((host) => ({
        host,
        items: kinds.flatMap((each) => (this.lacks.get(host)?.has(each) ? ITEMS[each] : [])),
      }));
    const compared = {
      byHost: new Map(),
      shared: new Map(),
      stages: new Map([
        ['runtime', stage('containerd', 'config')],
        ['images', stage('image')],
        ['nodes', stage('kubelet', 'patch')],
      ]),
    };
    const asked = { cluster, selection, stages: [{ ...runtime, needs: [] }, images, nodes] };
    const along = withAlong(asked, facts, compared);
    const input: PlanInput = {
      ...{ ...asked, ...along, facts, tree: { hosts: NAMES, stages: [] } },
      ...{ inventory: { files: [], sha256: '' }, tool: 't', now: new Date(0) },
    };
    return { plan: plan(input), stages: along.stages, facts };
  }

  /** Plans from what is there, and carries it out; `killAt`: from that moment on nothing of the run does anything. */
  async run({ killAt = Infinity, ...more }: Partial<FakeHandsInput> & { killAt?: number } = {}): Promise<{
    done: string[];
    failures: string[];
    moments: number;
    plan: Plan;
  }> {
    const { plan: planned, stages, facts } = this.planned();
    let moments = 0;
    const tick = (): void => {
      moments += 1;
      if (moments >= killAt) throw new Error('killed');
    };
    const hands = fakeHands({ facts, before: tick, ...more });
    const of = { ...hands };
    hands.converge = async (stage, host) => {
      await of.converge(stage, host);
      for (const { ref } of changesOf(host)) {
        const [kind] = Object.entries(ITEMS).find(([, items]) => items.some((item) => item.ref === ref)) ?? [];
        this.lacks.get(host.host)?.delete(kind as Lacks);
        tick();
      }
    };
    hands.steps = async (steps, signal) => {
      hands.done.push(...steps.map(({ title }) => title));
      const answers = await of.steps(steps, signal);
      for (const { title, run } of steps) {
        const [verb = '', node = ''] = title.split(' ');
        if (verb === 'cordon' && !run.join(' ').includes('"unschedulable":null')) this.cordoned.set(node, 'mcpk');
        if (run.join(' ').includes('"unschedulable":null')) this.cordoned.delete(node);
      }
      tick();
      return answers;
    };
    const state = fakeState();
    const program = planned.stages.map((each, index) => {
      return { stage: stages[index]!, plan: each, inScope: true, isHeld: false };
    });
    await execute(programOf(planned, program, { cluster }), hands, state);
    const done = hands.done.filter((line) => /^(cordon|drain|uncordon|converge|hold|roll) /.test(line));
    return { done, failures: state.failures.map(({ message }) => message), moments, plan: planned };
  }
}

/** `STAGE: HOST REF…` of all that changes in a batch. */
function changes({ stages }: Plan): string[] {
  return stages.flatMap(({ name, batches, hosts }) =>
    batches.flat().map((host) => {
      const own = hosts.filter((each) => each.host === host).flatMap(changesOf);
      return `${name}: ${[host, ...own.map(({ title }) => title)].join(' ')}`;
    }),
  );
}

const titles = ({ stages }: Plan): string[] => stages.flatMap(({ steps }) => steps.map(({ title }) => title));

const ALL: readonly Lacks[] = ['containerd', 'config', 'kubelet'];

describe('a node of which runtime and kubelet change', () => {
  it('does so in one drain, a master too, and both gates hold before it is let in again', async () => {
    const { done, failures, plan: planned } = await new World({ m1: ALL, w1: ALL, w2: ALL }).run();
    expect(failures).toEqual([]);
    expect(changes(planned)).toEqual(NAMES.map((host) => `nodes: ${host} containerd config kubelet`));
    const each = (name: string): string[] => [
      `cordon ${name}`,
      `drain ${name}`,
      `converge nodes ${name}`,
      `hold containerd ${name} ready for CRI`,
      `hold node ${name} Ready or only the network missing`,
      `uncordon ${name}`,
    ];
    expect(done.slice(0, 12)).toEqual(['m1', 'w1'].flatMap(each));
    expect(done.filter((line) => line.startsWith('drain'))).toEqual(NAMES.map((name) => `drain ${name}`));
  });

  it.each<[string, Readonly<Record<string, readonly Lacks[]>>, string[], string[]]>([
    [
      'a kubelet of the next minor version, and lines of a configuration',
      { w1: ['config', 'kubelet'] },
      ['nodes: w1 config kubelet'],
      ['cordon w1', 'drain w1', 'uncordon w1'],
    ],
    [
      'a patch of both',
      { w1: ['containerd', 'patch'] },
      ['nodes: w1 containerd patch'],
      ['cordon w1', 'drain w1', 'uncordon w1'],
    ],
    ['what drains nobody', { w1: ['config', 'patch'] }, ['nodes: w1 config patch'], []],
    ['a configuration alone', { w1: ['config'] }, ['runtime: w1 config'], []],
    ['containerd alone', { w1: ['containerd'] }, ['runtime: w1 containerd'], ['cordon w1', 'drain w1', 'uncordon w1']],
    ['a kubelet alone', { w1: ['kubelet'] }, ['nodes: w1 kubelet'], ['cordon w1', 'drain w1', 'uncordon w1']],
    [
      'both on one node, one on another',
      { w1: ['containerd', 'kubelet'], w2: ['containerd'] },
      ['runtime: w2 containerd', 'nodes: w1 containerd kubelet'],
      ['cordon w2', 'drain w2', 'uncordon w2', 'cordon w1', 'drain w1', 'uncordon w1'],
    ],
  ])('changes with the other where that does, and in its own stage else: %s', (_what, lacks, changed, steps) => {
    const { plan: planned } = new World(lacks).planned();
    expect(changes(planned)).toEqual(changed);
    expect(titles(planned)).toEqual(steps);
  });

  it.each<[string, Selection, string[]]>([
    ['one stage', { only: new Set(['runtime']) }, ['runtime: w1 containerd', 'runtime: w2 containerd']],
    ['all but one', { skip: new Set(['runtime']) }, ['nodes: w1 kubelet', 'nodes: w2 kubelet']],
    ['one host', { limit: new Set(['w2']) }, ['nodes: w2 containerd kubelet']],
  ])('does not change what was not asked for: %s', (_what, selection, changed) => {
    const both: Lacks[] = ['containerd', 'kubelet'];
    expect(changes(new World({ w1: both, w2: both }).planned(selection).plan)).toEqual(changed);
  });

  it('that joins waits for nobody with its runtime', () => {
    const world = new World({ w1: ['containerd', 'kubelet'], w2: ['containerd', 'kubelet'] });
    world.fresh.add('w2');
    expect(changes(world.planned().plan)).toEqual([
      'runtime: w2 containerd',
      'nodes: w2 kubelet',
      'nodes: w1 containerd kubelet',
    ]);
  });

  it.each(['dead', 'sick'] as const)('has a runtime that is %s mended before it is drained', (how) => {
    const world = new World({ w1: ['config', 'kubelet'], w2: ['config', 'kubelet'] });
    world[how].add('w2');
    expect(changes(world.planned().plan)).toEqual([
      'runtime: w2 config',
      'nodes: w1 config kubelet',
      'nodes: w2 kubelet',
    ]);
  });

  it('does not have what rests on its runtime come before that', () => {
    const world = new World({ w1: ['config', 'kubelet', 'image'], w2: ['config', 'kubelet'] });
    expect(changes(world.planned().plan)).toEqual([
      'runtime: w1 config',
      'images: w1 image',
      'nodes: w1 kubelet',
      'nodes: w2 config kubelet',
    ]);
  });

  it.each(['containerd w1 ready for CRI', 'node w1 Ready or only the network missing'])(
    'goes back as a whole where it is not so that: %s',
    async (title) => {
      const world = new World({ w1: ALL, w2: ALL });
      const { done, failures } = await world.run({ failing: [title] });
      expect(done.filter((line) => !line.startsWith('hold')).slice(0, 3)).toEqual([
        'cordon w1',
        'drain w1',
        'converge nodes w1',
      ]);
      expect(done).toContain('roll back nodes w1');
      expect(done).not.toContain('cordon w2');
      expect(failures[0]).toContain(`${title}: not so after 0 s; w1 went back to what was there before`);
      expect(failures[1]).toBe('nodes: w1 stays cordoned, as it is not seen to be well');
      expect([...world.cordoned]).toEqual([['w1', 'mcpk']]);
    },
  );
});

it('a run that is killed anywhere around such nodes is ended by the next one, and nobody stays cordoned', async () => {
  const all = { m1: ALL, w1: ALL, w2: ALL };
  const { moments } = await new World(all).run();
  let cordoned = 0;
  for (let at = 1; at <= moments; at += 1) {
    const world = new World(all);
    world.cordoned.set('w2', 'other');
    await world.run({ killAt: at });
    cordoned += world.cordoned.size - 1;
    const next = await world.run();
    const lacking = [...world.lacks].filter(([, lacks]) => lacks.size > 0);
    expect([at, next.failures, lacking, [...world.cordoned]]).toEqual([at, [], [], [['w2', 'other']]]);
    const drains = next.done.filter((line) => line.startsWith('drain'));
    expect([at, drains]).toEqual([at, [...new Set(drains)]]);
    const last = await world.run();
    expect([at, last.plan.summary.changes]).toEqual([at, 0]);
  }
  expect(cordoned).toBeGreaterThan(0);
});
