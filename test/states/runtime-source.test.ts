import { describe, expect, it } from 'vitest';
import { withRuntimeSource } from '../../src/cluster/runtime-source.ts';
import type { Facts, HostFacts } from '../../src/cluster/facts.ts';
import { moving } from '../../src/engine/plan/steps.ts';
import type { HostPlan } from '../../src/engine/types.ts';
import { binariesOf } from '../../src/states/artifacts.ts';
import { runtimeTooOld } from '../../src/states/containerd/source.ts';
import { nodes } from '../../src/states/nodes.ts';
import { runtime } from '../../src/states/runtime.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import type { Resource } from '../../src/resources/types.ts';
import { contextOf, factsOf, labCluster, registered } from './cluster.ts';

const OWNS_PACKAGES = ['runc', 'containerd'].map((name) => ({ ref: `package:${name}`, stage: 'runtime', hash: '' }));
const UPSTREAM = 'containerd: { source: upstream }';

function withPackages(cluster: Cluster, runs = '1.7.24'): Facts {
  return factsOf(cluster, {}, { owned: OWNS_PACKAGES, runs: { containerd: runs } });
}

describe('where containerd comes from', () => {
  it.each<[string, string, boolean, string, string | undefined]>([
    ['a new cluster gets upstream’s', '', false, 'upstream', '2.3.7'],
    ['one that stands with packages keeps them', '', true, 'package', undefined],
    ['until it is told', UPSTREAM, true, 'upstream', '2.3.7'],
    ['a version of dpkg is one of a package', `versions: { containerd: '1.7.24~ds1-6' }`, false, 'package', '1.7.24~ds1-6'], // prettier-ignore
    ['a release is one of upstream', `versions: { containerd: 2.3.6 }`, false, 'upstream', '2.3.6'],
    ['a new cluster may have packages', 'containerd: { source: package }', false, 'package', undefined],
  ])('%s', async (_name, over, stands, source, version) => {
    const cluster = await labCluster(over);
    const settled = withRuntimeSource(cluster, stands ? withPackages(cluster) : factsOf(cluster));
    expect([settled.containerd.source, settled.versions.containerd]).toEqual([source, version]);
  });

  it('stays upstream’s once hosts have that, whose packages stay too, and is asked for no more', async () => {
    const cluster = await labCluster();
    const link = { ref: 'link:/usr/local/bin/containerd', stage: 'runtime', hash: '' };
    const facts = factsOf(cluster, {}, { owned: [...OWNS_PACKAGES, link] });
    expect(withRuntimeSource(cluster, facts).containerd.source).toBe('upstream');
  });
});

