import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/secret.ts';
import { drain } from '../../src/cluster/drain.ts';
import { containerdConfig } from '../../src/states/containerd/config.ts';
import type { Facts, HostFacts } from '../../src/cluster/facts.ts';
import { readSchema } from '../../src/inventory/schema.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import { ref } from '../../src/resources/kinds.ts';
import type { FileResource, Ref, Resource } from '../../src/resources/types.ts';
import { addons } from '../../src/states/addons.ts';
import { leavesOf } from '../../src/states/leaves.ts';
import { network } from '../../src/states/network.ts';
import { nodes } from '../../src/states/nodes.ts';
import { runtime } from '../../src/states/runtime.ts';
import { sharedSecretsOf } from '../../src/states/secrets.ts';
import type { StateContext } from '../../src/states/stage.ts';
import { contextOf, factsOf, hostFacts, labCluster, registered } from './cluster.ts';

const STAGES = [runtime, nodes, network, addons];

/** What `ip route` tells of the routes from w1, but for the first. */
const OTHERS = [
  '1.0/24 via 10.77.0.12 dev eth0 ',
  '2.0/24 via 10.77.0.13 dev eth0 ',
  '4.0/24 via 10.77.0.22 dev eth0 ',
];

function resources(stage: (typeof STAGES)[number], context: StateContext): Resource[] {
  const states = stage.states(context);
  if (!Array.isArray(states)) throw new Error(`${stage.name} is deferred: ${states.why}`);
  return states;
}

async function labContext(over = '', host = 'm1'): Promise<StateContext> {
  const cluster = await labCluster(over);
  return contextOf(cluster, host, factsOf(cluster, { nodes: registered(cluster) }));
}

function textOf(all: readonly Resource[], path: string): string {
  const found = all.find((each): each is FileResource => each.kind === 'file' && each.path === path);
  if (found === undefined) throw new Error(`no file ${path}`);
  return String(found.content);
}

const yamlOf = (all: readonly Resource[], path: string): Record<string, unknown> =>
  load(textOf(all, path)) as Record<string, unknown>;
const KUBELET_UNIT = '/etc/systemd/system/kubelet.service';
const KUBELET_CONFIG = '/etc/kubernetes/kubelet/config.yaml';
const PROXY_CONFIG = '/etc/kubernetes/kube-proxy/config.yaml';

describe.each(['m1', 'w1'])('the node stages on %s', (host) => {
  it('describe nothing twice and the same each time', async () => {
    const [first, second] = await Promise.all([labContext('', host), labContext('', host)]);
    const all = STAGES.flatMap((stage) => resources(stage, first));
    expect(new Set(all.map(ref)).size).toBe(all.length);
    expect(JSON.stringify(STAGES.flatMap((stage) => resources(stage, second)))).toBe(JSON.stringify(all));
  });

  it('name inputs and requisites that exist', async () => {
    const context = await labContext('', host);
    const hosted = [runtime, nodes, network].flatMap((stage) => resources(stage, context));
    const { cluster, host: own, facts } = context;
    const known = new Set<Ref>(
      [...hosted, ...leavesOf(cluster, own, facts), ...sharedSecretsOf(cluster, own)].map(ref),
    );
    // The certificates stage writes them.
    for (const path of ['/etc/kubernetes/kubelet/kubeconfig', '/etc/kubernetes/kube-proxy/kubeconfig'] as const)
      known.add(`file:${path}`);
    const named = hosted.flatMap((each) => [
      ...(each.requires ?? []),
      ...(each.kind === 'unit' ? each.inputs.map((input) => input.ref) : []),
    ]);
    expect(named.filter((name) => !known.has(name))).toEqual([]);
    expect(named.length).toBeGreaterThan(10);
  });

  it('start anew what asks the API when whoever vouches for it is another one', async () => {
    const units = resources(nodes, await labContext('', host)).filter((each) => each.kind === 'unit');
    expect(units.map(({ name, inputs }) => [name, inputs.find((input) => input.ref.includes('authority'))])).toEqual(
      ['kubelet.service', 'kube-proxy.service'].map((name) => [
        name,
        { ref: 'sharedSecret:authority/cluster', on: 'restart' },
      ]),
    );
  });
});

