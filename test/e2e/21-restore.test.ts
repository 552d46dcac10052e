import { copyFile, mkdtemp, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { powerOff, powerOn } from '../../lab/lab.ts';
import type { Rehearsed } from '../../src/engine/runs/etcd-rehearse.ts';
import type { RunResult } from '../../src/engine/types.ts';
import { FULL } from '../support/tier.ts';
import {
  allNodesReady,
  eventually,
  kubectl,
  MASTERS,
  NODES,
  mcpk,
  mcpkJson,
  on,
  overlay,
  unitStarts,
} from './support/mcpk.ts';
import { Running } from './support/running.ts';
import { startFrom } from './support/start-from.ts';

startFrom('ready', { leaves: 'ready' });

const NAMED = ['--yes', '--cluster', 'lab'];

let folder = '';
let bundle = '';
const RESTORE = (): string[] => ['etcd', 'restore', bundle, ...NAMED];

/** What of two ConfigMaps is there: one of before the snapshot, one of after it. */
async function maps(): Promise<string[]> {
  const names = await kubectl('get', 'configmaps', '-n', 'default', '-o', 'name');
  return names.split('\n').filter((name) => /\/(before|after)$/.test(name));
}

async function write(name: string): Promise<void> {
  await kubectl('create', 'configmap', name, '-n', 'default', '--from-literal=a=b');
}

/** Of the members: the ids of their clusters. */
async function clusterIds(): Promise<Set<string>> {
  const { members, clusterId } = await mcpkJson<{ clusterId: string; members: { healthy: boolean }[] }>(
    ['etcd', 'status'],
    0,
  );
  expect(members.map(({ healthy }) => healthy)).toEqual([true, true, true]);
  return new Set([clusterId]);
}

/** Nothing of a restore lies on the masters but what was there before it. */
async function leftOn(name: string): Promise<string> {
  const script =
    'ls -d /var/lib/mcpk/restore/state /var/lib/mcpk/restore/snapshot.db /etc/systemd/system/*/50-mcpk-restore.conf /var/lib/mcpk/etcd-scratch* 2>/dev/null || :';
  return on(name, 'sh', '-c', script);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpk-restore-'));
  bundle = join(folder, 'lab.tar');
  await kubectl('delete', 'configmap', 'before', 'after', '-n', 'default', '--ignore-not-found');
  await kubectl('delete', 'secret', 'kept', '-n', 'default', '--ignore-not-found');
  await kubectl('create', 'secret', 'generic', 'kept', '-n', 'default', '--from-literal=a=b');
  await write('before');
  const said = await mcpk(['etcd', 'snapshot', '--out', bundle]);
  expect(said.code, said.stderr).toBe(0);
  await write('after');
  const images = ['get', 'deployment', 'coredns', '-n', 'kube-system', '-o', 'jsonpath={..image}'];
  await kubectl('create', 'namespace', 'lost');
  await kubectl('create', 'deployment', 'lost', '-n', 'lost', '--replicas=2', `--image=${await kubectl(...images)}`);
  await eventually('its pods are there', 60, async () => ((await lostPods()) === 2 ? true : undefined));
});

/** Pods of what the bundle lacks, as the hosts have them. */
async function lostPods(): Promise<number> {
  const count = `grep -l '"io.kubernetes.cri.sandbox-namespace":"lost"' /run/containerd/io.containerd.runtime.v2.task/k8s.io/*/config.json | xargs -r grep -l '"io.kubernetes.cri.container-type":"sandbox"' | wc -l`;
  const counts = await Promise.all(NODES.map((name) => on(name, 'sh', '-c', count)));
  return counts.reduce((sum, text) => sum + Number(text), 0);
}

describe('a bundle', () => {
  it('is rehearsed on a host, and nothing of it stays there', async () => {
    const rehearsed = await mcpkJson<Rehearsed>(['etcd', 'rehearse', bundle, '--on', 'm2'], 0);
    expect(rehearsed.keys).toBeGreaterThan(100);
    expect(await leftOn('m2')).toBe('');
  });

  it('with a flipped byte ends with 16, and of another cluster with 18, before anything stops', async () => {
    const damaged = join(folder, 'damaged.tar');
    await copyFile(bundle, damaged);
    const file = await open(damaged, 'r+');
    await file.write('x', 100_000);
    await file.close();
    expect((await mcpk(['etcd', 'restore', damaged, ...NAMED])).code).toBe(16);
    expect((await mcpk(['etcd', 'restore', bundle, '--yes', '--cluster', 'other'])).code).toBe(18);
    const renamed = await overlay('name: other\n');
    expect((await mcpk(['etcd', 'restore', bundle, '--yes', '--cluster', 'other'], [renamed])).code).toBe(18);
    expect(await maps()).toEqual(['configmap/after', 'configmap/before']);
  });
});

