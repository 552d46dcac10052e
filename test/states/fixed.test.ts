import { describe, expect, it } from 'vitest';
import { parseServices } from '../../src/cluster/services.ts';
import type { Facts, HostFacts } from '../../src/cluster/facts.ts';
import { Secret } from '../../src/core/secret.ts';
import { apiServer } from '../../src/states/api-server.ts';
import { controllers } from '../../src/states/controllers.ts';
import { network } from '../../src/states/network.ts';
import { nodes } from '../../src/states/nodes.ts';
import type { Problem } from '../../src/states/stage.ts';
import { contextOf, factsOf, labCluster, registered } from './cluster.ts';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';

/** A cluster that runs with the lab's settings, as mcpk laid it down. */
async function running(plugin: 'bridge' | 'calico' | 'none', over: Partial<Facts> = {}): Promise<Facts> {
  const cluster = await labCluster(`network: { plugin: ${plugin} }`);
  const nodes = registered(cluster);
  const formed = factsOf(cluster, {
    etcd: 'formed',
    nodes,
    services: { kubernetes: '10.254.0.1', dns: '10.254.0.10' },
  });
  const hosts = new Map(
    cluster.hosts.map(({ name, roles }): [string, HostFacts] => {
      const master = roles.includes('master');
      const own = formed.hosts.get(name) as HostFacts;
      const ranges = { services: '10.254.0.0/16', pods: '10.244.0.0/16' };
      const kept = { domain: 'cluster.local', ...(master ? { issuer: ISSUER, etcdPrefix: '/registry' } : {}) };
      const laid = network.states(contextOf(cluster, name, formed));
      const owned = [...(Array.isArray(laid) ? laid : [])].flatMap((each) =>
        each.kind === 'file' || each.kind === 'directory'
          ? [{ ref: `${each.kind}:${each.path}`, hash: '', stage: 'network' }]
          : [],
      );
      const nodeUnit = { ref: 'unit:kubelet.service', hash: '', stage: 'nodes' };
      return [name, { ...own, kept, owned: [nodeUnit, ...owned], ...(master ? { ranges } : {}) }];
    }),
  );
  return { ...formed, hosts, ...over };
}

/** Nobody answers for the API; the hosts are as they were. */
function silent({ nodes: _nodes, services: _services, ipPools: _pools, ...rest }: Facts): Facts {
  return rest;
}

async function refused(inventory: string, facts: Facts): Promise<Problem[]> {
  const found = network.problems?.(await labCluster(inventory), facts) ?? [];
  expect(found.map(({ code }) => code)).toEqual(found.map(() => 'refused'));
  for (const { hint } of found) expect(hint).toBeTruthy();
  return found;
}

function withRanges(facts: Facts, ranges: Record<string, HostFacts['ranges']>): Facts {
  const over = Object.entries(ranges).map(([name, range]): [string, HostFacts] => [
    name,
    { ...(facts.hosts.get(name) as HostFacts), ranges: range ?? {} },
  ]);
  return { ...facts, hosts: new Map([...facts.hosts, ...over]) };
}

const POOL = [{ name: 'default-ipv4-ippool', cidr: '10.244.0.0/16', encapsulation: 'vxlan' as const }];