it.each([
  ['kubeletConfiguration', KUBELET_CONFIG],
  ['kubeProxyConfiguration', PROXY_CONFIG],
])('%s: what mcpk writes of itself is of the format that it holds others to', async (format, path) => {
  const { definitions } = readSchema();
  const fits = new Ajv({ strict: false }).compile({ $ref: `#/definitions/${format}`, definitions });
  fits(yamlOf(resources(nodes, await labContext()), path));
  expect(fits.errors).toBeNull();
});

describe('kubelet', () => {
  it('admits nobody unnamed and shows its own certificate', async () => {
    const config = yamlOf(resources(nodes, await labContext()), KUBELET_CONFIG);
    expect(config).toMatchObject({
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      authentication: {
        anonymous: { enabled: false },
        webhook: { enabled: true },
        x509: { clientCAFile: '/etc/kubernetes/pki/ca.crt' },
      },
      authorization: { mode: 'Webhook' },
      readOnlyPort: 0,
      protectKernelDefaults: true,
      rotateCertificates: true,
      tlsCertFile: '/etc/kubernetes/kubelet/server.crt',
      clusterDNS: ['10.254.0.10'],
    });
  });

  it.each([
    [{ cgroup: 1 as const }, { failCgroupV1: false }],
    [{ cgroup: 2 as const }, { failCgroupV1: undefined }],
    [{ resolved: true }, { resolvConf: '/run/systemd/resolve/resolv.conf' }],
    [{ resolved: false }, { resolvConf: '/etc/resolv.conf' }],
  ])('is configured for a host with %o', async (own, wanted) => {
    const cluster = await labCluster('kubelet: { config: null }');
    const config = yamlOf(resources(nodes, contextOf(cluster, 'w1', factsOf(cluster, {}, own))), KUBELET_CONFIG);
    for (const [name, value] of Object.entries(wanted)) expect(config[name], name).toBe(value);
  });

  it.each([
    ['true', 1],
    ['false', 0],
  ])('starts beside no swap, wherever that comes from: disableSwap %s', async (disableSwap, times) => {
    const unit = textOf(resources(nodes, await labContext(`system: { disableSwap: ${disableSwap} }`)), KUBELET_UNIT);
    expect(unit.match(/^ExecStartPre=-\/sbin\/swapoff -a$/gm) ?? []).toHaveLength(times);
  });

  it("takes the inventory's settings over its own, and null removes one", async () => {
    const over =
      'kubelet: { config: { maxPods: 50, shutdownGracePeriod: null, evictionHard: { memory.available: 1Gi } }, extraArgs: { v: 4, node-ip: null } }';
    const all = resources(nodes, await labContext(over));
    const config = yamlOf(all, KUBELET_CONFIG);
    expect(config).toMatchObject({
      maxPods: 50,
      evictionHard: { 'memory.available': '1Gi', 'nodefs.available': '10%' },
    });
    expect(config).not.toHaveProperty('shutdownGracePeriod');
    const unit = textOf(all, KUBELET_UNIT);
    expect(unit).toContain('--v=4');
    expect(unit).not.toContain('--node-ip');
  });

  it('limits what one pod may take, and lets nobody else read how', async () => {
    const all = resources(nodes, await labContext());
    expect(yamlOf(all, KUBELET_CONFIG)).toMatchObject({ podPidsLimit: 4096, seccompDefault: true });
    for (const path of [KUBELET_CONFIG, '/etc/systemd/system/kubelet.service'])
      expect(all).toContainEqual(expect.objectContaining({ path, mode: '0600', owner: 'root' }));
  });

  it('has no more pods than addresses', async () => {
    const config = yamlOf(resources(nodes, await labContext('network: { nodePrefix: 26 }')), KUBELET_CONFIG);
    expect(config['maxPods']).toBe(61);
  });

  it('agrees with containerd on the cgroup driver', async () => {
    for (const [driver, systemd] of [
      ['cgroupfs', 'false'],
      ['systemd', 'true'],
    ]) {
      const context = await labContext(`kubelet: { config: { cgroupDriver: ${String(driver)} } }`);
      expect(yamlOf(resources(nodes, context), KUBELET_CONFIG)['cgroupDriver']).toBe(driver);
      expect(textOf(resources(runtime, context), '/etc/containerd/config.toml')).toContain(
        `SystemdCgroup = ${String(systemd)}`,
      );
    }
  });
});