describe('a restore', () => {
  it('brings the cluster back to the bundle, ends watches, and leaves nothing to apply', async () => {
    const before = await clusterIds();
    const result = await mcpkJson<RunResult>(RESTORE(), 0);
    expect(result.status).toBe('succeeded');
    await eventually('the API answers at the VIP', 60, async () =>
      (await maps().catch(() => [])).length > 0 ? true : undefined,
    );
    expect(await maps()).toEqual(['configmap/before']);
    expect(await clusterIds()).not.toEqual(before);
    for (const name of MASTERS) expect(await leftOn(name)).toBe('');
    await allNodesReady();
    await eventually('pods that it lacks end', 90, async () => ((await lostPods()) === 0 ? true : undefined));
    expect(await kubectl('get', 'secret', 'kept', '-n', 'default', '-o', 'jsonpath={.data.a}')).toBe('Yg==');
    await write('after');
    await nothingToApply();
  });

  it.runIf(FULL)('killed once the data lie aside, it lets nothing else change hosts, and is given up', async () => {
    const before = await clusterIds();
    const run = new Running(RESTORE());
    expect(await run.said(/✔ aside /)).toBeDefined();
    expect(run.kill('SIGKILL')).toBe(true);
    await run.end();
    await unlocked();
    expect((await mcpk(['plan'])).code).toBe(18);
    expect((await mcpk(['apply', '--yes'])).code).toBe(18);
    expect((await mcpk(['rollback', '--yes'])).code).toBe(18);
    const back = await mcpk(['etcd', 'restore', '--abandon', ...NAMED]);
    expect(back.code, back.stdout + back.stderr).toBe(0);
    await eventually('the API answers', 60, async () =>
      (await maps().catch(() => [])).length === 2 ? true : undefined,
    );
    expect(await clusterIds()).toEqual(before);
    for (const name of MASTERS) expect(await leftOn(name)).toBe('');
    expect((await mcpk(['etcd', 'restore', '--abandon', ...NAMED])).code).toBe(18);
  });

  const places = ['stop', 'aside', 'load', 'start', 'serve', 'controllers'];
  it.runIf(FULL)(
    'killed after each of its stages, is finished by the same command, also after a boot',
    { timeout: 1_200_000 },
    async () => {
      for (const place of places) {
        const run = new Running(RESTORE());
        expect(await run.said(new RegExp(`✔ ${place} `)), place).toBeDefined();
        run.kill('SIGKILL');
        await run.end();
        await unlocked();
        await powerOff('m2');
        await powerOn('m2');
        const said = await eventually('m2 is reached', 90, async () => {
          const finished = await mcpk(RESTORE());
          return finished.code === 11 ? undefined : finished;
        });
        expect(said.code, place + said.stdout + said.stderr).toBe(0);
        await eventually('the API answers', 60, async () =>
          (await maps().catch(() => [])).length > 0 ? true : undefined,
        );
        expect(await maps(), place).toEqual(['configmap/before']);
        await write('after');
        for (const name of MASTERS) expect(await leftOn(name), place).toBe('');
      }
      await allNodesReady();
      await nothingToApply();
    },
  );
});

/** Units that were started meanwhile are noted, and none is started again. */
async function nothingToApply(): Promise<void> {
  const starts = await unitStarts();
  await mcpkJson<RunResult>(['apply', '--yes'], 0);
  expect(await mcpkJson<RunResult>(['apply', '--yes'], 0)).toMatchObject({ changed: 0 });
  expect(await unitStarts()).toEqual(starts);
}

async function unlocked(): Promise<void> {
  await eventually('no work of the killed run is left', 30, async () => {
    const counts = await Promise.all(
      MASTERS.map((name) => on(name, 'sh', '-c', 'flock -n /run/mcpk/lock true && echo free || echo held')),
    );
    return counts.every((text) => text.trim() === 'free') ? true : undefined;
  });
}

/** What is away is away for good: two masters of three, as if their disks were gone. */
describe.runIf(FULL)('one member that is left', () => {
  it('is gone on with, once the others are out of the inventory; not while a quorum answers', async () => {
    const alone = await overlay('hosts: [{ name: m2, state: gone }, { name: m3, state: gone }]\n');
    const out = join(folder, 'recovered.tar');
    const recover = ['etcd', 'recover', '--from', 'm1', '--out', out, ...NAMED];
    expect((await mcpk(recover)).code).toBe(18);
    const names = await maps();
    await powerOff('m2');
    await powerOff('m3');
    const said = await mcpk(recover, [alone]);
    expect(said.code, said.stdout + said.stderr).toBe(0);
    await eventually('the API answers', 60, async () => ((await maps().catch(() => [])).length > 0 ? true : undefined));
    expect(await maps()).toEqual(names);
  });
});
