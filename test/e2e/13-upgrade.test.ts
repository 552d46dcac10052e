import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DEFAULT_VERSIONS } from '../../lab/versions.ts';
import type { Plan, RunResult } from '../../src/engine/types.ts';
import { FULL } from '../support/tier.ts';
import type { HostFacts } from '../../src/cluster/facts.ts';
import { readBundle } from '../../src/core/etcd-bundle.ts';
import { kubectl, MASTERS, mcpk, mcpkJson, NODES, on, overlay } from './support/mcpk.ts';
import { RELEASE_BEFORE, releaseBefore, startFrom } from './support/start-from.ts';
import { belowBudget, lay, layWorkloads, lonely, SHOP } from './support/workloads.ts';
import { underLoad } from './support/under-load.ts';

startFrom('before', { leaves: 'ready' });

/** What a run that changes nothing leaves as it is. */
function mainProcesses(): Promise<string[]> {
  const units = ['etcd', 'kube-apiserver', 'kubelet'].map((name) => `${name}.service`);
  return Promise.all(MASTERS.map((name) => on(name, 'systemctl', 'show', '--property=MainPID', ...units)));
}

const kubeletVersions = (): Promise<string[]> => ofNodes('kubeletVersion');
const runtimeVersions = (): Promise<string[]> => ofNodes('containerRuntimeVersion');

async function ofNodes(field: string): Promise<string[]> {
  const path = `{range .items[*]}{.status.nodeInfo.${field}}{"\\n"}{end}`;
  return (await kubectl('get', 'nodes', '-o', `jsonpath=${path}`)).trim().split('\n');
}

/** In the full tier: without a cache the binaries of the release before take ten minutes to build. */
describe.runIf(FULL)('a cluster of the release before', () => {
  it('has come up, and has nothing to do', async () => {
    const old = await releaseBefore();
    expect(await kubeletVersions()).toEqual(NODES.map(() => `v${RELEASE_BEFORE.kubernetes}`));
    expect(await mcpkJson<RunResult>(['apply', '--yes'], 0, [old])).toMatchObject({ changed: 0 });
    expect((await mcpk(['verify'], [old])).code).toBe(0);
  });

  it('tells what its processes are, whatever lies there by now', async () => {
    await on('w1', 'ln', '-sfn', '/bin/true', '/usr/local/bin/kubelet');
    const { hosts } = await mcpkJson<{ hosts: Record<string, HostFacts> }>(['facts'], 0);
    const { kubernetes, etcd } = RELEASE_BEFORE;
    expect(hosts['m1']?.runs).toMatchObject({ 'kube-apiserver': kubernetes, 'kube-scheduler': kubernetes, etcd });
    expect(Object.keys(hosts['m1']?.runs ?? {})).toEqual(
      expect.arrayContaining(['containerd', 'haproxy', 'keepalived']),
    );
    expect(hosts['w1']?.runs).toMatchObject({ kubelet: kubernetes, 'kube-proxy': kubernetes });
    expect((await mcpk(['plan'])).stdout).toContain(`runs  kubernetes ${kubernetes} · etcd ${etcd}, storage 3.6`);
  });

  it.each<[string, string[], string, number, RegExp]>([
    ['on a worker alone', ['--limit', 'w1'], '', 18, /kubelet \S+ of w1 is newer than the API server/],
    [
      'with etcd two minor versions back',
      [],
      'versions: { etcd: 3.5.32 }',
      18,
      /etcd 3\.6\.16 runs, 3\.5\.32 is older/,
    ],
    [
      'with a flag that nobody knows',
      [],
      'apiServer: { extraArgs: { no-such-flag: 1 } }',
      14,
      /unknown flag: --no-such-flag/,
    ],
  ])('is not begun %s', async (_what, args, over, code, says) => {
    const before = await mainProcesses();
    const said = await mcpk(['apply', '--yes', ...args], over === '' ? [] : [await overlay(`${over}\n`)]);
    expect({ code: said.code, text: said.stdout + said.stderr }).toEqual({
      code,
      text: expect.stringMatching(says) as string,
    });
    expect(await mainProcesses()).toEqual(before);
  });

  it('is not drained of a pod that nothing would make anew: refused, and nothing is changed', async () => {
    await layWorkloads();
    await lay(lonely('w2'));
    const { code, stderr } = await mcpk(['apply', '--yes']);
    expect(code, stderr).toBe(18);
    expect(stderr).toContain(`pod ${SHOP}/lonely can't be drained`);
    expect(await kubeletVersions()).toEqual(NODES.map(() => `v${RELEASE_BEFORE.kubernetes}`));
  });

  it('is taken to the present one, while clients go on, and keeps what it knows', async () => {
    await kubectl('create', 'configmap', 'kept', '--from-literal=before=upgrade');
    const deleting = await overlay('rollout: { drain: { unmanaged: delete } }\ncontainerd: { source: upstream }\n');
    const { stages } = await mcpkJson<Plan>(['plan'], 2, [deleting]);
    const drains = stages.flatMap(({ steps }) => steps.filter(({ title }) => title.startsWith('drain ')));
    expect(drains.map(({ node }) => node).toSorted()).toEqual(NODES.toSorted());
    const before = await mkdtemp(join(tmpdir(), 'mcpk-before-'));
    const apply = ['apply', '--yes', '--snapshot', before];
    let below: string[] = [];
    const outcome = await underLoad(async () => {
      below = await belowBudget(() => mcpkJson<RunResult>(apply, 0, [deleting]));
    });
    const [bundle = ''] = await readdir(before);
    expect((await readBundle(join(before, bundle))).bundle.versions).toEqual(RELEASE_BEFORE);
    expect(outcome.failures).toEqual([]);
    expect(below).toEqual([]);
    expect(await kubectl('get', 'nodes', '-o', 'jsonpath={.items[*].spec.unschedulable}')).toBe('');
    await kubectl('delete', 'namespace', SHOP, '--wait');
    expect(await kubeletVersions()).toEqual(NODES.map(() => `v${DEFAULT_VERSIONS.kubernetes}`));
    expect(await runtimeVersions()).toEqual(NODES.map(() => `containerd://${DEFAULT_VERSIONS.containerd}`));
    expect(await kubectl('get', 'configmap', 'kept', '-o', 'jsonpath={.data.before}')).toBe('upgrade');
    expect(await mcpkJson<RunResult>(['apply', '--yes'], 0)).toMatchObject({ changed: 0 });
    expect((await mcpk(['verify'])).code).toBe(0);
  });

  it('does not go back by the old inventory, nor by a rollback under newer kubelets', async () => {
    const before = await mainProcesses();
    const old = await mcpk(['apply', '--yes'], [await releaseBefore()]);
    expect({ code: old.code, text: old.stdout + old.stderr }).toEqual({
      code: 18,
      text: expect.stringMatching(/Kubernetes \S+ runs, \S+ is older/) as string,
    });
    const back = await mcpk(['rollback', '--yes', '--limit', 'm1']);
    expect({ code: back.code, text: back.stdout + back.stderr }).toEqual({
      code: 18,
      text: expect.stringMatching(/is newer than the API server|would go back from/) as string,
    });
    expect(await mainProcesses()).toEqual(before);
  });
});