it.each([
  [
    'kubelet: { config: { cgroupDriver: systemd } }\ngroups: { worker: { kubelet: { extraArgs: { cgroup-driver: cgroupfs } } } }',
    false,
  ],
  ['kubelet: { config: { cgroupDriver: cgroupfs }, extraArgs: { cgroup-driver: systemd } }', true],
  ['kubelet: { config: { cgroupDriver: cgroupfs }, extraArgs: { cgroup-driver: null } }', false],
])('a flag of the kubelet wins over its file, for containerd too: %s', async (over, systemd) => {
  const all = resources(runtime, await labContext(over, 'w1'));
  expect(textOf(all, '/etc/containerd/config.toml')).toContain(`SystemdCgroup = ${String(systemd)}`);
});

describe('settings of a host', () => {
  const OVER = JSON.stringify({
    kubelet: { config: { maxPods: 90, cgroupDriver: 'systemd' }, extraArgs: { v: 2 } },
    groups: { worker: { kubelet: { config: { maxPods: 50 } }, kubeProxy: { config: { conntrack: { min: 7 } } } } },
    hosts: [
      {
        name: 'w1',
        kubelet: {
          config: { cgroupDriver: 'cgroupfs', maxParallelImagePulls: null },
          extraArgs: { v: 4, 'node-ip': null },
          environment: { GOGC: '50' },
        },
        kubeProxy: { extraArgs: { v: 5 } },
      },
    ],
  });
  const UNITS = '/etc/systemd/system';

  it.each<[string, object, string]>([
    ['m1', { maxPods: 90, cgroupDriver: 'systemd', maxParallelImagePulls: 5 }, 'true'],
    ['w1', { maxPods: 50, cgroupDriver: 'cgroupfs' }, 'false'],
    ['w2', { maxPods: 50, cgroupDriver: 'systemd', maxParallelImagePulls: 5 }, 'true'],
  ])('%s has those of its groups and its own, and its containerd goes along', async (name, config, systemd) => {
    const context = await labContext(OVER, name);
    const kubelet = yamlOf(resources(nodes, context), KUBELET_CONFIG);
    expect(kubelet).toMatchObject(config);
    expect(Object.hasOwn(kubelet, 'maxParallelImagePulls')).toBe(name !== 'w1');
    expect(textOf(resources(runtime, context), '/etc/containerd/config.toml')).toContain(`SystemdCgroup = ${systemd}`);
  });

  it('are flags and variables, too', async () => {
    const [w1, w2] = await Promise.all(
      ['w1', 'w2'].map(async (name) => resources(nodes, await labContext(OVER, name))),
    );
    const unit = textOf(w1 ?? [], `${UNITS}/kubelet.service`);
    expect(unit).toMatch(/^ {2}--v=4/m);
    expect(unit).toContain('\nEnvironment=GOGC=50\n');
    expect(unit).not.toContain('--node-ip');
    expect(textOf(w2 ?? [], `${UNITS}/kubelet.service`)).toMatch(/^ {2}--v=2/m);
    expect(textOf(w1 ?? [], `${UNITS}/kube-proxy.service`)).toMatch(/^ {2}--v=5/m);
    expect(textOf(w2 ?? [], `${UNITS}/kube-proxy.service`)).not.toContain('--v=');
    // Over what the lab gives to all.
    expect(yamlOf(w2 ?? [], PROXY_CONFIG)).toMatchObject({ conntrack: { maxPerCore: 0, min: 7 } });
  });
});

describe('kube-proxy', () => {
  it.each(['nftables', 'iptables', 'ipvs'])('always says its mode: %s', async (mode) => {
    const config = yamlOf(resources(nodes, await labContext(`kubeProxy: { mode: ${mode} }`)), PROXY_CONFIG);
    expect(config).toMatchObject({
      mode,
      clusterCIDR: '10.244.0.0/16',
      healthzBindAddress: '127.0.0.1:10256',
      conntrack: { maxPerCore: 0 },
    });
  });

  it('is not there when it is switched off', async () => {
    const all = resources(nodes, await labContext('kubeProxy: { enabled: false }'));
    expect(all.map(ref).filter((name) => name.includes('kube-proxy'))).toEqual([]);
  });
});

