import { describe, expect, it } from 'vitest';
import type { Answer, Ask } from '../../../src/cluster/gate.ts';
import type { Facts, HostFacts } from '../../../src/cluster/facts.ts';
import type { EngineInput } from '../../../src/engine/input.ts';
import { prepare } from '../../../src/engine/runs/prepare.ts';
import { rollbackOpened, type RollbackInput } from '../../../src/engine/runs/rollback.ts';
import { verifyOpened } from '../../../src/engine/runs/verify.ts';
import type { Opened } from '../../../src/engine/read/open.ts';
import type { Plan, Selection } from '../../../src/engine/types.ts';
import type { Cluster } from '../../../src/inventory/types.ts';
import { upgradesRefused } from '../../../src/states/etcd/upgrade.ts';
import { STAGES } from '../../../src/states/index.ts';
import { versionProblems } from '../../../src/states/preflight/versions.ts';
import type { Stage } from '../../../src/states/stage.ts';
import { anyArtifact, factsOf, hostFacts, labCluster } from '../../states/cluster.ts';
import { fakeHands } from '../support/fake-hands.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { CHANGE } from '../support/fake-run.ts';
import { stage } from '../../fixtures/plan.ts';
import { checkSkew } from '../../../src/engine/plan/skew.ts';

type Runs = HostFacts['runs'];

const OWNED = [{ ref: 'unit:kubelet.service', hash: '', stage: 'nodes' }];
const master = (kubernetes: string, etcd: string, kubelet = kubernetes): Runs => ({
  ...{ etcd, 'kube-apiserver': kubernetes, 'kube-controller-manager': kubernetes, 'kube-scheduler': kubernetes },
  ...{ kubelet, 'kube-proxy': kubelet },
});
const worker = (kubernetes: string): Runs => ({ kubelet: kubernetes, 'kube-proxy': kubernetes });

/** A cluster of 1.36, some of it otherwise. */
function runningOn(cluster: Cluster, over: Record<string, Runs> = {}): Facts {
  const hosts = cluster.hosts.map(({ name, internalAddress, roles }) => {
    const runs = over[name] ?? (roles.includes('master') ? master('1.36.3', '3.6.16') : worker('1.36.3'));
    return [name, hostFacts(internalAddress, { runs, owned: OWNED, etcdData: roles.includes('etcd') })] as const;
  });
  const nodes = hosts.map(([name, { runs }]) => {
    return [name, { name, ready: true, kubeletVersion: `v${runs.kubelet ?? ''}` }] as const;
  });
  return factsOf(cluster, { hosts: new Map(hosts), nodes: new Map(nodes), etcd: 'formed' });
}

/** Stages that start a unit anew on their hosts, one host at a time. */
function restarting(cluster: Cluster, name: string, unit: string, ...needs: string[]): Stage {
  return {
    ...{ name, title: name, needs },
    hosts: () => cluster.hosts.filter(({ roles }) => name === 'nodes' || roles.includes('master')),
    rollout: (_cluster, _facts, changed) => changed.map((host) => [host]),
    states: () => [{ kind: 'unit', name: unit, enabled: true, state: 'running', timeout: 1, inputs: [] }],
  };
}

function inputOf(cluster: Cluster, stages: readonly Stage[], selection: Selection): EngineInput {
  return {
    ...{ cluster, stages, selection, concurrency: 1, acceptNewHostKeys: false },
    artifacts: anyArtifact,
    openArtifacts: () => Promise.resolve(anyArtifact),
    manifests: new Map(),
    openManifests: () => Promise.resolve(new Map()),
    signal: new AbortController().signal,
    emit: () => undefined,
    ...{ tool: 'test', command: 'apply', lockNote: '', who: 'me' },
  };
}

/** What stands against an apply; empty = it is planned. */
async function against(over: Record<string, Runs>, versions: string, selection: Selection = {}): Promise<string[]> {
  const cluster = await labCluster(`versions: ${versions}`);
  const stages = [
    {
      ...restarting(cluster, 'etcd', 'etcd.service'),
      problems: (...of) => [...versionProblems(...of), ...upgradesRefused(...of)],
    } satisfies Stage,
    restarting(cluster, 'api-server', 'kube-apiserver.service', 'etcd'),
    restarting(cluster, 'controllers', 'kube-scheduler.service', 'api-server'),
    restarting(cluster, 'nodes', 'kubelet.service', 'controllers'),
  ];
  const fleet = { sessions: new Map(), unreachable: new Map() };
  const opened = { fleet, reader: fakeReader(), facts: runningOn(cluster, over), since: () => 0, exclusive: true };
  const input = inputOf(cluster, stages, selection);
  return saidBy(prepare(input, opened as unknown as Opened));
}

async function saidBy(run: Promise<unknown>): Promise<string[]> {
  try {
    await run;
    return [];
  } catch (thrown) {
    const all = (thrown as { errors?: unknown[] }).errors ?? [thrown];
    return all.map((each) => {
      const { code, host, message, hint } = each as { code: string; host: string; message: string; hint: string };
      expect({ code, hint }).toMatchObject({ code: 'refused', hint: expect.stringMatching(/\S/) as string });
      return `${host}: ${message}`;
    });
  }
}