describe('services keep their network', () => {
  it('a cluster that runs as the inventory says has no problem', async () => {
    for (const facts of [await running('bridge'), silent(await running('bridge'))])
      expect(await refused('', facts)).toEqual([]);
  });

  it.each([
    ['while the API answers', (facts: Facts) => facts, '10.254.0.0/16, the Service kubernetes has 10.254.0.1'],
    ['while no API server answers', silent, '10.254.0.0/16'],
  ])('%s', async (_when, seen, runs) => {
    const [problem, ...more] = await refused('network: { serviceCidr: 10.96.0.0/16 }', seen(await running('bridge')));
    expect(more).toEqual([]);
    expect(problem?.message).toBe(
      `network.serviceCidr: the inventory wants 10.96.0.0/16, and the services of this cluster run in another network (${runs})`,
    );
    expect(problem?.hint).toContain('network.serviceCidr: 10.254.0.0/16 back');
  });

  it('and its size', async () => {
    const found = await refused('network: { serviceCidr: 10.254.0.0/20 }', await running('bridge'));
    expect(found.map(({ message }) => message)).toEqual([expect.stringContaining('wants 10.254.0.0/20')]);
  });

  it('and after a change that was cut off half-way the Service decides, so that the old one can be put back', async () => {
    const half = withRanges(await running('bridge'), { m1: { services: '10.96.0.0/16' } });
    expect(await refused('', half)).toEqual([]);
    expect(await refused('network: { serviceCidr: 10.96.0.0/16 }', half)).toHaveLength(1);
  });

  it('but a range with which no API server ever came up may be mended', async () => {
    const formed = factsOf(await labCluster(), { etcd: 'formed' });
    const never = withRanges(formed, { m1: { services: '10.96.0.0/30' } });
    expect(await refused('', never)).toEqual([]);
  });

  it('but the flags may name a second range, of IPv6', async () => {
    const dual = withRanges(await running('bridge'), { m1: { services: '10.254.0.0/16,fd00::/108' } });
    const inventory = (range: string): string => `apiServer: { extraArgs: { service-cluster-ip-range: '${range}' } }`;
    expect(await refused(inventory('10.254.0.0/16,fd00::/108'), dual)).toEqual([]);
    expect(await refused('network: { serviceCidr: 10.96.0.0/16 }', dual)).toHaveLength(1);
  });

  it('the DNS service keeps its address', async () => {
    const [problem, ...more] = await refused(
      'addons: { coredns: { serviceAddress: 10.254.0.53 } }',
      await running('bridge'),
    );
    expect(more).toEqual([]);
    expect(problem?.message).toContain('wants 10.254.0.53, and the Service kube-dns has 10.254.0.10');
  });

  it('their addresses come from the API', () => {
    const answer = (body: unknown, status = '200 OK'): Parameters<typeof parseServices>[0][number] => ({
      host: 'm1',
      exitCode: 0,
      stdout: `HTTP/1.1 ${status}\r\n\r\n${JSON.stringify(body)}`,
      stderr: '',
    });
    const kubernetes = answer({ spec: { clusterIP: '10.254.0.1' } });
    expect(parseServices([kubernetes, answer({}, '404 Not Found')])).toEqual({ kubernetes: '10.254.0.1' });
    expect(parseServices([answer(null), answer({ spec: { clusterIP: 5 } })])).toEqual({});
  });
});

describe('pods keep their network', () => {
  it.each<['bridge' | 'calico', 'bridge' | 'calico', Partial<Facts>]>([
    ['bridge', 'calico', { ipPools: [] }],
    ['calico', 'bridge', { ipPools: POOL }],
  ])('%s does not become %s', async (from, to, more) => {
    for (const facts of [await running(from, more), silent(await running(from))]) {
      const [problem, ...others] = await refused(`network: { plugin: ${to} }`, facts);
      expect(others).toEqual([]);
      expect(problem?.message).toBe(
        `network.plugin: the inventory wants ${to}, and ${from} runs on m1, m2, m3, w1, w2`,
      );
      expect(problem?.hint).toContain(`network.plugin: ${from} back`);
      expect(await refused(`network: { plugin: ${from} }`, facts)).toEqual([]);
    }
  });

  it.each(['bridge', 'calico'])('%s may follow none, and Calico that never ran', async (to) => {
    const ownNetwork = await running('none', { ipPools: POOL });
    expect(await refused(`network: { plugin: ${to} }`, ownNetwork)).toEqual([]);
    expect(await refused(`network: { plugin: ${to} }`, await running('calico', { ipPools: [] }))).toEqual([]);
  });

  it('a change that was cut off half-way can go on, and back', async () => {
    const [bridge, calico] = [await running('bridge'), await running('calico')];
    const hosts = new Map([...bridge.hosts, ['m1', calico.hosts.get('m1') as HostFacts] as const]);
    for (const plugin of ['bridge', 'calico'])
      expect(await refused(`network: { plugin: ${plugin} }`, { ...bridge, hosts })).toEqual([]);
  });

  it('podCidr stays while no API server answers, too', async () => {
    const wanted = 'network: { podCidr: 10.100.0.0/16 }';
    expect((await refused(wanted, await running('bridge'))).map(({ host }) => host)).toEqual([
      'm1',
      'm2',
      'm3',
      'w1',
      'w2',
    ]);
    const [problem, ...more] = await refused(wanted, silent(await running('bridge')));
    expect(more).toEqual([]);
    expect(problem?.message).toContain('wants 10.100.0.0/16, and the pods of this cluster run in 10.244.0.0/16');
    expect(problem?.hint).toContain('network.podCidr: 10.244.0.0/16 back');
  });

  it('a wider podCidr that has every node is taken', async () => {
    expect(await refused('network: { podCidr: 10.244.0.0/15 }', await running('bridge'))).toEqual([]);
  });
});

