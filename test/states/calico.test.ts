import { describe, expect, it } from 'vitest';
import { parseIpPools } from '../../src/cluster/ip-pools.ts';
import { command } from '../../src/resources/command.ts';
import { ref } from '../../src/resources/kinds.ts';
import type { Observed, Resource } from '../../src/resources/types.ts';
import { addons } from '../../src/states/addons.ts';
import { calico } from '../../src/states/calico.ts';
import { neededImages } from '../../src/states/image-list.ts';
import { images } from '../../src/states/images.ts';
import { STAGES } from '../../src/states/index.ts';
import { network } from '../../src/states/network.ts';
import { runtime } from '../../src/states/runtime.ts';
import type { Stage } from '../../src/states/stage.ts';
import type { HostFacts } from '../../src/cluster/facts.ts';
import { emptyObserved, fileState } from '../resources/case.ts';
import { contextOf, factsOf, hostFacts, labCluster, registered } from './cluster.ts';

/** The parts of upstream's calico.yaml that mcpk changes, in its shape. */
const MANIFEST = `
---
kind: ConfigMap
apiVersion: v1
metadata: { name: calico-config, namespace: kube-system }
data:
  typha_service_name: "none"
  calico_backend: "bird"
  veth_mtu: "0"
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: ippools.crd.projectcalico.org }
spec: { group: crd.projectcalico.org }
---
kind: DaemonSet
apiVersion: apps/v1
metadata: { name: calico-node, namespace: kube-system }
spec:
  template:
    spec:
      hostNetwork: true
      initContainers:
        - { name: install-cni, image: 'quay.io/calico/cni:v3.32.2', env: [{ name: SLEEP, value: "false" }] }
      containers:
        - name: calico-node
          image: quay.io/calico/node:v3.32.2
          env:
            - { name: DATASTORE_TYPE, value: kubernetes }
            - { name: CALICO_IPV4POOL_IPIP, value: Always }
            - { name: CALICO_IPV4POOL_VXLAN, value: Never }
          livenessProbe: { exec: { command: [/bin/calico-node, -felix-live, -bird-live] }, periodSeconds: 10 }
          readinessProbe: { exec: { command: [/bin/calico-node, -felix-ready, -bird-ready] } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: calico-kube-controllers, namespace: kube-system }
spec:
  template:
    spec:
      containers:
        - name: calico-kube-controllers
          image: quay.io/calico/kube-controllers:v3.32.2
          readinessProbe: { exec: { command: [/usr/bin/check-status, -r] }, timeoutSeconds: 5, successThreshold: 2 }
`;

async function described(over = '', stages: readonly Stage[] = [calico, addons], text = MANIFEST): Promise<Resource[]> {
  const cluster = await labCluster(`network: { plugin: calico${over} }`);
  const context = contextOf(cluster, 'm1', factsOf(cluster), new Map([['calico', text]]));
  return stages.flatMap((stage) => {
    const states = stage.states(context);
    return Array.isArray(states) ? states : [];
  });
}

function objectOf(all: readonly Resource[], name: string): Record<string, unknown> {
  const found = all.find((each) => ref(each) === `kubeObject:${name}`);
  if (found?.kind !== 'kubeObject') throw new Error(`no ${name}`);
  return found.object;
}

interface NodePod {
  spec: {
    template: {
      spec: {
        initContainers: { image: string }[];
        containers: {
          image: string;
          env: { name: string; value: string }[];
          livenessProbe: Probe;
          readinessProbe: Probe;
          startupProbe: Probe;
        }[];
      };
    };
  };
}

interface Probe {
  exec: { command: string[] };
}

const NODE = 'apps/v1/DaemonSet/kube-system/calico-node';
const CONTROLLERS = 'apps/v1/Deployment/kube-system/calico-kube-controllers';

function podOf(all: readonly Resource[], name: string): NodePod['spec']['template']['spec'] {
  return (objectOf(all, name) as unknown as NodePod).spec.template.spec;
}

