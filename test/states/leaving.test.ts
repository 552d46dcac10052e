import { describe, expect, it } from 'vitest';
import type { Facts, HostFacts, OwnedEntry } from '../../src/cluster/facts.ts';
import { contactable, type Cluster, type Host } from '../../src/inventory/types.ts';
import { departure } from '../../src/states/departure.ts';
import { etcd } from '../../src/states/etcd.ts';
import { keepalived } from '../../src/states/keepalived.ts';
import { removal } from '../../src/states/removal.ts';
import { retirement } from '../../src/states/retirement.ts';
import type { Stage, StepAround } from '../../src/states/stage.ts';
import { contextOf, hostFacts, labCluster } from './cluster.ts';

const MASTER = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'etcd',
  'haproxy',
  'keepalived',
  'kubelet',
];
const WORKER = ['kubelet', 'kube-proxy', 'containerd'];

const units = (names: readonly string[]): OwnedEntry[] =>
  names.map((name) => ({ ref: `unit:${name}.service`, hash: 'h', stage: 's' }));

/** As each host was before: what it owns is of its roles in the lab. */
function facts(cluster: Cluster, over: Partial<Facts> = {}, own: Record<string, Partial<HostFacts>> = {}): Facts {
  const of = (host: Host): HostFacts =>
    hostFacts(host.internalAddress, {
      hostname: host.name,
      owned: units(host.name.startsWith('m') ? MASTER : WORKER),
      ...own[host.name],
    });
  const all = [...cluster.hosts, ...cluster.leaving];
  return {
    hosts: new Map(contactable(cluster).map((host) => [host.name, of(host)])),
    unreachable: [],
    etcd: 'formed',
    apiHost: 'm1',
    nodes: new Map(all.map(({ name }) => [name, { name, ready: true, kubeletVersion: 'v1.37.1' }])),
    ...over,
  };
}

const STAGES: readonly Stage[] = [departure, retirement, removal];

/** `stage before HOST: title`, of all hosts at once. */
function steps(cluster: Cluster, seen: Facts): string[] {
  return STAGES.filter((stage) => !stage.idle?.(cluster, seen)).flatMap((stage) => {
    const batch = stage.due?.(cluster, seen) ?? [];
    const { before = [], after = [] } = stage.around?.({ cluster, facts: seen, batch }) ?? {};
    const told = (when: string, all: readonly StepAround[]): string[] =>
      all.map(({ on, title }) => `${stage.name} ${when} ${on}: ${title}`);
    return [...told('before', before), ...told('after', after)];
  });
}

const stated = (name: string, state: string): Promise<Cluster> =>
  labCluster(`hosts: [{ name: ${name}, state: ${state} }]`);

describe('a host that leaves', () => {
  it('as a worker is drained, forgotten by the API, and cleared', async () => {
    const cluster = await stated('w2', 'absent');
    expect(steps(cluster, facts(cluster))).toEqual([
      'departure before m1: cordon w2',
      'departure before m1: drain w2',
      'removal before w2: stop the kubelet of w2',
      'removal before m1: delete the Node w2',
      'removal before w2: end the pods of w2',
      'removal before w2: take the network of the pods off w2',
      'removal before w2: destroy the keys and data of w2',
      'removal after w2: take off w2 what mcpk kept there for itself',
    ]);
  });

  it('as a master hands over the VIP and stops its API server before its member of etcd goes', async () => {
    const cluster = await stated('m3', 'absent');
    const told = steps(cluster, facts(cluster));
    expect(told.filter((step) => !step.startsWith('removal'))).toEqual([
      'departure before m1: cordon m3',
      'departure before m1: drain m3',
      'departure before m3: stop Keepalived of m3',
      'retirement before m3: stop the API server of m3 gracefully',
    ]);
    expect(told).toContain('removal before m1: delete the Lease of the API server of m3');
  });

  // First of all: gates of stages wait for pods, and nobody ends those that such a host had.
  it('that is gone is spoken of with the API alone', async () => {
    const cluster = await stated('m3', 'gone');
    expect(steps(cluster, facts(cluster))).toEqual([
      'departure before m1: delete the Lease of the API server of m3',
      'departure before m1: delete the Node m3',
      'departure before m1: delete the pods that m3 had',
    ]);
  });

  it.each(['absent', 'gone'])('has left: nothing is to be done: %s', async (state) => {
    const cluster = await stated('m3', state);
    const nodes = new Map([...(facts(cluster).nodes ?? [])].filter(([name]) => name !== 'm3'));
    const left = facts(cluster, { nodes }, { m3: { owned: [] } });
    expect(STAGES.map((stage) => stage.idle?.(cluster, left))).toEqual([true, true, true]);
    // Cut off after the last of it was taken off, and before mcpk's own.
    const cutOff = facts(cluster, { nodes }, { m3: { owned: [], unfinished: true } });
    expect(removal.idle?.(cluster, cutOff)).toBe(state === 'gone');
  });

  it('keeps the cordon of somebody else, as it was', async () => {
    const cluster = await stated('w2', 'absent');
    const seen = facts(cluster);
    const node = { name: 'w2', ready: true, kubeletVersion: 'v1.37.1', cordoned: 'other' as const };
    expect(steps(cluster, { ...seen, nodes: new Map([...(seen.nodes ?? []), ['w2', node]]) })).not.toContain(
      'departure before m1: cordon w2',
    );
  });

  it('waits for an API server that can take its pods elsewhere', async () => {
    const cluster = await stated('w2', 'absent');
    const { nodes: _, ...seen } = facts(cluster);
    expect(departure.problems?.(cluster, seen)).toMatchObject([{ code: 'refused', host: 'w2' }]);
    expect(departure.problems?.(cluster, facts(cluster))).toEqual([]);
  });

  it('of the masters stops its API server only where another one is ready', async () => {
    const cluster = await stated('m3', 'absent');
    const context = { cluster, facts: facts(cluster), batch: ['m3'], earlier: [], restarting: new Map(), ahead: true };
    const [guard] = retirement.guard?.(context) ?? [];
    const ready = (host: string, status: number): never =>
      ({ host, exitCode: 0, stdout: `HTTP/1.1 ${String(status)} X\r\n\r\n`, stderr: '' }) as never;
    expect(guard?.check([ready('m1', 503), ready('m2', 200), ready('m3', 200)])).toBeUndefined();
    expect(guard?.check([ready('m1', 503), ready('m2', 503), ready('m3', 200)])).toContain('m1: HTTP 503');
  });
});