describe('containerd', () => {
  it.each([
    ['registry.k8s.io/pause', 'registry.k8s.io/pause:3.10.1'],
    [`m.example:5000/pause@sha256:${'a'.repeat(64)}`, `m.example:5000/pause@sha256:${'a'.repeat(64)}`],
    [`registry.k8s.io/pause:3.9@sha256:${'a'.repeat(64)}`, `registry.k8s.io/pause@sha256:${'a'.repeat(64)}`],
  ])('keeps its sandbox image %s as %s', async (sandboxImage, kept) => {
    const cluster = await labCluster(JSON.stringify({ containerd: { sandboxImage } }));
    for (const host of cluster.hosts.slice(0, 1))
      for (const major of [1, 2] as const)
        expect(JSON.stringify(containerdConfig(cluster, host, major))).toContain(`"${kept}"`);
  });

  it.each([
    ['debian', '12', 'version = 2'],
    ['debian', '13', 'version = 2'],
    ['debian', '14', 'version = 3'],
    ['ubuntu', '24.04', 'version = 2'],
    ['ubuntu', '25.10', 'version = 3'],
    ['ubuntu', '26.04', 'version = 3'],
  ])('has the configuration that the package of %s %s reads', async (id, version, line) => {
    const cluster = await labCluster();
    const facts = factsOf(cluster, {}, { os: { id, version, name: '', like: [] } });
    const text = textOf(resources(runtime, contextOf(cluster, 'w1', facts)), '/etc/containerd/config.toml');
    expect(text.split('\n')[0]).toBe(line);
    for (const wanted of [
      '"registry.k8s.io/pause:3.10.1"',
      'bin_dir = "/opt/cni/bin"',
      'config_path = "/etc/containerd/certs.d"',
      'restrict_oom_score_adj = true',
    ]) {
      expect(text).toContain(wanted);
    }
  });

  it('reads registries anew without a restart', async () => {
    const unit = resources(runtime, await labContext()).find((each) => each.kind === 'unit');
    expect(unit).toMatchObject({
      inputs: expect.arrayContaining([
        { ref: 'file:/etc/containerd/certs.d/docker.io/hosts.toml', on: 'live' },
      ]) as unknown,
    });
  });

  it('keeps the password of a proxy from what systemd tells everybody', async () => {
    const all = resources(runtime, await labContext('proxy: { http: "http://u:hunter2@p:1", https: "http://p:2" }'));
    const dropIn = textOf(all, '/etc/systemd/system/containerd.service.d/10-mcpk-proxy.conf');
    expect(dropIn).toContain('Environment=HTTPS_PROXY=http://p:2');
    expect(dropIn).toContain('EnvironmentFile=/etc/containerd/proxy.environment');
    expect(dropIn).not.toContain('hunter2');
    const path = '/etc/containerd/proxy.environment';
    const file = all.find((each) => each.kind === 'file' && each.path === path) as FileResource;
    expect(file).toMatchObject({ mode: '0600', owner: 'root', group: 'root', content: expect.any(Secret) as Secret });
    expect((file.content as Secret).reveal()).toBe('HTTP_PROXY="http://u:hunter2@p:1"\n');
    const unit = all.find((each) => each.kind === 'unit' && each.name === 'containerd.service');
    expect(unit).toMatchObject({ inputs: expect.arrayContaining([{ ref: `file:${path}`, on: 'restart' }]) as unknown });
  });

  it('pulls through a proxy, but not what is inside', async () => {
    const text = textOf(
      resources(runtime, await labContext('proxy: { https: http://proxy.example:3128, noProxy: [.corp] }')),
      '/etc/systemd/system/containerd.service.d/10-mcpk-proxy.conf',
    );
    expect(text).toContain('HTTPS_PROXY=http://proxy.example:3128');
    for (const inside of ['10.244.0.0/16', '10.254.0.0/16', '10.77.0.100', '10.77.0.22', '.corp'])
      expect(text).toContain(inside);
  });
});