function nodePod(all: readonly Resource[]): NodePod['spec']['template']['spec'] {
  return podOf(all, NODE);
}

function environmentOf(all: readonly Resource[]): Record<string, string> {
  return Object.fromEntries((nodePod(all).containers[0]?.env ?? []).map(({ name, value }) => [name, value]));
}

describe('calico', () => {
  it.each([
    ['vxlan', { CALICO_IPV4POOL_IPIP: 'Never', CALICO_IPV4POOL_VXLAN: 'Always' }, 'vxlan', false],
    ['ipip', { CALICO_IPV4POOL_IPIP: 'Always', CALICO_IPV4POOL_VXLAN: 'Never', AS: '64512' }, 'bird', true],
    ['bgp', { CALICO_IPV4POOL_IPIP: 'Never', CALICO_IPV4POOL_VXLAN: 'Never', AS: '64512' }, 'bird', true],
  ])('%s is set in the pool, the backend and the probes', async (encapsulation, environment, backend, bird) => {
    const all = await described(`, calico: { encapsulation: ${encapsulation} }`);
    expect(environmentOf(all)).toMatchObject({
      ...environment,
      CALICO_IPV4POOL_CIDR: '10.244.0.0/16',
      IP_AUTODETECTION_METHOD: 'kubernetes-internal-ip',
      DATASTORE_TYPE: 'kubernetes',
    });
    expect('AS' in environmentOf(all)).toBe(bird);
    expect(objectOf(all, 'v1/ConfigMap/kube-system/calico-config')).toMatchObject({
      data: { calico_backend: backend, typha_service_name: 'none' },
    });
    expect(nodePod(all).containers[0]?.livenessProbe.exec.command.includes('-bird-live')).toBe(bird);
    expect(nodePod(all).containers[0]?.livenessProbe.exec.command).toContain('-felix-live');
  });

  it('takes MTU, AS number and registry from the inventory', async () => {
    const all = await described(', mtu: 1400, calico: { encapsulation: bgp, asNumber: 65001, registry: r.example/c }');
    expect(environmentOf(all)['AS']).toBe('65001');
    expect(objectOf(all, 'v1/ConfigMap/kube-system/calico-config')).toMatchObject({ data: { veth_mtu: '1400' } });
    expect(nodePod(all).containers[0]?.image).toBe('r.example/c/node:v3.32.2');
    expect(nodePod(all).initContainers[0]?.image).toBe('r.example/c/cni:v3.32.2');
  });

  it.each([
    ['vxlan, the host with the smallest', '10.77.0.21', 'vxlan', [9000, 1420, 1500], '1370'],
    ['ipip', '10.77.0.21', 'ipip', [1500, 1500, 1500], '1480'],
    ['bgp', '10.77.0.21', 'bgp', [9000, 9000, 9000], '9000'],
    ['vxlan, another interface has a smaller one', '10.9.0.1', 'vxlan', [1500, 1280, 1500], '1450'],
  ])(
    'derives the MTU from the interfaces that carry the pods: %s',
    async (_name, address, encapsulation, mtus, mtu) => {
      const cluster = await labCluster(`network: { plugin: calico, calico: { encapsulation: ${encapsulation} } }`);
      const [m1 = 0, w1 = 0, w2 = 0] = mtus;
      const carrying = (own: string, size: number, more: HostFacts['interfaces'] = []): HostFacts =>
        hostFacts(own, {
          interfaces: [...more, { name: 'wg0', addresses: [{ address: own, prefix: 24 }], mtu: size }],
        });
      const other = { name: 'bond1', addresses: [{ address, prefix: 24 }], mtu: w1 };
      const hosts = new Map([
        ['m1', carrying('10.77.0.11', m1)],
        ['w1', address === '10.77.0.21' ? carrying(address, w1) : carrying('10.77.0.21', 1500, [other])],
        ['w2', carrying('10.77.0.22', w2)],
      ]);
      const states = calico.states(
        contextOf(cluster, 'm1', factsOf(cluster, { hosts }), new Map([['calico', MANIFEST]])),
      );
      const config = objectOf(Array.isArray(states) ? states : [], 'v1/ConfigMap/kube-system/calico-config');
      expect(config).toMatchObject({ data: { veth_mtu: mtu } });
    },
  );

  it.each([
    [
      'one that has no default route',
      false,
      false,
      ["169.254.1.1 (the gateway of Calico's pods)", '10.254.0.0/16 (Services)'],
    ],
    ['one that has a link-local network, and no default route', true, false, ['10.254.0.0/16 (Services)']],
    ['another one', true, true, []],
  ])(
    'gives a host routes to the pods’ gateway and to Services: %s',
    async (_name, routesPodGateway, hasDefaultRoute, named) => {
      const cluster = await labCluster('network: { plugin: calico }');
      const own = hostFacts('10.77.0.21', {
        routesPodGateway,
        hasDefaultRoute,
        interfaces: [
          { name: 'eth0', addresses: [{ address: '10.9.0.1', prefix: 24 }], mtu: 1500 },
          { name: 'eth1', addresses: [{ address: '10.77.0.21', prefix: 24 }], mtu: 1500 },
        ],
      });
      const all = network.states(contextOf(cluster, 'w1', factsOf(cluster, { hosts: new Map([['w1', own]]) })));
      if (!Array.isArray(all)) throw new Error('deferred');
      const routes = named.map((each) => `${each.replace(/ .*/, '')} dev eth1`);
      const batch = all.find((each) => each.kind === 'file' && each.path === '/etc/mcpk/network/routes');
      expect(batch?.kind === 'file' ? String(batch.content).split('\n') : []).toEqual(
        routes.length === 0
          ? []
          : ['route flush proto 77', ...routes.map((route) => `route replace ${route} proto 77`), ''],
      );
      const command = all.find((each) => each.kind === 'command');
      expect(command?.title).toBe(
        routes.length === 0 ? undefined : `routes to ${named.join(' and ')}: the host has no default route`,
      );
      const unit = all.find((each) => each.kind === 'file' && each.path.endsWith('/mcpk-network.service'));
      expect(unit?.kind === 'file' && String(unit.content)).not.toContain('nft -f');
    },
  );

  it('keeps the images of the manifest unless a registry is given', async () => {
    expect(nodePod(await described()).containers[0]?.image).toBe('quay.io/calico/node:v3.32.2');
  });

  it('reaches the API through the endpoint', async () => {
    expect(objectOf(await described(), 'v1/ConfigMap/kube-system/kubernetes-services-endpoint')).toMatchObject({
      data: { KUBERNETES_SERVICE_HOST: '10.77.0.100', KUBERNETES_SERVICE_PORT: '443' },
    });
  });

  it.each([
    ['is not there', undefined, /was not loaded/],
    [
      'is another one',
      'apiVersion: v1\nkind: Namespace\nmetadata: { name: tigera-operator }\n',
      /no ConfigMap calico-config/,
    ],
    ['is a page', '<html>404</html>', /manifest calico/],
  ])('is refused when the manifest %s', async (_title, text, message) => {
    const cluster = await labCluster('network: { plugin: calico }');
    const manifests = new Map(text === undefined ? [] : [['calico', text]]);
    expect(() => calico.states(contextOf(cluster, 'm1', factsOf(cluster), manifests))).toThrow(message);
  });

  it('brings its own plugins and leaves only its own files in the CNI folder', async () => {
    const cluster = await labCluster('network: { plugin: calico }');
    const context = contextOf(cluster, 'w1', factsOf(cluster));
    expect(network.states(context)).toContainEqual(
      expect.objectContaining({
        path: '/etc/cni/net.d',
        exclusive: true,
        except: ['10-calico.conflist', 'calico-kubeconfig'],
      }),
    );
    const states = runtime.states(context);
    expect(Array.isArray(states) && states.filter((each) => each.kind === 'link')).toEqual([]);
  });

  it('is up on every node before pods come that need its network', async () => {
    const cluster = await labCluster('network: { plugin: calico }');
    const titles = (stage: Stage): string[] =>
      stage.gate?.({ cluster, facts: factsOf(cluster), hosts: ['m1'] }).map((gate) => gate.title) ?? [];
    const ready = cluster.hosts.map(({ name }) => `node ${name} Ready`);
    expect(titles(calico)).toEqual(['DaemonSet kube-system/calico-node rolled out', ...ready]);
    const rolledOut = ['calico-kube-controllers', 'coredns'].map((name) => `Deployment kube-system/${name} rolled out`);
    expect(titles(addons)).toEqual(rolledOut);

    const [network, others] = [await described('', [calico]), await described('', [addons])];
    const named = (all: readonly Resource[], kind: string): string[] =>
      all.map(ref).filter((name) => name.includes(`/${kind}/`));
    expect(named(network, 'DaemonSet')).toEqual([`kubeObject:${NODE}`]);
    expect(named(network, 'Deployment')).toEqual([]);
    expect(named(others, 'Deployment')).toEqual([
      `kubeObject:${CONTROLLERS}`,
      'kubeObject:apps/v1/Deployment/kube-system/coredns',
    ]);
    expect(addons.needs).toContain(calico.name);
  });

  it('takes what runs on the network of the hosts for a part of it', async () => {
    const typha = (setting: string): Promise<Resource[]> =>
      described(
        '',
        [calico],
        `${MANIFEST}---
apiVersion: apps/v1
kind: Deployment
metadata: { name: calico-typha, namespace: kube-system }
spec: { template: { spec: { ${setting}, containers: [] } } }
`,
      );
    const name = 'kubeObject:apps/v1/Deployment/kube-system/calico-typha';
    expect((await typha('hostNetwork: true')).map(ref)).toContain(name);
    expect((await typha('hostNetwork: false')).map(ref)).not.toContain(name);
  });

  it.each(['vxlan', 'ipip', 'bgp'])('with %s is seen soon to be up, whatever peers do', async (encapsulation) => {
    const all = await described(`, calico: { encapsulation: ${encapsulation} }`);
    const often = { periodSeconds: 2, failureThreshold: 300, successThreshold: 1 };
    const [node, controllers] = [podOf(all, NODE).containers[0], podOf(all, CONTROLLERS).containers[0]];
    expect(node?.startupProbe).toEqual({ exec: { command: ['/bin/calico-node', '-felix-ready'] }, ...often });
    const asked = { exec: { command: ['/usr/bin/check-status', '-r'] }, timeoutSeconds: 5 };
    expect(controllers?.startupProbe).toEqual({ ...asked, ...often });
    expect(controllers?.readinessProbe).toEqual({ ...asked, successThreshold: 2 });
    expect(node?.readinessProbe.exec.command.includes('-bird-ready')).toBe(encapsulation !== 'vxlan');
  });

  it('keeps a startup probe of the manifest', async () => {
    const own = { exec: { command: ['own'] } };
    const text = MANIFEST.replace('readinessProbe:', `startupProbe: ${JSON.stringify(own)}\n          readinessProbe:`);
    expect(nodePod(await described('', [calico], text)).containers[0]?.startupProbe).toEqual(own);
  });

  it('brings nothing where the network is another one', async () => {
    const cluster = await labCluster('network: { plugin: bridge }');
    const context = contextOf(cluster, 'm1', factsOf(cluster), new Map());
    expect(calico.states(context)).toEqual([]);
    expect(calico.gate?.({ cluster, facts: factsOf(cluster), hosts: ['m1'] })).toEqual([]);
  });
});

