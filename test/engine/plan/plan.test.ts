import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Facts } from '../../../src/cluster/facts.ts';
import { plan } from '../../../src/engine/plan/plan.ts';
import { stagesInScope } from '../../../src/engine/runs/in-scope.ts';
import { API } from '../../../src/core/places.ts';
import type { HostPlan, Plan, PlanItem, Selection, StagePlan } from '../../../src/engine/types.ts';
import type { Cluster } from '../../../src/inventory/types.ts';
import type { Change, Verb } from '../../../src/resources/types.ts';
import { STAGES } from '../../../src/states/index.ts';
import { factsOf, labCluster, registered } from '../../states/cluster.ts';

/** Three masters and four workers, two of which may change at a time. */
const cluster = await labCluster(
  'hosts: [{ name: w3, address: 10.77.0.23, roles: [worker] }, { name: w4, address: 10.77.0.24, roles: [worker] }]\n' +
    'rollout: { workers: 50% }',
);
const MASTERS = ['m1', 'm2', 'm3'];
const WORKERS = ['w1', 'w2', 'w3', 'w4'];

type Seen = Verb | 'unchanged' | 'deferred';

/** What is seen of some resources of one host; units alone restart, the others are files. */
function hostPlan(host: string, ...seen: Seen[]): HostPlan {
  return {
    host,
    items: seen.map((each, index): PlanItem => {
      const kind = each === 'restart' || each === 'reload' ? 'unit' : 'file';
      const head = { ref: `${kind}:/${String(index)}`, title: '', kind };
      if (each === 'unchanged') return { ...head, comparison: { result: each, reason: '', hash: '' } };
      if (each === 'deferred') return { ...head, comparison: { result: each, until: 'nodes', why: 'no API' } };
      return { ...head, comparison: { result: 'change', verb: each, reasons: [], hash: '', rests: '' } };
    }),
  };
}

interface Given {
  facts?: Facts;
  selection?: Selection;
  deferred?: string[];
}

/** The plan of the real stages, of which `differences` are what the comparison found. */
function planned(differences: Record<string, HostPlan[]>, { facts, selection, deferred = [] }: Given = {}): Plan {
  return plan({
    cluster,
    facts: facts ?? factsOf(cluster),
    stages: STAGES,
    tree: {
      hosts: cluster.hosts.map((host) => host.name),
      stages: deferred.map((name) => ({
        name,
        title: '',
        needs: [],
        hosts: [],
        deferred: { until: 'nodes', why: '' },
      })),
    },
    comparisons: { byHost: new Map(), shared: new Map(), stages: new Map(Object.entries(differences)) },
    selection: selection ?? {},
    inventory: { files: ['/lab.yaml'], sha256: '0' },
    tool: 'test',
    now: new Date(0),
  });
}

function stageOf(from: Plan, name: string): StagePlan {
  const found = from.stages.find((stage) => stage.name === name);
  if (!found) throw new Error(`no stage ${name}`);
  return found;
}

/** Batches of one stage of which `changed` hosts differ. */
function batches(stage: string, changed: readonly string[], facts: Facts): string[][] {
  return stageOf(planned({ [stage]: changed.map((host) => hostPlan(host, 'update')) }, { facts }), stage).batches;
}

interface Standing {
  holder: string | undefined;
  leader: string | undefined;
  /** Masters whose API server listens. */
  serving: readonly string[];
  /** Members with data. */
  members: readonly string[];
  nodes: readonly string[];
}

/** Facts of a cluster that formed. */
function factsWith({ holder, leader, serving, members, nodes }: Standing, over: Partial<Facts> = {}): Facts {
  const facts = factsOf(cluster, {
    etcd: 'formed',
    ...(leader === undefined ? {} : { standing: { etcd: members, apiServers: MASTERS, etcdLeader: leader } }),
  });
  const owned = [{ ref: 'unit:kube-apiserver.service', hash: '', stage: 'api-server' }];
  return {
    ...facts,
    hosts: new Map(
      [...facts.hosts].map(([name, own]) => [
        name,
        {
          ...own,
          holdsVip: name === holder,
          etcdData: members.includes(name),
          ...(serving.includes(name) ? { owned, ports: [cluster.apiServer.port] } : {}),
        },
      ]),
    ),
    nodes: new Map([...registered(cluster)].filter(([name]) => nodes.includes(name))),
    ...over,
  };
}