describe('an apply', () => {
  const NEW = '{ kubernetes: 1.37.1, etcd: 3.7.3 }';
  const OLD = '{ kubernetes: 1.36.3, etcd: 3.6.16 }';

  it.each<[string, Record<string, Runs>, string, Selection]>([
    ['to the next minor version', {}, NEW, {}],
    ['of API servers alone', {}, NEW, { only: new Set(['api-server']) }],
    ['that goes on after the API servers', { m1: master('1.37.1', '3.7.3', '1.36.3') }, NEW, {}],
    ['of what runs already', {}, OLD, { limit: new Set(['w1']) }],
    ['of one worker, once all API servers are', allMasters(master('1.37.1', '3.7.3')), NEW, { limit: new Set(['w1']) }],
    ['that mends a kubelet which is too new', { w1: worker('1.37.1') }, NEW, {}],
  ])('is planned: %s', async (_what, over, versions, selection) => {
    expect(await against(over, versions, selection)).toEqual([]);
  });

  it.each<[string, Record<string, Runs>, string, Selection, unknown[]]>([
    [
      'the old version set again after a cut between API servers and nodes',
      allMasters(master('1.37.1', '3.7.3', '1.36.3')),
      '{ kubernetes: 1.36.3, etcd: 3.7.3 }',
      {},
      ['m1', 'm2', 'm3'].map((host) => `${host}: Kubernetes 1.37.1 runs, 1.36.3 is older`),
    ],
    [
      'a worker alone',
      {},
      NEW,
      { limit: new Set(['w1']) },
      ['w1: after nodes on w1: kubelet 1.37.1 of w1 is newer than the API server 1.36.3 of m1'],
    ],
    [
      'a master alone: its controllers would reach API servers that are older',
      {},
      NEW,
      { limit: new Set(['m1']) },
      [
        'm1: after controllers on m1: kube-scheduler 1.37.1 of m1 is newer than the API server 1.36.3 of m2',
        'm1: after nodes on m1: kubelet 1.37.1 of m1 is newer than the API server 1.36.3 of m2',
      ],
    ],
    [
      'all but the API servers',
      {},
      NEW,
      { skip: new Set(['api-server', 'controllers']) },
      expect.arrayContaining([expect.stringContaining('after nodes on m1: kubelet 1.37.1 of m1')]) as never,
    ],
    [
      'API servers that leave a kubelet behind',
      { w2: { kubelet: '1.33.4' } },
      NEW,
      {},
      [
        expect.stringMatching(
          /^w2: after api-server on m\d: kubelet 1\.33\.4 of w2 is more than 3 minor versions older/,
        ),
      ],
    ],
    [
      'etcd a minor version back',
      allMasters(master('1.37.1', '3.7.3')),
      '{ kubernetes: 1.37.1, etcd: 3.6.16 }',
      {},
      ['m1', 'm2', 'm3'].map((host) => `${host}: etcd 3.7.3 runs, 3.6.16 is older`),
    ],
    [
      'etcd by two minor versions',
      { m2: master('1.36.3', '3.5.40') },
      NEW,
      {},
      ['m2: etcd 3.5.40 runs, 3.7.3 is 2 minor versions newer'],
    ],
    [
      'etcd from an old patch',
      { m3: master('1.36.3', '3.6.5') },
      NEW,
      {},
      ["m3: etcd 3.6.5 can't be upgraded to 3.7.3"],
    ],
    [
      'an API server whose file was replaced by hand: what runs counts',
      { m2: master('1.35.4', '3.6.16') },
      NEW,
      {},
      ['m2: Kubernetes 1.35.4 runs, 1.37.1 is 2 minor versions newer'],
    ],
  ])('is refused: %s', async (_what, over, versions, selection, expected) => {
    expect(await against(over, versions, selection)).toEqual(expected);
  });
});

function allMasters(runs: Runs): Record<string, Runs> {
  return { m1: runs, m2: runs, m3: runs };
}