describe('names that running pods and their tokens hold', () => {
  const DOMAIN = 'network: { domain: example.internal }';
  const issuer = (value: string): string => `apiServer: { extraArgs: { service-account-issuer: '${value}' } }`;
  const prefix = (value: string): string => `apiServer: { extraArgs: { etcd-prefix: ${value} } }`;

  it('the domain is kept, whether the API answers or not, and every host that runs by the old one named', async () => {
    for (const facts of [await running('bridge'), silent(await running('bridge'))]) {
      const [problem, ...more] = await refused(DOMAIN, facts);
      expect(more).toEqual([]);
      expect(problem?.message).toBe(
        'network.domain: the inventory wants example.internal, and m1, m2, m3, w1, w2 run by cluster.local',
      );
      expect(problem?.hint).toContain('network.domain: cluster.local back');
    }
  });

  it('also where it comes by way of kubelet.config, and where only the API servers are left to tell', async () => {
    const [byKubelet] = await refused('kubelet: { config: { clusterDomain: other } }', await running('bridge'));
    expect(byKubelet?.message).toContain('kubelet.config.clusterDomain: the inventory wants other');
    const facts = await running('bridge');
    const hosts = new Map([...facts.hosts].map(([name, own]) => [name, { ...own, kept: issuerOnly(own) }]));
    const [byIssuer, ...more] = await refused(DOMAIN, { ...facts, hosts });
    expect(more).toEqual([]);
    expect(byIssuer?.message).toBe(
      'network.domain: the inventory wants example.internal, and m1, m2, m3 run by cluster.local',
    );
  });

  it('a change that was cut off half-way may go on or go back', async () => {
    const facts = await running('bridge');
    const own = facts.hosts.get('w1') as HostFacts;
    const half = { ...facts, hosts: new Map(facts.hosts).set('w1', { ...own, kept: { domain: 'example.internal' } }) };
    expect(await refused('', half)).toEqual([]);
    expect(await refused(`${DOMAIN}\n${issuer(ISSUER)}`, half)).toEqual([]);
  });

  it('before an API server ever answered nothing is kept', async () => {
    const formed = factsOf(await labCluster(), { etcd: 'formed' }, { kept: { domain: 'cluster.local' } });
    expect(await refused(DOMAIN, formed)).toEqual([]);
  });

  it('the issuer of tokens is kept', async () => {
    const [problem, ...more] = await refused(issuer('https://id.example.org'), await running('bridge'));
    expect(more).toEqual([]);
    expect(problem?.message).toBe(
      `apiServer.extraArgs.service-account-issuer: the inventory wants https://id.example.org, and m1, m2, m3 run by ${ISSUER}`,
    );
    expect(await refused(issuer(ISSUER), await running('bridge'))).toEqual([]);
  });

  it('where in etcd all objects lie is kept', async () => {
    const [problem, ...more] = await refused(prefix('/other'), await running('bridge'));
    expect(more).toEqual([]);
    expect(problem?.message).toBe(
      'apiServer.extraArgs.etcd-prefix: the inventory wants /other, and m1, m2, m3 run by /registry',
    );
    expect(await refused(prefix('/registry'), await running('bridge'))).toEqual([]);
  });
});

function issuerOnly({ kept }: HostFacts): NonNullable<HostFacts['kept']> {
  const { domain: _domain, ...rest } = kept ?? {};
  return rest;
}

describe("a node's part of podCidr", () => {
  async function parts(over: Record<string, string>, inventory = ''): Promise<Problem[]> {
    const facts = await running('bridge');
    const nodes = new Map(facts.nodes);
    for (const [name, podCidr] of Object.entries(over))
      nodes.set(name, { name, podCidr, ready: true, kubeletVersion: 'v1.37.1' });
    return refused(inventory, { ...facts, nodes });
  }

  it.each([
    ['half of the part of another', { w2: '10.244.0.0/25' }, 'w2: 10.244.0.0/25 is no /24'],
    ['several parts', { w2: '10.244.0.0/22' }, 'w2: 10.244.0.0/22 is no /24'],
    ['not at the beginning of a part', { w2: '10.244.9.7/24' }, 'w2: 10.244.9.7/24 is no /24'],
    ['of IPv6', { w2: 'fd00::/64' }, 'w2: its pods have addresses of fd00::/64'],
    ["another's", { w2: '10.244.0.0/24' }, "w2: 10.244.0.0/24 is m1's too"],
    ['beyond podCidr', { w2: '10.0.0.0/8' }, 'w2: its pods have addresses of 10.0.0.0/8'],
  ])('%s is refused, and the node named', async (_what, over, wanted) => {
    const found = await parts(over);
    const said = found.map(
      ({ host, message }) =>
        `${String(host)}: ${message.replace('the pod network of its node, ', '').replace(',', '')}`,
    );
    expect(said).toEqual([expect.stringContaining(wanted)]);
  });

  it('is of the size that the controller-manager is told', async () => {
    const quarter = {
      m1: '10.244.0.0/26',
      m2: '10.244.0.64/26',
      m3: '10.244.0.128/26',
      w1: '10.244.0.192/26',
      w2: '10.244.1.0/26',
    };
    expect(await parts(quarter, 'network: { nodePrefix: 26 }')).toEqual([]);
    expect(await parts(quarter, 'controllerManager: { extraArgs: { node-cidr-mask-size: 26 } }')).toEqual([]);
    expect(await parts(quarter)).toHaveLength(5);
  });

  it('is refused also of a node that registers in the middle of the run', async () => {
    const facts = await running('bridge');
    const nodes = new Map(facts.nodes).set('w2', {
      name: 'w2',
      podCidr: '10.244.0.0/25',
      ready: false,
      kubeletVersion: '',
    });
    const context = contextOf(await labCluster(), 'm1', { ...facts, nodes });
    expect(() => network.states(context)).toThrow(expect.objectContaining({ code: 'refused', host: 'w2' }));
  });
});

