import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withRuntimeSource } from '../../src/cluster/runtime-source.ts';
import type { Facts } from '../../src/cluster/facts.ts';
import { compile } from '../../src/engine/plan/compile.ts';
import type { StateTree } from '../../src/engine/types.ts';
import { load } from '../../src/inventory/load.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import type { FileResource } from '../../src/resources/types.ts';
import { STAGES } from '../../src/states/index.ts';
import { mcpk } from '../commands/support.ts';
import { anyArtifact, factsOf, registered } from './cluster.ts';

/** Without Calico nothing is fetched. */
const BRIDGE = join(await mkdtemp(join(tmpdir(), 'mcpk-topologies-')), 'bridge.yaml');
await writeFile(BRIDGE, 'network: { plugin: bridge }\n');

const clusterOf = (name: string): Promise<Cluster> =>
  load([`inventories/${name}.yaml`, BRIDGE], { env: { HOME: '/root' } });

interface Shape {
  /** stage → hosts that it describes something on. */
  stages: Record<string, string>;
  etcdServers: string;
  /** Of kubelets and kube-proxies on workers, and of the administrator. */
  endpoint: string;
  initialCluster: string;
}

const SHAPES: Record<string, Shape> = {
  'one-master': {
    stages: {
      haproxy: '',
      keepalived: '',
      etcd: 'm1',
      'api-server': 'm1',
      controllers: 'm1',
      nodes: 'm1',
      network: 'm1',
    },
    etcdServers: 'https://127.0.0.1:2379',
    endpoint: 'https://192.168.10.11:6443',
    initialCluster: 'm1=https://192.168.10.11:2380',
  },
  'external-endpoint': {
    stages: {
      ...{ haproxy: '', keepalived: '', etcd: 'm1 m2 m3', 'api-server': 'm1 m2 m3' },
      ...{ controllers: 'm1 m2 m3', nodes: 'm1 m2 m3 w1', network: 'm1 m2 m3 w1' },
    },
    etcdServers: 'https://127.0.0.1:2379',
    endpoint: 'https://api.example.org:443',
    initialCluster: 'm1=https://192.168.10.11:2380,m2=https://192.168.10.12:2380,m3=https://192.168.10.13:2380',
  },
  'etcd-hosts': {
    stages: {
      ...{ haproxy: 'm1 m2', keepalived: 'm1 m2', etcd: 'e1 e2 e3', 'api-server': 'm1 m2' },
      ...{ controllers: 'm1 m2', nodes: 'm1 m2 w1', network: 'm1 m2 w1' },
    },
    etcdServers: 'https://192.168.10.31:2379,https://192.168.10.32:2379,https://192.168.10.33:2379',
    endpoint: 'https://192.168.10.100:443',
    initialCluster: 'e1=https://192.168.10.31:2380,e2=https://192.168.10.32:2380,e3=https://192.168.10.33:2380',
  },
};

/** Facts of a cluster that is up: each node has its part of the pod network. */
function formed(cluster: Cluster): Facts {
  const nodes = cluster.hosts.filter(({ roles }) => roles.includes('master') || roles.includes('worker'));
  return factsOf(cluster, { etcd: 'formed', nodes: registered({ ...cluster, hosts: nodes }) });
}

function compiled(cluster: Cluster, facts: Facts): StateTree {
  return compile({ cluster, facts, stages: STAGES, artifacts: anyArtifact, manifests: new Map() });
}

function filesOf(tree: StateTree, host: string): FileResource[] {
  const states = tree.stages.flatMap((stage) => stage.hosts).filter((each) => each.host === host);
  return states.flatMap(({ resources }) => resources.filter((each) => each.kind === 'file'));
}

const text = (tree: StateTree, host: string, path: string): string =>
  String(filesOf(tree, host).find((file) => file.path === path)?.content);
const serverOf = (kubeconfig: string): string | undefined => /server: (\S+)/.exec(kubeconfig)?.[1];

