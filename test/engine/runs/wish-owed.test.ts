import { describe, expect, it } from 'vitest';
import type { Facts } from '../../../src/cluster/facts.ts';
import { noteLine } from '../../../src/engine/past/journal-lines.ts';
import { owedWords } from '../../../src/engine/past/owed-lines.ts';
import type { Opened } from '../../../src/engine/read/open.ts';
import { wishOpened, type WishInput } from '../../../src/engine/runs/wish.ts';
import type { Plan, RunResult } from '../../../src/engine/types.ts';
import type { Cluster } from '../../../src/inventory/types.ts';
import { STAGES } from '../../../src/states/index.ts';
import { drainNode } from '../../../src/states/wishes/drain.ts';
import { etcdDefrag } from '../../../src/states/wishes/etcd-defrag.ts';
import { rebootWish } from '../../../src/states/wishes/reboot.ts';
import { RESET, withoutHosts } from '../../../src/states/wishes/reset.ts';
import type { Stage } from '../../../src/states/stage.ts';
import type { Wish } from '../../../src/states/wishes/wish.ts';
import { anyArtifact, factsOf, hostFacts, labCluster, registered } from '../../states/cluster.ts';
import { fakeReader, httpAnswer } from '../support/fake-reader.ts';

const lab = await labCluster();
const START = ['systemctl', 'start', 'kube-apiserver.service'];
const STARTED = 'systemctl start kube-apiserver.service, which a run that was cut off owes (m1)';
const reboot = (...among: string[]): Wish => rebootWish({ among, ifNeeded: false, limit: 60 });

interface Given {
  cluster?: Cluster;
  /** Of which stage a run that was killed on m1 noted that it had stopped the API server there. */
  stage?: string;
  /** The master whose API server answers. */
  apiHost?: string;
  /** Else it is only planned. */
  carriesOut?: true;
}

function ungated(stage: Stage): Stage {
  const only = { ...stage };
  delete only.gate;
  delete only.guard;
  return only;
}

/** What a wish is about to do, and does, after that run; `done` as `HOST WHAT`. */
async function afterKill(
  wish: Wish,
  { cluster = lab, stage = 'etcd', apiHost = 'm2', carriesOut }: Given = {},
): Promise<{ plan: Plan; done: string[] }> {
  const journal = `${noteLine(1795347245120, 'R2', 'owed', owedWords(stage, START))}\n`;
  const done: string[] = [];
  const isUp = (): boolean => done.includes(`m1 ${START.join(' ')}`);
  const reader = fakeReader({
    answer: ({ host, argv: [program, ...words], stdin = '' }) => {
      if (program === 'tail') return { stdout: host === 'm1' ? journal : '' };
      if (program === 'cat' && words[0] === '/var/lib/mcpk/unfinished') return { stdout: 'R2 me apply 9d3c\n' };
      if (host === 'm1' && stdin.includes('/readyz') && words.join(' ').includes('6443') && !isUp())
        return { exitCode: 1 };
      return httpAnswer(200, 'ok');
    },
  });
  const owned = ['kube-apiserver', 'keepalived', 'kubelet'].map((name) => ({
    ref: `unit:${name}.service`,
    hash: '',
    stage: name === 'kubelet' ? 'nodes' : '',
  }));
  const facts: Facts = factsOf(cluster, {
    hosts: new Map(
      lab.hosts.map(({ name, internalAddress }) => [
        name,
        hostFacts(internalAddress, { owned, etcdData: true, unfinished: name === 'm1' }),
      ]),
    ),
    etcd: 'formed',
    nodes: registered(lab),
    apiHost,
  });
  const fleet = {
    sessions: new Map(lab.hosts.map(({ name }) => [name, { traffic: {} }])),
    exec: (host: string, commands: { argv: string[] }[]) => {
      done.push(...commands.map(({ argv }) => `${host} ${argv.join(' ')}`));
      return Promise.resolve(commands.map(() => ({ exitCode: 0, stdout: '', stderr: '' })));
    },
    request: (host: string, _op: string, body: Buffer) => {
      const text = body.toString();
      done.push(...(text.match(/\b(settled \S+|result \S+)/g) ?? []).map((what) => `${host} ${what}`));
      if (text.includes('\nQ ')) done.push(`${host} over`);
      return Promise.resolve(0);
    },
  };
  let planned: Plan | undefined;
  const input = {
    cluster,
    stages: carriesOut ? STAGES.map(ungated) : STAGES,
    artifacts: anyArtifact,
    manifests: new Map(),
    selection: { limit: new Set(['w1']) },
    concurrency: 1,
    signal: new AbortController().signal,
    emit: () => undefined,
    command: 'wish',
    tool: 'test',
    who: 'me',
    confirm: (plan: Plan) => Promise.resolve(((planned = plan), carriesOut === true)),
  } as unknown as WishInput;
  const opened = { fleet, reader, facts, since: () => 0, exclusive: true } as unknown as Opened;
  const run = wishOpened(input, wish, opened);
  if (carriesOut) expect(await run).toMatchObject({ status: 'succeeded', errors: [] });
  else await expect<Promise<RunResult>>(run).rejects.toMatchObject({ code: 'interrupted' });
  return { plan: planned!, done };
}