describe('images of Calico', () => {
  const pulled = async (over = ''): Promise<Resource[]> => {
    const cluster = await labCluster(`network: { plugin: calico${over} }`);
    return images.states(contextOf(cluster, 'w1', factsOf(cluster), new Map([['calico', MANIFEST]]))) as Resource[];
  };

  it.each([
    ['of the manifest', '', 'quay.io/calico'],
    ['from another registry', ', calico: { registry: r.example/c }', 'r.example/c'],
  ])('that every node needs are pulled on a new host: %s', async (_name, over, registry) => {
    const title = `pull registry.k8s.io/pause:3.10.1, ${registry}/cni:v3.32.2, ${registry}/node:v3.32.2`;
    expect(await pulled(over)).toMatchObject([{ kind: 'command', title }]);
  });

  it('are among those that a mirror must have, with the controllers of it', async () => {
    const cluster = await labCluster('network: { plugin: calico, calico: { registry: r.example/c } }');
    const all = neededImages(cluster, new Map([['calico', MANIFEST]]));
    expect(all.filter(({ wantedBy }) => wantedBy.includes('Calico')).map(({ image }) => image)).toEqual(
      ['cni', 'kube-controllers', 'node'].map((name) => `r.example/c/${name}:v3.32.2`),
    );
  });

  it('are not pulled on a host where its pods have been', async () => {
    const [pull] = await pulled();
    if (pull?.kind !== 'command') throw new Error('nothing is pulled');
    const context = {
      host: 'w1',
      shared: new Map(),
      owned: new Map(),
      of: () => undefined,
      pathsOf: () => [],
      now: new Date(0),
    };
    const seen = (paths: Observed['paths']): unknown => command.compare(pull, { ...emptyObserved(), paths }, context);
    expect(seen({})).toMatchObject({ result: 'change', verb: 'run' });
    const conflist = '/etc/cni/net.d/10-calico.conflist';
    expect(seen({ [conflist]: fileState() })).toMatchObject({ result: 'unchanged', reason: `${conflist} exists` });
  });

  it('are waited for by no stage, and pulled before there are nodes', () => {
    expect(STAGES.filter(({ needs }) => needs.includes(images.name))).toEqual([]);
    expect(images).not.toHaveProperty('gate');
    expect(images.needs).toEqual([runtime.name]);
  });
});