describe('an API server that the stage which stops it left running', () => {
  const ready = (host: string, status?: number): never =>
    ({
      host,
      exitCode: status ? 0 : 7,
      stdout: status ? `HTTP/1.1 ${String(status)} X\r\n\r\n` : '',
      stderr: '',
    }) as never;
  it.each([
    ['m3 goes as a whole', 'hosts: [{ name: m3, state: absent }]', removal, ['m3']],
    ['m3 is a worker from now on', 'hosts: [{ name: m3, roles: [worker] }]', removal, ['m3']],
    ['its member leaves', 'hosts: [{ name: m3, state: absent }]', etcd, ['m1']],
  ] as const)('goes only where another one is ready: %s', async (_title, over, stage, batch) => {
    const cluster = await labCluster(over);
    const members = ['m1', 'm2', 'm3'].map((name) => ({ name, peerUrls: [`https://${name}:2380`] }));
    const data = Object.fromEntries(members.map(({ name }) => [name, { etcdData: true, ports: [2380] }]));
    const seen = facts(cluster, { members }, data);
    const context = { cluster, facts: seen, batch, earlier: [], restarting: new Map() };
    const guard = stage
      .guard?.({ ...context, ahead: false })
      .find(({ title }) => title === 'another API server is ready beside m3');
    expect(guard?.check([ready('m1', 503), ready('m2'), ready('m3', 200)])).toContain('m1: HTTP 503');
    expect(guard?.check([ready('m1', 200), ready('m2'), ready('m3', 200)])).toBeUndefined();
    expect(guard?.check([ready('m1', 503), ready('m2'), ready('m3')]), 'it was stopped').toBeUndefined();
  });
});

describe('data of a member of etcd', () => {
  const list = (...names: string[]): never => {
    const members = names.map((name) => ({ ID: '1', name, peerURLs: [], clientURLs: ['x'] }));
    return {
      host: 'm1',
      exitCode: 0,
      stdout: `HTTP/1.1 200 OK\r\n\r\n${JSON.stringify({ members })}`,
      stderr: '',
    } as never;
  };
  it.each([
    ['m3', 'hosts: [{ name: m3, state: absent }]'],
    ['m2', 'hosts: [{ name: m2, roles: [worker] }]'],
  ])('are destroyed only once it has left, whatever stages are left out: %s', async (name, over) => {
    const cluster = await labCluster(over);
    const context = { cluster, facts: facts(cluster), batch: [name], earlier: [], restarting: new Map() };
    const [guard] = removal.guard?.({ ...context, ahead: false }) ?? [];
    expect(guard?.check([list('m1', 'm2', 'm3')])).toBe(`${name} would leave it without being taken out`);
    expect(guard?.check([list(...['m1', 'm2', 'm3'].filter((each) => each !== name))])).toBeUndefined();
    expect(guard?.check([{ ...(list() as object), exitCode: 7, stdout: '' } as never])).toContain('no member tells');
    // Beforehand the stage that takes it out is still to come.
    expect(removal.guard?.({ ...context, ahead: true })).toEqual([]);
  });

  it('are asked of nobody where none leaves, or there is no etcd that could count on it', async () => {
    const worker = await stated('w2', 'absent');
    const context = { batch: ['w2', 'm3'], earlier: [], restarting: new Map(), ahead: false };
    expect(removal.guard?.({ ...context, cluster: worker, facts: facts(worker) })).toEqual([]);
    const master = await stated('m3', 'absent');
    const asked = removal.guard?.({ ...context, cluster: master, facts: facts(master, { etcd: 'down' }) }) ?? [];
    expect(asked.filter(({ title }) => title.includes('etcd'))).toEqual([]);
  });
});