describe('the bridge network', () => {
  it('waits for the nodes, as the cluster gives out their addresses', async () => {
    const cluster = await labCluster();
    expect(network.states(contextOf(cluster, 'm1', factsOf(cluster)))).toMatchObject({
      deferred: true,
      until: 'nodes',
    });
  });

  it('routes to every other node, and masquerades only towards the outside', async () => {
    const all = resources(network, await labContext('', 'w1'));
    expect(textOf(all, '/etc/mcpk/network/routes').trim().split('\n')).toEqual([
      'route flush proto 77',
      'route replace 10.244.0.0/24 via 10.77.0.11 proto 77',
      'route replace 10.244.1.0/24 via 10.77.0.12 proto 77',
      'route replace 10.244.2.0/24 via 10.77.0.13 proto 77',
      'route replace 10.244.4.0/24 via 10.77.0.22 proto 77',
    ]);
    expect(textOf(all, '/etc/mcpk/network/pods.nft')).toContain(
      'ip saddr 10.244.0.0/16 ip daddr != 10.244.0.0/16 masquerade',
    );
  });

  it('has its rules laid again whenever nftables.service has flushed all', async () => {
    const path = '/etc/systemd/system/nftables.service.d/10-mcpk-network.conf';
    const all = resources(network, await labContext('', 'w1'));
    for (const moment of ['ExecStartPost', 'ExecReload', 'ExecStopPost'])
      expect(textOf(all, path).split('\n')).toContain(`${moment}=-/usr/sbin/nft -f /etc/mcpk/network/pods.nft`);
    expect(all.find((each) => each.kind === 'unit')).toMatchObject({
      inputs: expect.arrayContaining([{ ref: `file:${path}`, on: 'reload' }]) as unknown,
    });
  });

  it.each<[string, string[], number, boolean]>([
    ['all of it is there', ['0.0/24 via 10.77.0.11 dev eth0 ', ...OTHERS], 0, true],
    ['a route is missing', OTHERS, 0, false],
    ['a route leads to another node', ['0.0/24 via 10.77.0.1 dev eth0 ', ...OTHERS], 0, false],
    ['there is one more', ['0.0/24 via 10.77.0.11 dev eth0 ', '9.0/24 via 10.77.0.9 dev eth0 ', ...OTHERS], 0, false],
    ['the rules are missing', ['0.0/24 via 10.77.0.11 dev eth0 ', ...OTHERS], 1, false],
    ['there is nothing', [], 1, false],
  ])('reloads them unless the kernel has them: %s', async (_name, routes, nft, has) => {
    const all = resources(network, await labContext('', 'w1'));
    const command = all.find((each) => each.kind === 'command');
    expect(command?.argv).toEqual(['systemctl', 'reload', 'mcpk-network.service']);
    const [shell = '', ...words] = command?.unless ?? [];
    const folder = mkdtempSync(join(tmpdir(), 'mcpk-routes-'));
    const lines = routes.map((route) => `echo '10.244.${route}'\n`).join('');
    writeFileSync(join(folder, 'ip'), `#!/bin/sh\n[ "$*" = '-4 route show proto 77' ] || exit 9\n${lines}`);
    writeFileSync(join(folder, 'nft'), `#!/bin/sh\nexit ${String(nft)}\n`);
    for (const name of ['ip', 'nft']) chmodSync(join(folder, name), 0o755);
    const { status } = spawnSync(shell, words, { env: { PATH: `${folder}:/usr/bin:/bin` } });
    rmSync(folder, { recursive: true });
    expect(status === 0).toBe(has);
  });

  it.each([
    ['', 9000],
    ['network: { mtu: 1400 }', 1400],
  ])('takes the MTU of the interface unless one is given (%s)', async (over, mtu) => {
    const cluster = await labCluster(over);
    const own = hostFacts('10.77.0.21', {
      interfaces: [{ name: 'eth1', addresses: [{ address: '10.77.0.21', prefix: 24 }], mtu: 9000 }],
    });
    const facts = factsOf(cluster, { nodes: registered(cluster), hosts: new Map([['w1', own]]) });
    const conflist = JSON.parse(
      textOf(resources(network, contextOf(cluster, 'w1', facts)), '/etc/cni/net.d/10-mcpk-bridge.conflist'),
    ) as unknown;
    expect(conflist).toMatchObject({
      plugins: [
        { type: 'bridge', mtu, ipMasq: false, ipam: { ranges: [[{ subnet: '10.244.3.0/24' }]] } },
        { type: 'portmap' },
      ],
    });
  });

  it('alone lies in the CNI folder', async () => {
    const folder = resources(network, await labContext()).find((each) => ref(each) === 'directory:/etc/cni/net.d');
    expect(folder).toMatchObject({ exclusive: true });
  });

  it('is refused across subnets, by host', async () => {
    const cluster = await labCluster();
    expect(network.problems?.(cluster, factsOf(cluster))).toEqual([]);
    const apart = hostFacts('10.77.0.22', {
      interfaces: [{ name: 'eth0', addresses: [{ address: '10.77.0.22', prefix: 32 }], mtu: 1500 }],
    });
    const facts = factsOf(cluster);
    const found = network.problems?.(cluster, { ...facts, hosts: new Map([...facts.hosts, ['w2', apart]]) }) ?? [];
    expect(found.map((each) => each.host)).toEqual(['w2']);
    expect(found[0]?.message).toContain('w1 (10.77.0.21)');
  });

  it('lays nothing of a plugin where it is none, and a route to Services where none leads there', async () => {
    const context = await labContext('network: { plugin: none }');
    expect(resources(network, context)).toEqual([]);
    const own = { ...context.own, hasDefaultRoute: false };
    expect(resources(network, { ...context, own })).toContainEqual(
      expect.objectContaining({ title: 'routes to 10.254.0.0/16 (Services): the host has no default route' }),
    );
  });
});