describe('what runs is read', () => {
  async function decoded(...inventory: string[]): Promise<{ facts: HostFacts; request: string; paths: string[] }> {
    const { decodeFacts, encodeFacts } = await import('../../src/engine/wire/wire-facts.ts');
    const context = contextOf(await labCluster(...inventory), 'm1', factsOf(await labCluster()));
    const written = [apiServer, controllers, nodes].flatMap((stage) => {
      const states = stage.states(context);
      return Array.isArray(states) ? states.flatMap((each) => (each.kind === 'file' ? [each] : [])) : [];
    });
    const files = written.filter(({ path }) => /\.service$|kubelet\/config\.yaml$/.test(path));
    const texts = [{ path: '/proc/meminfo', content: 'MemTotal: 1 kB\n' }, ...files];
    const text = (content: string | Secret): string => (content instanceof Secret ? content.reveal() : content);
    const body = texts.map(({ path, content }) => `==> .${path} <==\n${text(content)}\n`).join('');
    const records = ['facts', 'network', 'filesystems', 'ports', 'clock'].map((kind) => ({
      kind,
      args: [],
      body: Buffer.from(''),
    }));
    const answer = [{ kind: 'texts', args: [], body: Buffer.from(body) }, ...records];
    const facts = decodeFacts(answer, { host: 'm1', sentAt: 0, receivedAt: 0 });
    return { facts, request: encodeFacts({ etcdLog: '/e' }).toString(), paths: files.map(({ path }) => path) };
  }

  it('from the files that mcpk writes, of which no text stays in the facts', async () => {
    const { facts, request, paths } = await decoded();
    expect(facts).toMatchObject({
      ranges: { services: '10.254.0.0/16', pods: '10.244.0.0/16' },
      kept: { domain: 'cluster.local', issuer: ISSUER, etcdPrefix: '/registry' },
      files: {},
    });
    for (const path of paths.filter((each) => !/scheduler|kubelet\.service|kube-proxy/.test(each)))
      expect(request).toContain(path);
  });

  it('also where the inventory sets it itself', async () => {
    const { facts } = await decoded(
      "apiServer: { extraArgs: { service-account-issuer: 'https://id.example.org/a?b', etcd-prefix: /other } }",
      'kubelet: { config: { clusterDomain: a.b } }',
    );
    expect(facts.kept).toEqual({ domain: 'a.b', issuer: 'https://id.example.org/a?b', etcdPrefix: '/other' });
  });
});

describe('a network that somebody else laid', () => {
  const withFiles = (facts: Facts, cniFiles: string[]): Facts => ({
    ...facts,
    hosts: new Map([...facts.hosts].map(([name, own]) => [name, name === 'w1' ? { ...own, cniFiles } : own])),
  });
  const problems = async (facts: Facts, plugin: string): Promise<readonly Problem[]> =>
    network.problems?.(await labCluster(`network: { plugin: ${plugin} }`), facts) ?? [];

  it.each(['calico', 'bridge'])('is not removed from nodes that stand: none to %s', async (plugin) => {
    const facts = withFiles(await running('none'), ['05-cilium.conflist']);
    expect(await problems(facts, plugin)).toMatchObject([
      {
        code: 'refused',
        host: 'w1',
        message: expect.stringContaining('has 05-cilium.conflist in /etc/cni/net.d') as string,
      },
    ]);
  });

  it.each<[string, 'none' | 'calico' | 'bridge', string, string[]]>([
    ['where none is there', 'none', 'calico', []],
    ['while it is wanted', 'none', 'none', ['05-cilium.conflist']],
    ['what Calico itself wrote', 'none', 'calico', ['10-calico.conflist', 'calico-kubeconfig']],
    ['in a folder that is ours: it leaves as drift', 'calico', 'calico', ['05-cilium.conflist']],
  ])('is no reason to refuse: %s', async (_name, runs, wanted, files) => {
    expect(await problems(withFiles(await running(runs), files), wanted)).toEqual([]);
  });

  it('nor on a host that is no node yet', async () => {
    const facts = withFiles(await running('none'), ['87-podman.conflist']);
    const nodes = new Map([...(facts.nodes ?? [])].filter(([name]) => name !== 'w1'));
    expect(await problems({ ...facts, nodes }, 'calico')).toEqual([]);
  });
});