describe.each(Object.entries(SHAPES))('%s', (name, shape) => {
  it('has each service on the hosts that it belongs to, and no other', async () => {
    const cluster = await clusterOf(name);
    const tree = compiled(cluster, formed(cluster));
    const hosts = (stage: string): string =>
      (tree.stages.find((each) => each.name === stage)?.hosts ?? [])
        .flatMap(({ host, resources }) => (resources.length > 0 ? [host] : []))
        .join(' ');
    expect(Object.fromEntries(Object.keys(shape.stages).map((stage) => [stage, hosts(stage)]))).toEqual(shape.stages);
    // Also not by another stage: no package, no unit, no file of what is not there.
    const all = tree.stages
      .flatMap((stage) => stage.hosts)
      .flatMap(({ host, resources }) => resources.map((each) => `${host} ${JSON.stringify(each)}`));
    for (const [stage, on] of Object.entries(shape.stages).filter(
      ([each]) => each === 'haproxy' || each === 'keepalived',
    ))
      expect(
        all.filter((each) => each.includes(`${stage}.service`) && !on.split(' ').includes(each.split(' ')[0] ?? '')),
      ).toEqual([]);
  });

  it('lets etcd, API servers and kubelets find each other', async () => {
    const cluster = await clusterOf(name);
    const tree = compiled(cluster, factsOf(cluster));
    const member = cluster.hosts.find((host) => host.roles.includes('etcd'))?.name ?? '';
    expect(text(tree, member, '/etc/etcd/etcd.yaml')).toContain(`initial-cluster: ${shape.initialCluster}\n`);
    expect(text(tree, 'm1', '/etc/systemd/system/kube-apiserver.service')).toContain(
      `--etcd-servers=${shape.etcdServers} `,
    );
    expect(serverOf(text(tree, 'm1', '/etc/kubernetes/admin/kubeconfig'))).toBe(shape.endpoint);
    for (const { name: host, roles, internalAddress } of cluster.hosts) {
      const kubelet = filesOf(tree, host).find((file) => file.path === '/etc/kubernetes/kubelet/kubeconfig');
      const own = roles.includes('master') ? `https://${internalAddress}:6443` : shape.endpoint;
      const node = roles.some((role) => role !== 'etcd');
      expect(kubelet && serverOf(String(kubelet.content))).toBe(node ? own : undefined);
    }
    const leaf = tree.stages
      .flatMap((stage) => stage.hosts)
      .flatMap((each) => each.resources)
      .find((each) => each.kind === 'certificate' && each.path.endsWith('api-server/server.crt'));
    const names = leaf?.kind === 'certificate' ? [...leaf.dns, ...leaf.ip] : [];
    expect(names).toContain(new URL(shape.endpoint).hostname);
  });

  it('asks only hosts that are there, and of a host only what it runs', async () => {
    const cluster = await clusterOf(name);
    const facts = formed(cluster);
    const hosts = cluster.hosts.map((host) => host.name);
    for (const stage of STAGES) {
      const own = stage.hosts(cluster).map((host) => host.name);
      const gates = stage.gate?.({ cluster, facts, hosts: own }) ?? [];
      for (const ask of gates.flatMap((gate) => gate.asks)) {
        expect(hosts, `${stage.name}: ${ask.argv.join(' ')}`).toContain(ask.host);
        const roles = cluster.hosts.find((host) => host.name === ask.host)?.roles ?? [];
        if (ask.argv.join(' ').includes('haproxy')) expect(shape.stages['haproxy']).toContain(ask.host);
        if (stage.name === 'etcd') expect(roles).toContain('etcd');
      }
      const steps = own.map((host) => stage.around?.({ cluster, facts, batch: [host] }) ?? { before: [], after: [] });
      for (const step of steps.flatMap(({ before, after }) => [...before, ...after])) {
        expect(hosts).toContain(step.on);
        const roles = cluster.hosts.find((host) => host.name === step.on)?.roles ?? [];
        if (step.run.join(' ').includes('kube-apiserver')) expect(roles).toContain('master');
      }
    }
  });

  it('is what preflight takes, and what render writes', async () => {
    const cluster = withRuntimeSource(await clusterOf(name));
    const facts = factsOf(cluster);
    const named = new Map([...facts.hosts].map(([host, own]) => [host, { ...own, hostname: host }]));
    const problems = STAGES.flatMap((stage) => stage.problems?.(cluster, { ...facts, hosts: named }) ?? []);
    expect(problems).toEqual([]);
    const folder = join(await mkdtemp(join(tmpdir(), 'mcpk-render-')), 'out');
    const said = await mcpk(['render', folder, '-i', `inventories/${name}.yaml`, '-i', BRIDGE]);
    expect(said.code, said.stderr).toBe(0);
    expect((await readdir(folder)).filter((each) => !each.startsWith('.')).toSorted()).toEqual(
      ['api', ...cluster.hosts.map((host) => host.name)].toSorted(),
    );
    expect(serverOf(await readFile(join(folder, 'm1/etc/kubernetes/admin/kubeconfig'), 'utf8'))).toBe(shape.endpoint);
  });
});