describe('rollout', () => {
  const masters = (cluster: Cluster): string[] => cluster.hosts.map((host) => host.name);
  it('starts nodes that serve nobody yet all at once', async () => {
    const cluster = await labCluster();
    expect(nodes.rollout?.(cluster, factsOf(cluster), masters(cluster))).toEqual([['m1', 'm2', 'm3', 'w1', 'w2']]);
  });

  it.each([
    ['nodes', nodes],
    ['runtime', runtime],
    ['network', network],
  ])('takes nodes that stand one by one also while no API server tells which there are: %s', async (_name, stage) => {
    const cluster = await labCluster();
    const owned = [{ ref: 'unit:kubelet.service', stage: 'nodes' }] as HostFacts['owned'];
    const facts = factsOf(cluster, { etcd: 'formed' }, { owned });
    const fresh = new Map([...facts.hosts, ['w2', hostFacts('10.77.0.22')]]);
    expect(stage.rollout?.(cluster, { ...facts, hosts: fresh }, masters(cluster))).toEqual([
      ['w2'],
      ['m1'],
      ['m2'],
      ['m3'],
      ['w1'],
    ]);
  });

  it("rolls masters one at a time, the VIP's holder last, then workers by share", async () => {
    const cluster = await labCluster('rollout: { workers: 50% }');
    const facts = factsOf(cluster, { nodes: registered(cluster) });
    const held = new Map([...facts.hosts, ['m1', hostFacts('10.77.0.11', { holdsVip: true })]]);
    expect(nodes.rollout?.(cluster, { ...facts, hosts: held }, masters(cluster))).toEqual([
      ['m2'],
      ['m3'],
      ['m1'],
      ['w1'],
      ['w2'],
    ]);
  });

  it('takes hosts with etcd alone one at a time, its leader last, once it has data', async () => {
    const hosts = ['e1', 'e2', 'e3'].map((name, at) => `{ name: ${name}, address: 10.77.0.3${at}, roles: [etcd] }`);
    const cluster = await labCluster(`hosts: [${hosts.join(', ')}]`);
    const all = cluster.hosts.map((host) => host.name);
    const standing = { etcd: ['e1', 'e2', 'e3'], apiServers: [], etcdLeader: 'e1' };
    const batches = (over: Partial<Facts>): unknown => network.rollout?.(cluster, factsOf(cluster, over), all);
    const nodesOf = all.filter((name) => !name.startsWith('e'));
    expect(batches({})).toEqual([all]);
    expect(batches({ etcd: 'formed', standing })).toEqual([nodesOf, ['e2'], ['e3'], ['e1']]);
    expect(batches({ etcd: 'formed', standing, nodes: registered(cluster) })).toEqual([
      ['e2'],
      ['e3'],
      ['e1'],
      ...['m1', 'm2', 'm3', 'w1', 'w2'].map((name) => [name]),
    ]);
  });

  it('drains a node only when the minor version of its kubelet changes', async () => {
    const cluster = await labCluster();
    const around = (version: string): unknown =>
      nodes.around?.({ cluster, facts: factsOf(cluster, { nodes: registered(cluster, version) }), batch: ['w1'] });
    expect(around('v1.37.0')).toEqual({ before: [], after: [], held: [] });
    expect(around('v1.36.4')).toMatchObject({
      before: [{ title: 'cordon w1' }, { title: 'drain w1' }],
      held: [{ title: 'uncordon w1' }],
    });
  });

  it.each([
    ['1.36.4', ['cordon w1', 'drain w1']],
    ['1.37.0', []],
    [undefined, []],
  ])('drains it on the way back only where that brings another one: %s', async (version, before) => {
    const cluster = await labCluster();
    const facts = factsOf(cluster, { nodes: registered(cluster) });
    const steps = nodes.around?.({ cluster, facts, batch: ['w1'], brings: () => version });
    expect(steps?.before.map(({ title }) => title)).toEqual(before);
  });

  it.each<[string, 'mcpk' | 'other' | undefined, string[], string[]]>([
    ['nobody', undefined, ['cordon w1', 'drain w1'], ['uncordon w1']],
    ['mcpk, in a run that was cut off', 'mcpk', ['cordon w1', 'drain w1'], ['uncordon w1']],
    ['an operator, who alone lifts it', 'other', ['drain w1'], []],
  ])('upgrades a node that was cordoned by %s', async (_name, cordoned, before, held) => {
    const cluster = await labCluster();
    const known = new Map(
      [...registered(cluster, 'v1.36.4')].map(([name, node]) => [
        name,
        { ...node, ...(cordoned !== undefined && name === 'w1' ? { cordoned } : {}) },
      ]),
    );
    const steps = nodes.around?.({ cluster, facts: factsOf(cluster, { nodes: known }), batch: ['w1'] });
    expect(steps?.before.map(({ title }) => title)).toEqual(before);
    expect(steps?.held?.map(({ title }) => title)).toEqual(held);
    // The drain cordons, too: its undo would lift what was there.
    expect(steps?.before.filter(({ undo }) => undo !== undefined).map(({ title }) => title)).toEqual(
      before.filter((title) => title.startsWith('cordon')),
    );
  });

  it('cordons all nodes of a batch before it drains them side by side', async () => {
    const cluster = await labCluster();
    const facts = factsOf(cluster, { nodes: registered(cluster, 'v1.36.4') });
    const steps = nodes.around?.({ cluster, facts, batch: ['w1', 'w2'] });
    expect(steps?.before).toMatchObject([
      { title: 'cordon w1', node: 'w1' },
      { title: 'cordon w2', node: 'w2' },
      { title: 'drain w1', node: 'w1', together: 'drain', long: true },
      { title: 'drain w2', node: 'w2', together: 'drain', long: true },
    ]);
  });

  it.each<[string, string[], boolean, string[]]>([
    ['another version of containerd', ['containerd'], true, ['cordon m1', 'drain m1']],
    ['runc alone, which runs nothing on', ['runc'], true, []],
    ['containerd, before there are nodes', ['containerd'], false, []],
  ])('drains a master too for %s', async (_name, moved, isThere, before) => {
    const cluster = await labCluster();
    const facts = factsOf(cluster, isThere ? { nodes: registered(cluster) } : {});
    const steps = runtime.around?.({ cluster, facts, batch: ['m1'], moving: new Map([['m1', moved]]) });
    expect(steps?.before.map(({ title }) => title)).toEqual(before);
    expect(steps?.held?.map(({ title }) => title)).toEqual(before.length > 0 ? ['uncordon m1'] : []);
  });

  it('drains no node whose containerd is away: no pod would end there', async () => {
    const cluster = await labCluster();
    const owned = [{ ref: 'unit:containerd.service', stage: 'runtime' }] as HostFacts['owned'];
    const facts = (runs: HostFacts['runs']) => factsOf(cluster, { nodes: registered(cluster) }, { owned, runs });
    const before = (runs: HostFacts['runs']) =>
      runtime.around?.({ cluster, facts: facts(runs), batch: ['w1'], moving: new Map([['w1', ['containerd']]]) })
        .before;
    expect(before({ containerd: '2.1.4' })).toHaveLength(2);
    expect(before({})).toEqual([]);
  });

  it.each<[string, string[]]>([
    ['{}', ['--delete-emptydir-data', '--timeout=300s']],
    ['{ timeout: 20, gracePeriod: 0 }', ['--delete-emptydir-data', '--grace-period=0', '--timeout=20s']],
    ['{ emptyDir: refuse }', ['--timeout=300s']],
    ['{ unmanaged: delete }', ['--delete-emptydir-data', '--force', '--timeout=300s']],
  ])('drains as rollout.drain %s says', async (settings, flags) => {
    const cluster = await labCluster(`rollout: { drain: ${settings} }`);
    expect(drain(cluster, 'm1', 'w1').slice(-flags.length - 2)).toEqual(['w1', '--ignore-daemonsets', ...flags]);
  });

  it('takes away the pods of a Node that was deleted, before its kubelet registers anew', async () => {
    const cluster = await labCluster();
    const gone = new Map([...registered(cluster, 'v1.37.1')].filter(([name]) => name !== 'w1'));
    const around = (own: Partial<HostFacts>): unknown =>
      nodes.around?.({ cluster, facts: factsOf(cluster, { nodes: gone }, own), batch: ['w1'] });
    expect(around({})).toEqual({ before: [], after: [], held: [] });
    const title = 'remove the pods that the deleted Node w1 left';
    const owned = [{ ref: 'unit:kubelet.service', stage: 'nodes' }] as HostFacts['owned'];
    expect(around({ owned })).toMatchObject({ before: [{ title, on: 'm1' }], after: [] });
  });
});