describe('a role that is taken away', () => {
  it('takes the control plane, its keys and its member with it, and leaves the node', async () => {
    const cluster = await labCluster('hosts: [{ name: m3, roles: [worker] }]');
    const told = steps(cluster, facts(cluster));
    expect(told).toEqual([
      'departure before m3: stop Keepalived of m3',
      'retirement before m3: stop the API server of m3 gracefully',
      'removal before m1: delete the Lease of the API server of m3',
      'removal before m3: destroy the keys and data of m3',
    ]);
    const { before = [] } = removal.around?.({ cluster, facts: facts(cluster), batch: ['m3'] }) ?? {};
    const args = before.at(-1)?.run ?? [];
    expect(args).toContain('/var/lib/mcpk/authorities/cluster.key');
    expect(args).toContain('/etc/kubernetes/api-server/encryption.yaml');
    expect(args).toContain('/var/lib/etcd/member');
    expect(args).toContain('etcd.service');
    // What a worker needs.
    for (const kept of ['/etc/kubernetes/pki/ca.crt', 'kubelet.service', '/var/lib/kubelet/'])
      expect(args).not.toContain(kept);
  });

  it('takes all that leaves with it', async () => {
    const cluster = await labCluster('hosts: [{ name: m3, roles: [worker] }, { name: w1, state: absent }]');
    expect(removal.takes?.(cluster, facts(cluster))).toEqual(['m3', 'w1']);
  });
});

describe('Keepalived', () => {
  const batches = (cluster: Cluster, seen: Facts, changed: string[]): string[][] =>
    keepalived.rollout?.(cluster, seen, changed) ?? [];

  it('of a newcomer starts when all that run know it', async () => {
    const cluster = await labCluster();
    const seen = facts(cluster, {}, { m1: { holdsVip: true, owned: units(MASTER) }, m2: { owned: [] } });
    expect(batches(cluster, seen, ['m1', 'm2', 'm3'])).toEqual([['m3'], ['m1'], ['m2']]);
    const context = { cluster, facts: seen, batch: ['m2'], restarting: new Map(), ahead: true };
    const answer = (host: string, exitCode: number): never => ({ host, exitCode, stdout: '', stderr: '' }) as never;
    const [guard] = keepalived.guard?.({ ...context, earlier: [] }) ?? [];
    expect(guard?.title).toBe('m1, m3 send adverts to m2');
    expect(guard?.check([answer('m1', 0), answer('m3', 0)])).toBeUndefined();
    // With --limit m2 nobody tells them.
    expect(guard?.check([answer('m1', 1), answer('m3', 0)])).toBe('m1 do not know them');
    const [told] = keepalived.guard?.({ ...context, earlier: ['m1', 'm3'] }) ?? [];
    expect(told?.check([answer('m1', 1), answer('m3', 1)])).toBeUndefined();
  });

  it.each([
    ['gone', ['10.77.0.12', '10.77.0.13']],
    ['absent', ['10.77.0.12']],
  ])('goes on sending adverts to a master that is %s, or forgets it', async (state, peers) => {
    const cluster = await stated('m3', state);
    const states = keepalived.states(contextOf(cluster, 'm1', facts(cluster)));
    const text = (Array.isArray(states) ? states : []).flatMap((each) =>
      each.kind === 'file' && each.path === '/etc/keepalived/keepalived.conf' ? [String(each.content)] : [],
    );
    const [, listed = ''] = /unicast_peer \{([^}]*)\}/.exec(text[0] ?? '') ?? [];
    expect(listed.trim().split(/\s+/)).toEqual(peers);
  });

  it('of all masters of a new cluster starts at once, and asks nobody', async () => {
    const cluster = await labCluster();
    const none = { owned: [] };
    const seen = facts(cluster, {}, { m1: none, m2: none, m3: none });
    expect(batches(cluster, seen, ['m1', 'm2', 'm3'])).toEqual([['m1', 'm2', 'm3']]);
    const batch = ['m1', 'm2', 'm3'];
    expect(
      keepalived.guard?.({ cluster, facts: seen, batch, earlier: [], restarting: new Map(), ahead: true }),
    ).toEqual([]);
  });
});