const planned = async (...of: Parameters<typeof afterKill>): Promise<unknown> =>
  (await afterKill(...of)).plan.stages.map(({ name, needs, batches, steps }) => [
    name,
    needs,
    batches,
    steps.filter(({ when }) => when === 'after').map(({ title, on }) => `${title} (${on})`),
  ]);

describe('a wish after a run that was killed between a step and its undo', () => {
  it('starts first what was stopped, on whatever host that is', async () => {
    expect(await planned({ stages: [drainNode('w1')] })).toEqual([
      ['etcd', [], [['m1']], [STARTED]],
      ['drain', ['etcd'], [['m2']], []],
    ]);
  });

  it('does so in its own stage where that has the name of the one that owes it', async () => {
    expect(await planned(reboot('w1', 'm2'), { stage: 'nodes' })).toEqual([
      ['nodes', [], [['m1'], ['m2'], ['w1']], [STARTED]],
    ]);
    const defrag = etcdDefrag({ hosts: ['m2', 'm3'] });
    expect(await planned({ stages: [defrag] })).toEqual([
      [
        'etcd',
        [],
        [['m1'], ['m2'], ['m3']],
        [STARTED, 'start the API server of m2 (m2)', 'start the API server of m3 (m3)'],
      ],
    ]);
  });

  it('is not refused for what is up again by then', async () => {
    const two = await labCluster('hosts: [{ name: m3, roles: [etcd] }]');
    const { plan } = await afterKill(reboot('m2'), { cluster: two });
    expect(plan.refused).toEqual([]);
  });

  it('leaves it to nobody: it is settled, and the mark of the run goes', async () => {
    const { done } = await afterKill({ stages: [drainNode('w1')] }, { carriesOut: true });
    const at = (what: string): number => done.findIndex((line) => line.includes(what));
    expect(at('m1 systemctl start kube-apiserver.service')).toBeGreaterThanOrEqual(0);
    expect(at('drain w1')).toBeGreaterThan(at('m1 systemctl start'));
    expect(done).toEqual(expect.arrayContaining(['m1 settled etcd', 'm1 over']));
  });

  it('starts nothing on hosts that it clears, nor before a restore, and then leaves it noted', async () => {
    const cleared = withoutHosts(lab, new Set(lab.hosts.map(({ name }) => name)));
    const of = async (wish: Wish, cluster = lab): Promise<string[]> =>
      (await afterKill(wish, { cluster })).plan.stages.map(({ name }) => name);
    expect(await of({ stages: RESET }, cleared)).toEqual(['reset-workers', 'reset-masters']);
    const restore: Wish = { stages: [drainNode('w1')], restores: true };
    expect(await of(restore)).toEqual(['drain']);
    const { done } = await afterKill(restore, { apiHost: 'm1', carriesOut: true });
    expect(done).toContain('m1 result succeeded');
    expect(done.filter((line) => /settled|m1 over/.test(line))).toEqual([]);
  });
});
