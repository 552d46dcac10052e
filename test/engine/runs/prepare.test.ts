import { describe, expect, it } from 'vitest';
import type { Answer, Ask } from '../../../src/cluster/gate.ts';
import type { Facts } from '../../../src/cluster/facts.ts';
import type { EngineInput } from '../../../src/engine/input.ts';
import { noteLine } from '../../../src/engine/past/journal-lines.ts';
import { owedWords } from '../../../src/engine/past/owed-lines.ts';
import { prepare, type Prepared } from '../../../src/engine/runs/prepare.ts';
import { McpkError } from '../../../src/core/errors.ts';
import { API } from '../../../src/core/places.ts';
import type { Event } from '../../../src/engine/types.ts';
import type { KubeObjectResource } from '../../../src/resources/types.ts';
import type { Stage } from '../../../src/states/stage.ts';
import { anyArtifact, factsOf, hostFacts, labCluster } from '../../states/cluster.ts';
import { fakeReader, httpAnswer, pathOf, type FakeReader } from '../support/fake-reader.ts';
import { fakeFleet } from '../support/fake-fleet.ts';

const cluster = await labCluster();
const hosts = cluster.hosts.map(({ name }) => name);

function stageOf(name: string, more: Partial<Stage> = {}): Stage {
  return { name, title: name, needs: [], hosts: () => cluster.hosts, states: () => [], ...more };
}

/** On m1 alone, where its file is missing. */
const system = stageOf('system', {
  hosts: () => cluster.hosts.slice(0, 1),
  states: () => [{ kind: 'file', path: '/etc/a', content: 'x', mode: '0644', owner: 'root', group: 'root' }],
});

const MAP: KubeObjectResource = {
  kind: 'kubeObject',
  id: 'v1/ConfigMap/a/x',
  object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'a' }, data: { is: 'new' } },
};
const addons = stageOf('addons', { api: true, needs: ['system'], states: () => [MAP] });

const LIVE = '/api/v1/namespaces/a/configmaps/x';
const OWNED = '/api/v1/namespaces/kube-system/configmaps/mcpk-owned';
const NODES = '/api/v1/nodes?limit=250';
const NODE = { metadata: { name: 'm1' }, spec: {}, status: { nodeInfo: { kubeletVersion: 'v1.37.1' } } };
const ABSENT = httpAnswer(404, { kind: 'Status', details: { name: 'x', kind: 'configmaps' } });

/** An API server that has these, by path. */
const apiWith =
  (objects: Readonly<Record<string, unknown>>) =>
  (ask: Ask): Partial<Answer> => {
    const body = objects[pathOf(ask) ?? ''];
    return body === undefined ? ABSENT : httpAnswer(200, body);
  };

interface Given {
  stages: Stage[];
  answer?: (ask: Ask) => Partial<Answer> | undefined;
  facts?: Partial<Facts> & { apiHost?: string };
  inPlace?: Stage[];
  selection?: EngineInput['selection'];
  snapshot?: string;
  fetched?: <T>(what: T) => () => Promise<T>;
}

interface Planned {
  run: Prepared;
  reader: FakeReader;
  warnings: string[];
}

async function planned({
  stages,
  answer,
  facts = {},
  inPlace = [],
  selection = {},
  snapshot,
  fetched = (what) => () => Promise.resolve(what),
}: Given): Promise<Planned> {
  const events: Event[] = [];
  const reader = fakeReader({ ...(answer ? { answer } : {}) });
  const input: EngineInput = {
    cluster,
    stages,
    artifacts: anyArtifact,
    openArtifacts: fetched(anyArtifact),
    manifests: new Map(),
    openManifests: fetched(new Map()),
    selection,
    snapshot,
    concurrency: 1,
    acceptNewHostKeys: false,
    signal: new AbortController().signal,
    emit: (event) => events.push(event),
    tool: 'test',
    command: 'apply',
    lockNote: '',
    who: 'me',
  };
  const fleet = fakeFleet();
  const opened = { fleet, reader, facts: { ...factsOf(cluster), ...facts }, since: () => 0, exclusive: true };
  const run = await prepare(input, opened, { inPlace });
  return { run, reader, warnings: events.flatMap((event) => (event.type === 'warning' ? [event.message] : [])) };
}

const verbs = ({ run }: Planned, stage: string): string[] =>
  (run.program.plan.stages.find(({ name }) => name === stage)?.hosts ?? []).flatMap(({ host, items }) =>
    items.map(({ ref, comparison }) =>
      [host, ref, comparison.result === 'change' ? comparison.verb : comparison.result].join(' '),
    ),
  );