describe('a rollback', () => {
  /** What R1 replaced of a service, whose file says this version. */
  const undoOf = (stage: string, service: string): string =>
    [
      `kept ./usr/local/bin/${service}`,
      `unit ${service}.service enabled active r l`,
      `did ${service}.service restart 9`,
    ]
      .map((line) => `/var/lib/mcpk/generations/R1/${stage}.undo:${line}\n`)
      .join('');

  async function rolledBack(
    kept: Record<string, string>,
    over: Record<string, Runs>,
    limit?: string,
  ): Promise<{ said: string[]; asked: string[]; planned: boolean; steps: string[] }> {
    const cluster = await labCluster();
    const answer = ({ host, argv: [program = ''] }: Ask): Partial<Answer> => {
      if (program === 'grep') return { stdout: kept[host] ?? '' };
      if (program.endsWith('/etcd')) return { stdout: 'etcd Version: 3.6.16\n' };
      return program.includes('/generations/') ? { stdout: 'Kubernetes v1.36.3\n' } : {};
    };
    const reader = fakeReader({ answer });
    let seen: Plan | undefined;
    const stages = STAGES.map((stage) => ({ ...stage, guard: () => [], broken: () => [] }));
    const selection = limit === undefined ? {} : { limit: new Set([limit]) };
    const input: RollbackInput = {
      ...inputOf(cluster, stages, selection),
      confirm: (plan) => Promise.resolve(((seen = plan), false)),
    };
    const facts = runningOn(cluster, over);
    const fleet = { sessions: new Map(cluster.hosts.map(({ name }) => [name, { traffic: {} }])) };
    const opened = { fleet, reader, facts, since: () => 0, exclusive: true } as unknown as Opened;
    const run = rollbackOpened(input, opened).catch((error: unknown) => {
      if ((error as { code?: string }).code !== 'interrupted') throw error;
    });
    const said = await saidBy(run);
    const steps = seen?.stages.flatMap((each) => each.steps.map(({ title }) => title)) ?? [];
    return { said, asked: reader.asked.flat(), planned: seen !== undefined, steps };
  }

  const NEW = master('1.37.1', '3.7.3');

  it('of one API server under newer kubelets is refused', async () => {
    const kept = { m1: undoOf('api-server', 'kube-apiserver') };
    const { said, asked, planned } = await rolledBack(kept, { ...allMasters(NEW), w1: worker('1.37.1') }, 'm1');
    expect(said).toEqual(
      expect.arrayContaining([
        'w1: after api-server on m1: kubelet 1.37.1 of w1 is newer than the API server 1.36.3 of m1',
        'm1: after api-server on m1: kube-scheduler 1.37.1 of m1 is newer than the API server 1.36.3 of m1',
      ]),
    );
    expect(planned).toBe(false);
    expect(asked).toContain('m1 /var/lib/mcpk/generations/R1/api-server/usr/local/bin/kube-apiserver --version');
  });

  it('of a kubelet to the minor version before drains its node', async () => {
    const kept = { w1: undoOf('nodes', 'kubelet') };
    const { planned, steps } = await rolledBack(kept, { ...allMasters(NEW), w1: worker('1.37.1') });
    expect([planned, steps]).toEqual([true, ['cordon w1', 'drain w1', 'uncordon w1']]);
  });

  it('of API servers before any kubelet followed is planned', async () => {
    const kept = { m1: undoOf('api-server', 'kube-apiserver') };
    const half = { 'kube-apiserver': '1.37.1', kubelet: '1.36.3' };
    expect(await rolledBack(kept, { m1: half })).toMatchObject({ said: [], planned: true });
  });

  it('of a member of etcd is planned while one runs the older version, and refused once none does', async () => {
    const kept = { m2: undoOf('etcd', 'etcd') };
    const first = await rolledBack(kept, { m2: master('1.36.3', '3.7.3') });
    expect(first).toMatchObject({ said: [], planned: true });
    const last = await rolledBack(kept, allMasters(master('1.36.3', '3.7.3')));
    expect(last.said).toEqual([
      'm2: after etcd on m2: etcd of m2 would go back from 3.7.3 to 3.6.16, and no member runs 3.6.16 any more',
    ]);
  });

  it('of a member of etcd that none reads any more names no way that a restore refuses', () => {
    const item = {
      ref: 'unit:etcd.service',
      title: '',
      kind: 'unit',
      comparison: { ...CHANGE, verb: 'restart' as const },
    };
    const back = stage('etcd', { batches: [['m2']], hosts: [{ host: 'm2', items: [item] }] });
    const running = new Map(['m1', 'm2'].map((host) => [host, { etcd: '3.7.3' }]));
    expect(() => checkSkew([back], running, () => '3.6.16')).toThrow(
      expect.objectContaining({
        hint: expect.stringMatching(/only a cluster that is set up anew with 3\.6/) as string,
      }),
    );
  });

  it('of what runs no service asks for no version', async () => {
    const kept = { m1: '/var/lib/mcpk/generations/R1/system.undo:kept ./etc/x\n' };
    const { asked } = await rolledBack(kept, {});
    expect(asked.filter((each) => each.includes('--version'))).toEqual([]);
  });
});

it('verify names what runs side by side and must not', async () => {
  const cluster = await labCluster();
  const facts = runningOn(cluster, { w1: worker('1.37.1') });
  const input = inputOf(cluster, [], {});
  const { failures } = await verifyOpened({ input, facts, hands: fakeHands({ facts }), since: () => 0 });
  expect(failures.map(({ code, host, message }) => [code, host, message])).toEqual([
    ['gate', 'w1', 'kubelet 1.37.1 of w1 is newer than the API server 1.36.3 of m1'],
    ['gate', 'w1', 'kube-proxy 1.37.1 of w1 is newer than the API server 1.36.3 of m1'],
  ]);
});
