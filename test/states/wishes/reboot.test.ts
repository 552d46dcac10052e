import { describe, expect, it } from 'vitest';
import type { Facts, NodeFacts, OwnedEntry } from '../../../src/cluster/facts.ts';
import type { Plan } from '../../../src/engine/types.ts';
import { nodesInTurn } from '../../../src/states/node-rollout.ts';
import { hostGates } from '../../../src/states/wishes/host-gates.ts';
import { rebootWish } from '../../../src/states/wishes/reboot.ts';
import { fakeReader, httpAnswer } from '../../engine/support/fake-reader.ts';
import { wishPlan } from '../../engine/support/wish-plan.ts';
import { factsOf, hostFacts, labCluster, registered } from '../cluster.ts';

const lab = await labCluster("rollout: { workers: '100%' }\n");
const MASTERS = ['m1', 'm2', 'm3'];

interface Given {
  among?: string[];
  /** Hosts that say that they need it; absent: all boot, whatever they need. */
  needing?: string[];
  cordoned?: Record<string, NodeFacts['cordoned']>;
  /** Host that answers nothing. */
  away?: string;
}

/** Units that each stage laid down. */
const OF_NODES = { runtime: 'containerd', nodes: 'kubelet', network: 'mcpk-network' };
const OF_MASTERS = {
  haproxy: 'haproxy',
  keepalived: 'keepalived',
  etcd: 'etcd',
  'api-server': 'kube-apiserver',
  controllers: 'kube-scheduler',
};

function laid(host: string): OwnedEntry[] {
  const units = { ...OF_NODES, ...(MASTERS.includes(host) ? OF_MASTERS : {}) };
  return Object.entries(units).map(([stage, name]) => ({ ref: `unit:${name}.service`, hash: 'h', stage }));
}

function factsWith(cordoned: Given['cordoned'] = {}): Facts {
  const hosts = new Map(
    lab.hosts.map(({ name, internalAddress }) => [
      name,
      hostFacts(internalAddress, {
        hostname: name,
        owned: laid(name),
        etcdData: MASTERS.includes(name),
        holdsVip: name === 'm1',
        kernel: '6.12.48+deb13-amd64',
      }),
    ]),
  );
  const nodes = new Map(
    [...registered(lab)].map(([name, node]): [string, NodeFacts] => {
      const by = cordoned[name];
      return [name, { ...node, ...(by === undefined ? {} : { cordoned: by }) }];
    }),
  );
  return factsOf(lab, { hosts, nodes, etcd: 'formed', apiHost: 'm1' });
}

async function planned({ among = lab.hosts.map(({ name }) => name), needing, cordoned, away }: Given): Promise<Plan> {
  const facts = factsWith(cordoned);
  const wish = rebootWish({ among, ifNeeded: needing !== undefined, limit: 600 });
  const made = await wish.stagesOf?.({
    facts,
    run: 'r',
    ask: (asks) =>
      Promise.resolve(
        asks.map(({ host }) => ({
          host,
          exitCode: 1,
          stdout: needing?.includes(host) ? '/run/reboot-required\n' : '',
          stderr: '',
        })),
      ),
  });
  const reader = fakeReader({ answer: ({ host }) => (host === away ? { exitCode: 7 } : httpAnswer(200)) });
  return wishPlan({ cluster: lab, facts, stages: made?.stages ?? wish.stages, reader });
}

/** `WHEN ON: what` of a batch, in order. */
const told = ({ stages }: Plan, batch: number): string[] =>
  stages.flatMap(({ steps }) =>
    steps.filter((step) => step.batch === batch).map(({ when, on, title }) => `${when} ${on}: ${title}`),
  );