describe('a plan', () => {
  it('costs one probe of each host that is described, and asks nothing else of bare ones', async () => {
    const bare = await planned({ stages: [system, stageOf('workers', { hosts: () => [] })] });
    expect(bare.reader.asked).toEqual([['m1 probe']]);
    expect(verbs(bare, 'system')).toEqual(['m1 file:/etc/a create']);
    expect(bare.run.cutOff).toEqual([]);
  });

  it('asks the gates of what is in place along with the probe, and knows which hold', async () => {
    const gate = (name: string, wrong?: string): Stage =>
      stageOf(name, {
        gate: () => [{ title: name, asks: [{ host: 'm1', argv: [name] }], check: () => wrong, deadline: 60 }],
      });
    const [well, ill, unasked] = [gate('well'), gate('ill', 'sick'), gate('unasked')];
    const { run, reader } = await planned({ stages: [well, ill, unasked], inPlace: [well, ill] });
    expect(reader.asked.filter((each) => !each[0]?.endsWith('probe'))).toEqual([['m1 well', 'm1 ill']]);
    expect(run.program.stages.map(({ isHeld }) => isHeld)).toEqual([true, false, false]);
  });

  it('asks who serves, and what guards must see, only where something of them changes', async () => {
    const asks: Ask[] = [{ host: 'm2', argv: ['spare'] }];
    const guard: Stage['guard'] = ({ batch }) => [
      {
        title: `spares ${batch.join()}`,
        asks,
        check: ([answer]) => answer?.stdout || undefined,
        deadline: 1,
        consequence: 'nobody serves',
      },
    ];
    const answer = ({ argv }: Ask): Partial<Answer> => (argv[0] === 'spare' ? { stdout: 'none to spare' } : {});
    const formed = { etcd: 'formed' as const };
    const changing = await planned({ stages: [{ ...system, guard }], answer, facts: formed });
    expect(changing.run.program.plan.refused).toMatchObject([
      { stage: 'system', hosts: ['m1'], title: 'spares m1', wrong: 'none to spare' },
    ]);
    // Members and API servers, and the guard after them.
    expect(changing.reader.asked.at(-1)).toEqual(['m2 spare']);
    expect(changing.reader.asked.length).toBeGreaterThan(2);
    const same = await planned({ stages: [stageOf('system', { guard })], answer, facts: formed });
    expect(same.reader.asked.flat().filter((each) => !each.endsWith('probe'))).toEqual([]);
  });

  it('ends before the first probe, and before all that is fetched, where something stands against it', async () => {
    const problems: Stage['problems'] = () => [{ message: 'no room', host: 'm1' }];
    const fetched = () => () => Promise.reject(new McpkError('fetch', 'no way out'));
    await expect(planned({ stages: [{ ...system, problems }], fetched })).rejects.toMatchObject({ code: 'preflight' });
    await expect(planned({ stages: [{ ...system, binaries: true }], fetched })).rejects.toMatchObject({
      code: 'fetch',
    });
  });

  it('has what goes along with a stage in its batches, under the gates of both, and so does what carries it out', async () => {
    const gate =
      (title: string): NonNullable<Stage['gate']> =>
      ({ hosts: of }) =>
        of.map((host) => ({ title: `${title} ${host}`, asks: [], check: () => undefined, deadline: 1 }));
    const file = { kind: 'file', content: 'x', mode: '0644', owner: 'root', group: 'root' } as const;
    const kubelet = stageOf('nodes', {
      needs: ['system'],
      along: ['system'],
      hosts: (all) => all.hosts.slice(0, 1),
      states: () => [{ ...file, path: '/etc/b' }],
      gate: gate('node'),
    });
    const owned = [{ ref: 'file:/etc/old', hash: '', stage: 'nodes' }];
    const own = new Map([['m1', hostFacts('10.77.0.11', { owned })]]);
    const stages = [{ ...system, gate: gate('runtime') }, kubelet];
    const made = await planned({ stages, facts: { hosts: own } });
    expect(verbs(made, 'system')).toEqual([]);
    expect(verbs(made, 'nodes')).toEqual(['m1 file:/etc/a create', 'm1 file:/etc/old remove', 'm1 file:/etc/b create']);
    expect(made.run.program.plan.stages.map(({ gates }) => gates)).toEqual([[], ['runtime m1', 'node m1']]);
    const [, rolling] = made.run.program.stages;
    const { facts } = made.run.hands;
    expect(rolling?.stage.gate?.({ cluster, facts, hosts: ['m1'] }).map(({ title }) => title)).toEqual([
      'runtime m1',
      'node m1',
    ]);
    expect(made.run.means.along.get('nodes')).toEqual(['system']);
  });

  it('has a snapshot first where a version that writes etcd changes, into the place that is asked for', async () => {
    const etcd = stageOf('etcd', {
      hosts: (all) => all.hosts.slice(0, 1),
      states: () => [{ kind: 'unit', name: 'etcd.service', enabled: true, state: 'running', inputs: [] }],
    });
    const own = new Map([['m1', hostFacts('10.77.0.11', { runs: { etcd: '3.6.16' } })]]);
    const facts = { hosts: own, etcd: 'formed' as const };
    const { run } = await planned({ stages: [etcd], facts, snapshot: '/b' });
    const because = [`etcd 3.6.16 → ${cluster.versions.etcd}`];
    expect(run.program.plan.snapshot).toEqual({ into: '/b', because });
    expect((await planned({ stages: [etcd], facts })).run.program.plan.snapshot).toBeUndefined();
  });

  it('names what only a newer mcpk knows, and leaves it', async () => {
    const owned = [{ ref: 'firewall:x', hash: '', stage: 'system' }];
    const own = new Map([['m1', hostFacts('10.77.0.11', { owned })]]);
    const { run, warnings } = await planned({ stages: [stageOf('system')], facts: { hosts: own } });
    expect(warnings).toEqual(['owns firewall:x, of a kind that only a newer mcpk knows: left']);
    expect(run.program.plan.summary.changes).toBe(0);
  });

  it('has what a run that was cut off owes, on the host that has its mark', async () => {
    const undo = ['systemctl', 'start', 'x.service'];
    const journal = `${noteLine(1795347245120, 'R1', 'owed', owedWords('system', undo))}\n`;
    const answer = ({ argv }: Ask): Partial<Answer> =>
      argv[0] === 'tail' ? { stdout: journal } : argv.at(-1)?.endsWith('unfinished') ? { stdout: 'R1 me apply p' } : {};
    const own = new Map(hosts.map((name) => [name, hostFacts('10.77.0.11', { unfinished: name === 'm2' })]));
    const { run, warnings } = await planned({ stages: [stageOf('system')], answer, facts: { hosts: own } });
    const [stage] = run.program.plan.stages;
    expect([stage?.batches, stage?.steps]).toEqual([
      [['m2']],
      [expect.objectContaining({ on: 'm2', run: undo, when: 'after' })],
    ]);
    expect(run.program.plan.summary).toMatchObject({ changes: 1, hosts: 1 });
    expect(run.cutOff).toEqual(['m2']);
    expect(warnings).toEqual([expect.stringMatching(/^m2: run R1 \(me, apply\) was cut off/)]);
  });
});