describe("upstream's containerd", () => {
  async function laid(own: Partial<HostFacts> = {}, over = ''): Promise<Resource[]> {
    const cluster = withRuntimeSource(await labCluster(UPSTREAM, over));
    const states = runtime.states(contextOf(cluster, 'w1', factsOf(cluster, {}, own)));
    if (!Array.isArray(states)) throw new Error('deferred');
    return states;
  }
  const textOf = (all: readonly Resource[], path: string): string => {
    const found = all.find((each) => each.kind === 'file' && each.path === path);
    return found?.kind === 'file' && typeof found.content === 'string' ? found.content : '';
  };

  it('is a link into the store and a unit of its own, and restarts for both; runc is read by what starts next', async () => {
    const all = await laid();
    expect(all.filter(({ kind }) => kind === 'package')).toEqual([]);
    expect(textOf(all, '/etc/systemd/system/containerd.service')).toContain('ExecStart=/usr/local/bin/containerd\n');
    const unit = all.find((each) => each.kind === 'unit');
    const on = (way: string): string[] =>
      (unit?.kind === 'unit' ? unit.inputs : []).flatMap((each) => (each.on === way ? [each.ref] : []));
    expect(on('restart')).toEqual([
      'link:/usr/local/bin/containerd',
      'file:/etc/systemd/system/containerd.service',
      'file:/etc/containerd/config.toml',
    ]);
    expect(on('live')).toEqual(expect.arrayContaining(['link:/usr/local/bin/runc']));
    const cluster = withRuntimeSource(await labCluster());
    const [m1, w1] = ['m1', 'w1'].map((name) => cluster.hosts.find((host) => host.name === name));
    for (const host of [m1, w1])
      expect(binariesOf(cluster, host ?? expect.fail())).toEqual(
        expect.arrayContaining(['containerd', 'containerd-shim-runc-v2', 'ctr', 'runc']),
      );
  });

  it.each([
    ['2.3.7', 'bin_dirs = ["/opt/cni/bin"]'],
    ['2.4.0', 'bin_dirs = ["/opt/cni/bin"]'],
    ['2.0.5', 'bin_dir = "/opt/cni/bin"'],
  ])('%s reads its own words for the plugins: %s', async (version, line) => {
    const text = textOf(await laid({}, `versions: { containerd: ${version} }`), '/etc/containerd/config.toml');
    expect(text.split('\n')[0]).toBe('version = 3');
    expect(text.split('\n').filter((each) => each.includes('bin_dir'))).toEqual([line]);
  });

  it.each([
    ['another one runs', '2.3.6', ['cordon w1', 'drain w1']],
    ['it runs already, and only its link was lost', '2.3.7', []],
  ])('drains a node where %s', async (_name, runs, before) => {
    const cluster = withRuntimeSource(await labCluster(UPSTREAM));
    const facts = factsOf(cluster, { nodes: registered(cluster) }, { runs: { containerd: runs } });
    const moving = new Map([['w1', ['containerd']]]);
    for (const stage of [runtime, nodes])
      expect(stage.around?.({ cluster, facts, batch: ['w1'], moving }).before.map(({ title }) => title)).toEqual(
        before,
      );
  });

  it('leaves the packages that a run laid where they are, held', async () => {
    const packages = (await laid({ owned: OWNS_PACKAGES })).filter(({ kind }) => kind === 'package');
    expect(packages).toEqual(['runc', 'containerd'].map((name) => ({ kind: 'package', name, units: [], hold: true })));
  });

  it('is asked of no apt', async () => {
    const cluster = withRuntimeSource(await labCluster(UPSTREAM));
    expect(runtime.inquire?.({ cluster, facts: factsOf(cluster), newcomers: new Set() })).toBeUndefined();
  });

  it.each([
    ['another release', 'link:/usr/local/bin/containerd', 'update', ['containerd']],
    ['the one in place of a package', 'link:/usr/local/bin/containerd', 'create', ['containerd']],
    ['a package in its place', 'link:/usr/local/bin/containerd', 'remove', ['containerd']],
    ['another runc', 'link:/usr/local/bin/runc', 'update', ['runc']],
    ['a link elsewhere', 'link:/opt/cni/bin/containerd', 'update', []],
  ])('moves with %s', (_name, ref, verb, moved) => {
    const items = [{ ref, title: '', kind: 'link', comparison: { result: 'change', verb, reasons: [], hash: '' } }];
    const hosts = [{ host: 'w1', items }] as unknown as HostPlan[];
    expect(moving(hosts).get('w1')).toEqual(moved);
  });

  it.each([
    [
      'containerd: { source: upstream }\nversions: { containerd: "1.7.24~ds1-6" }',
      'versions.containerd: "1.7.24~ds1-6" is a version of a package, and containerd.source is upstream: write one such as 2.3.7',
    ],
    [
      'containerd: { source: package }\nversions: { containerd: 2.3.7 }',
      'versions.containerd: "2.3.7" is a release of upstream, and containerd.source is package: write it as dpkg does, such as 1.7.24~ds1-6+deb13u1',
    ],
  ])('and the version that is named go together: %j', async (over, message) => {
    await expect(labCluster(over)).rejects.toMatchObject({
      details: [expect.stringContaining(message)],
    });
  });
});

describe('containerd 1.x', () => {
  const at = async (kubernetes: string, over = '', runs = '1.7.24'): Promise<string[]> => {
    const cluster = await labCluster(over);
    const wanted = { ...cluster, versions: { ...cluster.versions, kubernetes } };
    const facts = withPackages(wanted, runs);
    return runtimeTooOld(withRuntimeSource(wanted, facts), facts).map(
      ({ code, host, message }) => `${String(code)} ${host ?? ''}: ${message}`,
    );
  };

  it('goes with 1.36, is told of with 1.37, and refused with 1.38, each host by its name', async () => {
    expect(await at('1.36.3')).toEqual([]);
    expect(await at('1.37.1')).toEqual([
      'warning : containerd 1.x of 5 hosts: Kubernetes 1.38 takes it no more; containerd.source: upstream changes it',
    ]);
    expect(await at('1.38.0')).toEqual(
      ['m1', 'm2', 'm3', 'w1', 'w2'].map((name) => `refused ${name}: Kubernetes 1.38.0 takes no containerd 1.x`),
    );
  });

  it('is nobody’s where the package is 2.x, or upstream’s comes in its place', async () => {
    expect(await at('1.38.0', '', '2.1.4')).toEqual([]);
    expect(await at('1.38.0', UPSTREAM)).toEqual([]);
  });
});