describe('a reboot', () => {
  it('goes by masters one by one, the holder of the VIP last, then by workers', async () => {
    const { stages, summary } = await planned({});
    expect(stages.map(({ name, batches }) => [name, batches])).toEqual([
      ['nodes', [['m2'], ['m3'], ['m1'], ['w1', 'w2']]],
    ]);
    expect(summary).toMatchObject({ hosts: 5, removals: 0, restarts: 0 });
  });

  it('takes members of etcd one by one, be they workers as well', () => {
    const hosts = lab.hosts.map((host) =>
      MASTERS.includes(host.name) ? host : { ...host, roles: ['etcd', 'worker'] as const },
    );
    expect(nodesInTurn({ ...lab, hosts: hosts }, factsWith(), ['w1', 'w2'])).toEqual([['w1'], ['w2']]);
  });

  it('steps a master aside before it boots, and lets pods in when its gates hold', async () => {
    const plan = await planned({ among: ['m1'] });
    expect(told(plan, 0)).toEqual([
      'before m1: cordon m1',
      'before m1: drain m1',
      "before m1: move etcd's leader away from m1",
      'before m1: stop the API server of m1 gracefully',
      'before m1: hand the VIP over from m1',
      'work m1: reboot m1',
      'held m1: uncordon m1',
    ]);
    const boots = plan.stages[0]?.steps.find(({ when }) => when === 'work');
    expect(boots).toMatchObject({ run: ['systemctl', '--no-block', 'reboot'], boots: { limit: 600 } });
  });

  it('empties the workers of a batch, boots them side by side, and waits for all that runs there', async () => {
    const plan = await planned({ among: ['w1', 'w2'] });
    expect(told(plan, 0)).toEqual([
      'before m1: cordon w1',
      'before m1: cordon w2',
      'before m1: drain w1',
      'before m1: drain w2',
      'work w1: reboot w1',
      'work w2: reboot w2',
      'held m1: uncordon w1',
      'held m1: uncordon w2',
    ]);
    expect(plan.stages[0]?.gates).toEqual(expect.arrayContaining(['containerd w1 ready for CRI', 'node w2 Ready']));
  });

  it('of a master waits for every service of it', async () => {
    const gates = (await planned({ among: ['m2'] })).stages[0]?.gates;
    for (const title of ['etcd m2 healthy', 'API server m2 ready', 'HAProxy sees m2 UP', 'HAProxy m2 up'])
      expect(gates).toContain(title);
    expect(gates).toContain('kube-scheduler m2 healthy');
  });

  it('asks nothing of a host that is to join but that it is back, and nothing of new binaries', () => {
    const facts = factsWith();
    for (const [name, own] of facts.hosts)
      Object.assign(own, { runs: { kubelet: '1.0.0' } }, name === 'w2' ? { owned: [] } : {});
    const staged = (): never => {
      throw new Error('this run brings no binary');
    };
    const gatesOf = (...hosts: string[]): string[] =>
      hostGates({ cluster: lab, facts, hosts, staged }).map(({ title }) => title);
    expect(gatesOf('w2')).toEqual([]);
    expect(gatesOf('m1', 'w1', 'w2').filter((title) => title.includes('w2'))).toEqual([]);
    expect(gatesOf('w1')).toContain('node w1 Ready');
  });

  it("leaves an operator's cordon, and lifts what a run that was cut off left", async () => {
    const plan = await planned({ needing: ['w1'], cordoned: { w1: 'other', w2: 'mcpk' } });
    expect(plan.stages[0]?.batches).toEqual([['w1', 'w2']]);
    expect(told(plan, 0)).toEqual([
      'before m1: drain w1',
      'work w1: reboot w1: /run/reboot-required is there',
      'held m1: uncordon w2',
    ]);
  });

  it('if needed is of those alone that need it, with why; of none there is nothing to do', async () => {
    const plan = await planned({ needing: ['m3'] });
    expect(plan.stages[0]?.batches).toEqual([['m3']]);
    expect((await planned({ needing: [] })).summary).toMatchObject({ changes: 0, deferred: 0 });
  });

  it('is refused where it would break the quorum, or take down the last API server', async () => {
    const { refused } = await planned({ among: ['m1', 'w1'], away: 'm2' });
    expect(refused.map(({ hosts, title }) => `${hosts.join()}: ${title}`)).toEqual([
      'm1: etcd keeps its quorum without m1',
    ]);
  });

  it('is refused while no API server answers', () => {
    const { nodes: _, ...facts } = factsWith();
    const [stage] = rebootWish({ among: ['w1'], ifNeeded: false, limit: 1 }).stages;
    expect(stage?.problems?.(lab, facts)).toMatchObject([{ code: 'refused', message: 'no API server answers' }]);
  });
});