describe('objects of the API', () => {
  const list = (refs: object): object => ({ data: { owned: JSON.stringify(refs) } });
  const known = { apiHost: 'm1', etcd: 'formed' as const };

  it('are read by the master whose API server answers, and compared', async () => {
    const found = await planned({
      stages: [system, addons],
      facts: known,
      answer: apiWith({ [LIVE]: { ...MAP.object, data: { is: 'old' } } }),
    });
    // Beside the probe, in one request.
    expect(found.reader.asked.map((each) => each.length)).toEqual([1, 2]);
    expect(verbs(found, 'addons')).toEqual([`${API} kubeObject:${MAP.id} update`]);
    expect(found.run.program.plan.stages.at(-1)?.deferred).toBeUndefined();
  });

  it('that are ours and described no more are looked at themselves before they leave', async () => {
    const metadata = {
      uid: 'u',
      labels: { 'app.kubernetes.io/managed-by': 'mcpk' },
      managedFields: [{ manager: 'mcpk', operation: 'Apply' }],
    };
    const found = await planned({
      stages: [system, addons],
      facts: known,
      answer: apiWith({
        [LIVE]: MAP.object,
        [OWNED]: list({
          'kubeObject:v1/ConfigMap/a/ours': 'addons',
          'kubeObject:v1/ConfigMap/a/theirs': 'addons',
          nonsense: 'x',
        }),
        '/api/v1/namespaces/a/configmaps/ours': { kind: 'ConfigMap', metadata },
        '/api/v1/namespaces/a/configmaps/theirs': { kind: 'ConfigMap', metadata: { uid: 'v' } },
      }),
    });
    expect(verbs(found, 'addons').toSorted()).toEqual([
      `${API} kubeObject:v1/ConfigMap/a/ours remove`,
      `${API} kubeObject:v1/ConfigMap/a/theirs forget`,
      `${API} kubeObject:${MAP.id} unchanged`,
    ]);
    expect(found.warnings).toEqual([
      'kube-system/mcpk-owned names 1 times what can be no object: ignored',
      expect.stringContaining('names v1/ConfigMap/a/theirs, but it has no label'),
    ]);
    expect([...(found.run.means.owned.get(API)?.keys() ?? [])]).toHaveLength(2);
  });
});