const someMasters = fc.shuffledSubarray(MASTERS, { minLength: 1 });
const someHosts = fc.shuffledSubarray([...MASTERS, ...WORKERS], { minLength: 1 });
const standing: fc.Arbitrary<Standing> = fc.record({
  holder: fc.option(fc.constantFrom(...MASTERS), { nil: undefined }),
  leader: fc.option(fc.constantFrom(...MASTERS), { nil: undefined }),
  serving: fc.subarray(MASTERS),
  members: fc.subarray(MASTERS),
  nodes: fc.subarray([...MASTERS, ...WORKERS]),
});

describe('the batches', () => {
  it('of every stage have each changed host once, and no other, whatever stands', () => {
    const rolled = STAGES.filter((stage) => !stage.api).map((stage) => stage.name);
    const etcd = fc.constantFrom<Facts['etcd']>('none', 'forming', 'formed');
    fc.assert(
      fc.property(fc.constantFrom(...rolled), someHosts, standing, etcd, (stage, hosts, state, formed) => {
        const all = STAGES.find((each) => each.name === stage)?.hosts(cluster) ?? [];
        const changed = hosts.filter((host) => all.some((each) => each.name === host));
        const found = batches(stage, changed, factsWith(state, { etcd: formed }));
        expect(found.flat().toSorted()).toEqual(changed.toSorted());
        expect(found.filter((batch) => batch.length === 0)).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  it.each(['api-server', 'controllers', 'haproxy', 'keepalived'])(
    'of %s never have two masters of a cluster that serves; who holds the VIP goes last',
    (stage) => {
      const serves = standing.filter(({ holder, serving }) => holder !== undefined && serving.length > 0);
      fc.assert(
        fc.property(someMasters, serves, (changed, state) => {
          const found = batches(stage, changed, factsWith(state));
          expect(found.map((batch) => batch.length)).toEqual(changed.map(() => 1));
          if (changed.includes(state.holder ?? '')) expect(found.at(-1)).toEqual([state.holder]);
        }),
      );
    },
  );

  it.each([
    ['api-server', { serving: [] }],
    ['controllers', { serving: [] }],
    ['haproxy', { holder: undefined }],
    ['keepalived', { holder: undefined }],
  ] as const)('of %s are one while there is nobody to serve', (stage, nobody) => {
    fc.assert(
      fc.property(someMasters, standing, (changed, state) => {
        const { nodes: _told, ...silent } = factsWith({ ...state, ...nobody });
        expect(batches(stage, changed, silent)).toEqual([changed]);
      }),
    );
  });

  it('of an etcd that formed are one member each: without data first, the leader last', () => {
    fc.assert(
      fc.property(someMasters, standing, (changed, state) => {
        const found = batches('etcd', changed, factsWith(state));
        expect(found.map((batch) => batch.length)).toEqual(changed.map(() => 1));
        const order = found.flat();
        const replaced = order.filter((host) => !state.members.includes(host));
        expect(order.slice(0, replaced.length)).toEqual(replaced);
        // Who leads is asked only when it matters; where nobody answered, the VIP's holder is taken for it.
        const last = state.leader ?? state.holder;
        if (last !== undefined && changed.includes(last) && state.members.includes(last))
          expect(order.at(-1)).toBe(last);
      }),
    );
  });

  it.each(['none', 'forming'] as const)('of an etcd that is %s are one: nobody is ready alone', (etcd) => {
    fc.assert(
      fc.property(someMasters, standing, (changed, state) => {
        expect(batches('etcd', changed, factsWith(state, { etcd }))).toEqual([changed]);
      }),
    );
  });

  it.each(['runtime', 'nodes', 'network'])(
    'of %s: newcomers at once, masters one by one, then workers as the rollout allows',
    (stage) => {
      fc.assert(
        fc.property(someHosts, standing, (changed, state) => {
          const found = batches(stage, changed, factsWith(state));
          const fresh = changed.filter((host) => !state.nodes.includes(host));
          const masters = changed.filter((host) => !fresh.includes(host) && MASTERS.includes(host));
          const workers = changed.filter((host) => !fresh.includes(host) && WORKERS.includes(host));
          const sizes = [fresh.length, ...masters.map(() => 1), Math.min(workers.length, 2), workers.length - 2];
          expect(found.map((batch) => batch.length)).toEqual(sizes.filter((size) => size > 0));
          expect(found.flat().slice(0, fresh.length)).toEqual(fresh);
          expect(found.flat().slice(fresh.length + masters.length)).toEqual(workers);
          if (masters.includes(state.holder ?? ''))
            expect(found.flat()[fresh.length + masters.length - 1]).toBe(state.holder);
        }),
      );
    },
  );

  it('say why the last one is last', () => {
    const facts = factsWith({ holder: 'm1', leader: 'm1', serving: MASTERS, members: MASTERS, nodes: [] });
    const differences = { 'api-server': MASTERS.map((host) => hostPlan(host, 'update')) };
    expect(stageOf(planned(differences, { facts }), 'api-server').order).toBe(
      'm2 → m3 → m1 (m1 holds the VIP, so it goes last)',
    );
  });

  it('leave out who does not change', () => {
    const differences = {
      artifacts: [hostPlan('m1', 'unchanged'), hostPlan('m2', 'create'), hostPlan('m3', 'deferred')],
    };
    const { batches: found, hosts } = stageOf(planned(differences), 'artifacts');
    expect([found, hosts.map((host) => host.host)]).toEqual([[['m2']], ['m1', 'm2', 'm3']]);
  });
});

describe('a stage that drains', () => {
  const moved: PlanItem = {
    ...{ ref: 'package:containerd', title: '', kind: 'package' },
    comparison: { result: 'change', verb: 'update', reasons: [], hash: '', rests: '', irreversible: 'no way back' },
  };
  const needed = ['artifacts', 'system', 'api-access', 'controllers', 'keepalived'];
  const laid = [{ ref: 'unit:kubelet.service', hash: 'h', stage: 'nodes' }];

  it.each<[string, Facts, PlanItem[], string[], string[][]]>([
    ['of nodes', factsOf(cluster, { nodes: registered(cluster) }, { owned: laid }), [moved], needed, [['w1']]],
    ['of nothing', factsOf(cluster, { nodes: registered(cluster) }, { owned: laid }), [], needed.slice(0, 2), [['w1']]],
    ['of a bring-up', factsOf(cluster), [moved], needed.slice(0, 2), [['w1']]],
    ['of nobody knows which', factsOf(cluster, {}, { owned: laid }), [moved], needed, []],
    ['of nothing, whoever answers', factsOf(cluster, {}, { owned: laid }), [], needed.slice(0, 2), [['w1']]],
  ])('needs the API to itself for it: drains %s', (_name, facts, items, needs, batches) => {
    const change = hostPlan('w1', 'update');
    const { stages } = planned({ runtime: [{ host: 'w1', items: [...change.items, ...items] }] }, { facts });
    expect(stages.find(({ name }) => name === 'runtime')).toMatchObject({ needs, batches });
    // With --only the gates of what it needs must hold, too.
    const scope = stagesInScope({ stages, selection: { only: new Set(['runtime']) } });
    expect(scope.has('controllers')).toBe(needs === needed);
  });
});

describe('a selection', () => {
  const ALL = [...MASTERS, ...WORKERS];
  const DIFFERENCES: Record<string, HostPlan[]> = {
    artifacts: ALL.map((host) => hostPlan(host, 'create')),
    etcd: MASTERS.map((host) => hostPlan(host, 'restart')),
    'api-access': [hostPlan(API, 'create')],
    nodes: ALL.map((host) => hostPlan(host, 'restart')),
    addons: [hostPlan(API, 'create')],
  };
  const touched = (from: Plan): Record<string, string[]> =>
    Object.fromEntries(
      from.stages.flatMap(({ name, batches: found }) => (found.length > 0 ? [[name, found.flat().toSorted()]] : [])),
    );

  it.each<[string, Selection, Record<string, string[]>]>([
    [
      '--limit with a master takes the API along',
      { limit: new Set(['m2', 'w1']) },
      { artifacts: ['m2', 'w1'], etcd: ['m2'], 'api-access': [API], nodes: ['m2', 'w1'], addons: [API] },
    ],
    ['--limit without one leaves the API alone', { limit: new Set(['w1']) }, { artifacts: ['w1'], nodes: ['w1'] }],
    ['--only is these stages', { only: new Set(['etcd', 'addons']) }, { etcd: MASTERS, addons: [API] }],
    ['--skip is the others', { skip: new Set(['artifacts', 'nodes', 'addons', 'api-access']) }, { etcd: MASTERS }],
    [
      '--skip is stronger than --only',
      { only: new Set(['etcd', 'nodes']), skip: new Set(['nodes']) },
      { etcd: MASTERS },
    ],
    ['--only and --limit hold both', { only: new Set(['etcd']), limit: new Set(['m1', 'w1']) }, { etcd: ['m1'] }],
  ])('%s', (_name, selection, expected) => {
    expect(touched(planned(DIFFERENCES, { selection }))).toEqual(expected);
  });

  it('changes nothing outside of it, and all that differs inside', () => {
    const names = Object.keys(DIFFERENCES);
    const set = (of: readonly string[]): fc.Arbitrary<Set<string> | undefined> =>
      fc.option(
        fc.subarray([...of]).map((each) => new Set(each)),
        { nil: undefined },
      );
    fc.assert(
      fc.property(set(ALL), set(names), set(names), (limit, only, skip) => {
        const selection = { ...(limit && { limit }), ...(only && { only }), ...(skip && { skip }) };
        const hosts = (name: string): string[] =>
          (DIFFERENCES[name] ?? [])
            .map(({ host }) => host)
            .filter((host) => !limit || (host === API ? MASTERS.some((master) => limit.has(master)) : limit.has(host)));
        const expected = names
          .filter((name) => (!only || only.has(name)) && !skip?.has(name) && hosts(name).length > 0)
          .map((name) => [name, hosts(name).toSorted()]);
        const found = planned(DIFFERENCES, { selection });
        expect(touched(found)).toEqual(Object.fromEntries(expected));
        expect(found.summary.changes).toBe(expected.flatMap(([, places]) => places).length);
      }),
    );
  });

  it.each<[string, Selection, string[]]>([
    ['none', {}, ['network', 'addons']],
    ['--only another stage', { only: new Set(['etcd']) }, []],
    ['--skip', { skip: new Set(['network']) }, ['addons']],
    ['--limit to a worker', { limit: new Set(['w1']) }, ['network']],
    ['--limit to a master', { limit: new Set(['m1']) }, ['network', 'addons']],
  ])('shows the deferred stages that it has: %s', (_name, selection, expected) => {
    const found = planned({}, { selection, deferred: ['network', 'addons'] });
    expect(found.stages.filter((stage) => stage.deferred).map((stage) => stage.name)).toEqual(expected);
    expect(found.summary.deferred).toBe(expected.length);
  });
});

describe('the summary', () => {
  it('counts changes by what they do, hosts once, and what is known later', () => {
    const { summary } = planned({
      artifacts: [hostPlan('m1', 'create', 'unchanged'), hostPlan('w1', 'unchanged')],
      etcd: [hostPlan('m1', 'update', 'restart'), hostPlan('m2', 'restart', 'remove')],
      haproxy: [hostPlan('m3', 'reload', 'unchanged')],
      // The API is no host.
      addons: [hostPlan(API, 'create')],
    });
    expect(summary).toEqual({
      changes: 7,
      hosts: 3,
      restarts: 2,
      reloads: 1,
      removals: 1,
      unchanged: 3,
      deferred: 0,
    });
  });

  it('counts objects that are known later one by one, and a stage that is known later as one', () => {
    const later = { addons: [hostPlan(API, 'deferred', 'deferred', 'deferred')] };
    const found = planned(later, { deferred: ['network'] });
    expect(found.summary.deferred).toBe(4);
    expect(stageOf(found, 'addons').deferred).toEqual({ until: 'calico', why: 'no API' });
  });

  it('of nothing is nothing', () => {
    expect(Object.values(planned({}).summary)).toEqual([0, 0, 0, 0, 0, 0, 0]);
  });
});

describe('steps', () => {
  it('are kept with what is carried out, those for a held gate too', () => {
    const { steps } = stageOf(
      planned({ etcd: [hostPlan('m1', 'update')] }, { facts: factsOf(cluster, { etcd: 'none' }) }),
      'etcd',
    );
    expect(steps).toEqual([
      expect.objectContaining({ batch: 0, when: 'held', on: 'm1', title: 'note on m1 that etcd has formed' }),
    ]);
    expect(steps[0]?.run.slice(0, 2)).toEqual(['sed', '-i']);
  });

  const facts = (of: Cluster): Facts => {
    const made = factsWith({ holder: 'm2', leader: 'm1', serving: MASTERS, members: MASTERS, nodes: [] });
    const owned = ['kube-apiserver', 'keepalived'].map((name) => ({
      ref: `unit:${name}.service`,
      hash: '',
      stage: '',
    }));
    return { ...made, hosts: new Map(of.hosts.map(({ name }) => [name, { ...made.hosts.get(name)!, owned }])) };
  };
  const haproxyUnit = (verb: 'restart' | 'reload'): HostPlan[] =>
    MASTERS.map((host) => ({
      host,
      items: hostPlan(host, verb).items.map((item) => ({ ...item, ref: 'unit:haproxy.service' })),
    }));

  it.each([
    ['restart', [[2, 'before', 'm2'], [2, 'after', 'm2']]], // prettier-ignore
    ['reload', []],
  ] as const)('stand with their batch, and only where a unit restarts: %s', (verb, expected) => {
    const { steps } = stageOf(planned({ haproxy: haproxyUnit(verb) }, { facts: facts(cluster) }), 'haproxy');
    expect(steps.map(({ batch, when, on }) => [batch, when, on])).toEqual(expected);
    expect(steps.map(({ run, undo }) => [run[1], undo?.[1]])).toEqual(
      expected.map(([, when]) => (when === 'before' ? ['stop', 'start'] : ['start', undefined])),
    );
  });
});

it.each<[string, Partial<Change>, string[]]>([
  ['gets another version', { irreversible: 'not put back' }, ['cordon w1', 'drain w1', 'uncordon w1']],
  ['is only held from now on', {}, []],
])('drains a node of which containerd %s', (_name, more, titles) => {
  const comparison = { result: 'change' as const, verb: 'update' as const, reasons: [], hash: '', rests: '', ...more };
  const items = [{ ref: 'package:containerd', title: 'containerd', kind: 'package', comparison }];
  const found = planned(
    { runtime: [{ host: 'w1', items }] },
    { facts: factsOf(cluster, { nodes: registered(cluster) }) },
  );
  const steps = found.stages.find(({ name }) => name === 'runtime')?.steps ?? [];
  expect(steps.map(({ title }) => title)).toEqual(titles);
});