describe('a network that runs', () => {
  const pool = {
    metadata: { name: 'default-ipv4-ippool' },
    spec: { cidr: '10.244.0.0/16', ipipMode: 'Never', vxlanMode: 'Always' },
  };
  const answer = (items: unknown[]): Parameters<typeof parseIpPools>[0] => ({
    host: 'm1',
    exitCode: 0,
    stdout: `HTTP/1.0 200 OK\r\n\r\n${JSON.stringify({ items })}`,
    stderr: '',
  });

  it.each([
    ['keeps its pool', '', 0],
    ['is not re-encapsulated', ', calico: { encapsulation: bgp }', 1],
    ['does not change its addresses', ', podCidr: 10.100.0.0/16', 1],
  ])('%s', async (_title, over, count) => {
    const cluster = await labCluster(`network: { plugin: calico${over} }`);
    const ipPools = parseIpPools(answer([pool, { metadata: { name: 'six' }, spec: { cidr: 'fd00::/48' } }])) ?? [];
    expect(network.problems?.(cluster, factsOf(cluster, { ipPools }))).toHaveLength(count);
  });

  it('keeps the part of podCidr that each node has, whatever the plugin', async () => {
    const cluster = await labCluster('network: { podCidr: 10.100.0.0/16 }');
    const found = network.problems?.(cluster, factsOf(cluster, { nodes: registered(cluster) })) ?? [];
    expect(found.map((each) => each.host)).toEqual(['m1', 'm2', 'm3', 'w1', 'w2']);
  });
});