describe('what is not known when the plan is made', () => {
  /** Waits for the nodes, of which m1 has a part. */
  const network = stageOf('network', {
    needs: ['system'],
    hosts: () => cluster.hosts.slice(0, 1),
    states: ({ facts: { nodes } }) =>
      nodes === undefined
        ? { deferred: true, until: 'system', why: 'no nodes' }
        : [{ kind: 'directory', path: `/etc/${[...nodes.keys()].join()}`, mode: '0755', owner: 'root', group: 'root' }],
  });
  const nodes = { [NODES]: { items: [NODE] } };
  /** The plan of a stage when its turn has come, and the API server says this by then; and what was asked for that. */
  const later = async (
    stage: Stage,
    answer: (ask: Ask) => Partial<Answer>,
  ): Promise<{ before: Planned; plan: Promise<unknown>; asked: () => string[][] }> => {
    let isUp = false;
    const before = await planned({ stages: [system, stage], answer: (ask) => (isUp ? answer(ask) : { exitCode: 1 }) });
    const count = before.reader.asked.length;
    isUp = true;
    const plan = before.run.hands.planOf(before.run.program.stages[1]!);
    return { before, plan, asked: () => before.reader.asked.slice(count) };
  };

  it('is said, and read, compiled, compared and planned once it is: resources of hosts', async () => {
    const { before, plan, asked } = await later(network, apiWith(nodes));
    expect(before.run.program.plan.stages[1]).toMatchObject({
      deferred: { until: 'system', why: 'no nodes' },
      batches: [],
      hosts: [],
    });
    expect(before.run.program.plan.summary).toMatchObject({ changes: 1, deferred: 1 });
    expect(await plan).toMatchObject({
      batches: [['m1']],
      hosts: [{ host: 'm1', items: [{ ref: 'directory:/etc/m1', comparison: { verb: 'create' } }] }],
    });
    expect(await plan).not.toHaveProperty('deferred');
    // The nodes, and then the host of that stage alone.
    expect(asked().length).toBe(2);
    expect(asked()[1]).toEqual(['m1 probe']);
    expect(before.run.hands.facts).toMatchObject({ etcd: 'formed', apiHost: 'm1' });
  });

  it('and objects', async () => {
    const { before, plan } = await later(addons, apiWith(nodes));
    expect(verbs(before, 'addons')).toEqual([`${API} kubeObject:${MAP.id} deferred`]);
    expect(before.run.program.plan.stages[1]?.deferred).toEqual({ until: 'system', why: 'no API server answers yet' });
    expect(await plan).toMatchObject({ batches: [[API]], hosts: [{ items: [{ comparison: { verb: 'create' } }] }] });
  });

  // Objects are waited for: undefer.test.ts.
  it('fails the stage where it is not known then either', async () => {
    const { plan } = await later(network, (each) =>
      pathOf(each) === '/api/v1/nodes?limit=1' ? httpAnswer(200) : { exitCode: 1 },
    );
    await expect(plan).rejects.toMatchObject({ code: 'stage', message: 'network: still not known: no nodes' });
  });

  it('fails it, and says what to do, where the API lets the administrator read nothing', async () => {
    const { plan } = await later(addons, () => httpAnswer(403));
    await expect(plan).rejects.toMatchObject({ code: 'refused', host: 'm1' });
  });

  it('fails it where what is known by then contradicts another stage', async () => {
    const twice: Stage = {
      ...network,
      name: 'twice',
      states: (context) =>
        context.facts.nodes === undefined
          ? { deferred: true, until: 'system', why: 'no nodes' }
          : [{ kind: 'file', path: '/etc/a', content: 'y', mode: '0644', owner: 'root', group: 'root' }],
    };
    const { plan } = await later(twice, apiWith(nodes));
    await expect(plan).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining('/etc/a') as string });
  });
});