describe('addons', () => {
  it('label and taint the nodes by role, and touch nothing else of them', async () => {
    const node = (all: readonly Resource[], name: string): unknown =>
      all.find((each) => ref(each) === `kubeObject:v1/Node//${name}`);
    const all = resources(addons, await labContext());
    expect(node(all, 'm1')).toMatchObject({
      partial: true,
      object: {
        metadata: { labels: { 'node-role.kubernetes.io/control-plane': '' } },
        spec: { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] },
      },
    });
    expect(node(all, 'w1')).not.toHaveProperty('object.spec');
  });

  it('label all that is made, so that it can be pruned', async () => {
    const manifests = new Map([
      [
        'two',
        'apiVersion: v1\nkind: Namespace\nmetadata: { name: a }\n---\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: b, namespace: a }\n',
      ],
    ]);
    const context = { ...(await labContext('addons: { manifests: [{ name: two, source: ./two.yaml }] }')), manifests };
    const made = resources(addons, context).filter((each) => each.kind === 'kubeObject' && each.partial !== true);
    expect(made.map(ref)).toEqual(
      expect.arrayContaining([
        'kubeObject:v1/Namespace//a',
        'kubeObject:v1/ConfigMap/a/b',
        'kubeObject:apps/v1/Deployment/kube-system/coredns',
      ]),
    );
    for (const each of made)
      expect(each).toMatchObject({ object: { metadata: { labels: { 'app.kubernetes.io/managed-by': 'mcpk' } } } });
  });

  it.each([
    ['', 'forward . /etc/resolv.conf {'],
    ['addons: { coredns: { forward: [10.0.0.53, 10.0.1.53] } }', 'forward . 10.0.0.53 10.0.1.53 {'],
  ])('let CoreDNS ask for other names where the inventory says: %s', async (over, line) => {
    const made = resources(addons, await labContext(over)).filter((each) => each.kind === 'kubeObject');
    const config = made.find((each) => each.id === 'v1/ConfigMap/kube-system/coredns');
    expect(JSON.stringify(config?.object)).toContain(line);
  });

  it('read manifests as kubectl does: 0644 is octal, a date is text', async () => {
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\ndata: { mode: 0644, day: 2026-01-02 }\n';
    const context = {
      ...(await labContext('addons: { manifests: [{ name: m, source: ./m.yaml }] }')),
      manifests: new Map([['m', text]]),
    };
    expect(resources(addons, context).at(-1)).toMatchObject({ object: { data: { mode: 0o644, day: '2026-01-02' } } });
  });

  it('name a manifest that is no YAML, with its line', async () => {
    const context = {
      ...(await labContext('addons: { manifests: [{ name: m, source: ./m.yaml }] }')),
      manifests: new Map([['m', 'a: b\n c: [\n']]),
    };
    expect(() => addons.states(context)).toThrow(/manifest m: .* line 2/);
  });
});
