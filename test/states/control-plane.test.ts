import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { askApi } from '../../src/cluster/api-server.ts';
import type { Facts, HostFacts } from '../../src/cluster/facts.ts';
import { kubectl } from '../../src/cluster/kubectl.ts';
import { PATHS } from '../../src/core/paths.ts';
import { load } from '../../src/inventory/load.ts';
import { hostsWith, type Cluster } from '../../src/inventory/types.ts';
import { ref } from '../../src/resources/kinds.ts';
import type { Resource, UnitResource } from '../../src/resources/types.ts';
import { etcdSteps } from '../../src/states/etcd/steps.ts';
import { STAGES } from '../../src/states/index.ts';
import { priorityOf } from '../../src/states/keepalived.ts';
import type { Stage } from '../../src/states/stage.ts';
import { contextOf, factsOf, labCluster } from './cluster.ts';

function stageOf(name: string): Stage {
  const stage = STAGES.find((each) => each.name === name);
  if (!stage) throw new Error(`no stage ${name}`);
  return stage;
}

function states(stage: string, cluster: Cluster, host = 'm1', facts: Facts = factsOf(cluster)): Resource[] {
  const found = stageOf(stage).states(contextOf(cluster, host, facts));
  if (!Array.isArray(found)) throw new Error(`${stage} is deferred`);
  return found;
}

function textOf(resources: readonly Resource[], path: string): string {
  const file = resources.find((each) => each.kind === 'file' && each.path === path);
  if (file?.kind !== 'file' || typeof file.content !== 'string') throw new Error(`no file ${path}`);
  return file.content;
}

function unitOf(resources: readonly Resource[], name: string): UnitResource {
  const unit = resources.find((each) => each.kind === 'unit' && each.name === name);
  if (unit?.kind !== 'unit') throw new Error(`no unit ${name}`);
  return unit;
}

/** Flags of a unit's command line. */
function flagsOf(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/^ {2}--([a-z0-9-]+)=(.*?)(?: \\)?$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
}

const API_UNIT = '/etc/systemd/system/kube-apiserver.service';

/** Facts of a cluster that stands: etcd formed, API servers serve, m2 has the VIP. */
function standing(cluster: Cluster, over: Partial<Facts> = {}): Facts {
  const owned = ['unit:kube-apiserver.service', 'unit:keepalived.service'].map((ref) => ({ ref, hash: '', stage: '' }));
  const facts = factsOf(cluster, { etcd: 'formed', ...over }, { etcdData: true, owned, ports: [6443] });
  return {
    members: hostsWith(cluster, 'etcd').map(({ name, internalAddress }) => ({
      name,
      peerUrls: [`https://${internalAddress}:2380`],
    })),
    ...facts,
    hosts: new Map([...facts.hosts].map(([name, own]) => [name, { ...own, holdsVip: name === 'm2' }])),
  };
}

describe('the API server', () => {
  it.each([
    ['talks to its own etcd member alone', 'etcd-servers', 'https://127.0.0.1:2379'],
    ['checks the certificates of kubelets', 'kubelet-certificate-authority', '/etc/kubernetes/pki/ca.crt'],
    ['reaches kubelets by address', 'kubelet-preferred-address-types', 'InternalIP'],
    ['advertises its own address, not the VIP', 'advertise-address', '10.77.0.11'],
    [
      'signs tokens with a key of their own',
      'service-account-signing-key-file',
      '/etc/kubernetes/api-server/service-account.key',
    ],
    ['encrypts what it stores', 'encryption-provider-config', '/etc/kubernetes/api-server/encryption.yaml'],
    ['reloads encryption keys by itself', 'encryption-provider-config-automatic-reload', 'true'],
    ['limits what a node may change', 'enable-admission-plugins', 'DenyServiceExternalIPs,NodeRestriction'],
    ['lets tokens end when they say', 'service-account-extend-token-expiration', 'false'],
    ['shows no profile', 'profiling', 'false'],
    ['believes the front proxy alone', 'requestheader-allowed-names', 'front-proxy-client'],
    ['keeps an audit log', 'audit-policy-file', '/etc/kubernetes/api-server/audit-policy.yaml'],
  ])('%s', async (_name, flag, value) => {
    expect(flagsOf(textOf(states('api-server', await labCluster()), API_UNIT))[flag]).toBe(value);
  });

  it('never takes anonymous-auth or authorization-mode, which its configuration files exclude', async () => {
    const flags = flagsOf(textOf(states('api-server', await labCluster()), API_UNIT));
    expect(Object.keys(flags).filter((name) => ['anonymous-auth', 'authorization-mode'].includes(name))).toEqual([]);
  });

  it('asks all members where it has none of its own', async () => {
    const cluster = await labCluster('hosts: [{ name: e1, address: 10.77.0.31, roles: [etcd] }]');
    expect(flagsOf(textOf(states('api-server', cluster), API_UNIT))['etcd-servers']).toBe('https://10.77.0.31:2379');
  });

  it('takes extraArgs over its own flags, and loses those that are null', async () => {
    const cluster = await labCluster('apiServer: { extraArgs: { audit-log-maxage: 7, goaway-chance: null, v: 2 } }');
    const flags = flagsOf(textOf(states('api-server', cluster), API_UNIT));
    expect([flags['audit-log-maxage'], flags['v'], flags['goaway-chance']]).toEqual(['7', '2', undefined]);
  });

  it.each([
    [
      'enable-admission-plugins: AlwaysPullImages',
      'DenyServiceExternalIPs,NodeRestriction,AlwaysPullImages',
      undefined,
    ],
    [
      'enable-admission-plugins: "AlwaysPullImages, NodeRestriction"',
      'DenyServiceExternalIPs,NodeRestriction,AlwaysPullImages',
      undefined,
    ],
    ['disable-admission-plugins: NodeRestriction', 'DenyServiceExternalIPs', 'NodeRestriction'],
    [
      'disable-admission-plugins: "NodeRestriction,DenyServiceExternalIPs"',
      undefined,
      'NodeRestriction,DenyServiceExternalIPs',
    ],
    [
      'enable-admission-plugins: A, disable-admission-plugins: NodeRestriction',
      'DenyServiceExternalIPs,A',
      'NodeRestriction',
    ],
    ['enable-admission-plugins: null', undefined, undefined],
  ])('loses the limits of nodes only where that is said: %s', async (args, on, off) => {
    const cluster = await labCluster(`apiServer: { extraArgs: { ${args} } }`);
    const flags = flagsOf(textOf(states('api-server', cluster), API_UNIT));
    expect([flags['enable-admission-plugins'], flags['disable-admission-plugins']]).toEqual([on, off]);
  });

  it('stops answering /readyz for longer than HAProxy needs to see it, and may stop for longer than that', async () => {
    const cluster = await labCluster();
    const text = textOf(states('api-server', cluster), API_UNIT);
    const delay = Number.parseInt(flagsOf(text)['shutdown-delay-duration'] ?? '', 10);
    const { inter, fall } = cluster.haproxy.check;
    expect(delay).toBeGreaterThan(Number.parseInt(inter, 10) * fall);
    expect(Number(/TimeoutStopSec=(\d+)/.exec(text)?.[1])).toBeGreaterThanOrEqual(delay + 60);
  });

  it('restarts for its flags, not for a certificate that it reads anew', async () => {
    const { inputs } = unitOf(states('api-server', await labCluster()), 'kube-apiserver.service');
    const on = Object.fromEntries(inputs.map((input) => [input.ref, input.on]));
    expect(on[`file:${API_UNIT}`]).toBe('restart');
    expect(on['link:/usr/local/bin/kube-apiserver']).toBe('restart');
    expect(on['certificate:/etc/kubernetes/api-server/server.crt']).toBe('live');
  });

  it('lets nobody in but to the health paths', async () => {
    const text = textOf(states('api-server', await labCluster()), '/etc/kubernetes/api-server/authentication.yaml');
    expect([...text.matchAll(/path: (\S+)/g)].map(([, path]) => path)).toEqual(['/livez', '/readyz', '/healthz']);
  });
});

it.each([
  ['', ['/var/lib/etcd']],
  ['config: { wal-dir: /fast/wal }', ['/var/lib/etcd', '/fast/wal']],
  ['extraArgs: { wal-dir: /fast/wal }, dataDirectory: /data', ['/data', '/fast/wal']],
])('etcd has its folders, and may write there alone: %s', async (etcd, folders) => {
  const cluster = await labCluster(`etcd: { ${etcd} }`);
  const unit = textOf(states('etcd', cluster), '/etc/systemd/system/etcd.service');
  expect(unit).toContain(`\nReadWritePaths=${folders.join(' ')}\n`);
  const laid = states('system', cluster).flatMap((each) => (each.kind === 'directory' && each.owner === 'etcd' ? [each.path] : [])); // prettier-ignore
  expect(laid).toEqual(folders);
});

describe.each(['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'])('the unit of %s', (name) => {
  it.each([
    `User=${name}`,
    'NoNewPrivileges=true',
    'ProtectSystem=strict',
    'CapabilityBoundingSet=',
    'PrivateDevices=true',
    'RestrictNamespaces=true',
    'SystemCallFilter=@system-service',
    'Restart=always',
    'StartLimitIntervalSec=0',
  ])('says %s', async (line) => {
    const cluster = await labCluster();
    const all = ['etcd', 'api-server', 'controllers'].flatMap((stage) => states(stage, cluster));
    expect(textOf(all, `/etc/systemd/system/${name}.service`).split('\n')).toContain(line);
  });
});

describe('etcd.yaml', () => {
  const LISTED = ['m1', 'm2', 'm3'].map((name, index) => ({
    name,
    peerUrls: [`https://10.77.0.1${String(index + 1)}:2380`],
  }));
  const initial = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('initial-cluster'));
  const PRESENT = [
    'initial-cluster: m1=https://10.77.0.11:2380',
    'initial-cluster-state: new',
    'initial-cluster-token: old',
    '',
  ].join('\n');

  it('of founders names them all', async () => {
    const cluster = await labCluster();
    expect(initial(textOf(states('etcd', cluster), PATHS.etcdConfig))).toEqual([
      'initial-cluster: m1=https://10.77.0.11:2380,m2=https://10.77.0.12:2380,m3=https://10.77.0.13:2380',
      'initial-cluster-state: new',
      'initial-cluster-token: lab',
    ]);
  });

  it.each<[string, Partial<Facts>, Partial<HostFacts>, string[]]>([
    [
      'of a member names its peers, and not itself: without its data it ends at its start',
      { etcd: 'formed', members: LISTED },
      { etcdData: true, files: { [PATHS.etcdConfig]: PRESENT } },
      [
        'initial-cluster: m2=https://10.77.0.12:2380,m3=https://10.77.0.13:2380',
        'initial-cluster-state: existing',
        'initial-cluster-token: old',
      ],
    ],
    [
      'of a single member names itself, and says existing: without its data it finds no other',
      { etcd: 'formed', members: LISTED.slice(0, 1) },
      { etcdData: true, files: { [PATHS.etcdConfig]: PRESENT } },
      PRESENT.replace('new', 'existing').trim().split('\n'),
    ],
    [
      'of a founder that waits for the others keeps the lines it has',
      { etcd: 'forming' },
      { etcdData: true, files: { [PATHS.etcdConfig]: PRESENT } },
      PRESENT.trim().split('\n'),
    ],
    [
      'of a blank member says existing while the others are down',
      { etcd: 'down' },
      { etcdData: false, files: { [PATHS.etcdConfig]: PRESENT } },
      ['existing'],
    ],
    [
      'of a replacement says existing, whatever an old file says',
      { etcd: 'formed' },
      { etcdData: false, files: { [PATHS.etcdConfig]: PRESENT } },
      ['existing'],
    ],
    [
      'that somebody broke is written anew',
      { etcd: 'formed' },
      { etcdData: true, files: { [PATHS.etcdConfig]: 'a: [' } },
      ['existing'],
    ],
  ])('%s', async (_name, over, own, expected) => {
    const cluster = await labCluster();
    const { hosts } = factsOf(cluster, {}, own);
    // The others are not reached where etcd has one member.
    const reached = over.members?.length === 1 ? new Map([...hosts].slice(0, 1)) : hosts;
    const facts = factsOf(cluster, { ...over, hosts: reached });
    const lines = initial(textOf(states('etcd', cluster, 'm1', facts), PATHS.etcdConfig)).join('\n');
    for (const part of expected) expect(lines).toContain(part);
  });

  it('says existing in a cluster that has formed, whatever the inventory sets', async () => {
    const cluster = await labCluster(
      'etcd: { config: { initial-cluster-state: new }, extraArgs: { log-level: warn } }',
    );
    const facts = factsOf(cluster, { etcd: 'formed' }, { etcdData: true });
    expect(initial(textOf(states('etcd', cluster, 'm1', facts), PATHS.etcdConfig))).toContain(
      'initial-cluster-state: existing',
    );
  });

  it('does not change between the first run, once its gate has held, and the second', async () => {
    const cluster = await labCluster();
    const laid = textOf(states('etcd', cluster), PATHS.etcdConfig);
    const { held = [] } = etcdSteps({ cluster, facts: factsOf(cluster), batch: ['m1'] });
    const [sed = '', , ...scripts] = held[0]?.run ?? [];
    expect(held.map((step) => [step.on, scripts.pop()])).toEqual([['m1', PATHS.etcdConfig]]);
    const first = spawnSync(sed, scripts, { input: laid, encoding: 'utf8' }).stdout;
    const own = { etcdData: true, files: { [PATHS.etcdConfig]: first } };
    const later = factsOf(cluster, { etcd: 'formed', members: LISTED }, own);
    expect(textOf(states('etcd', cluster, 'm1', later), PATHS.etcdConfig)).toBe(first);
  });

  it('has the name that its version knows for the corruption check', async () => {
    const older = await labCluster('versions: { etcd: 3.5.26, kubernetes: 1.36.4 }');
    expect(textOf(states('etcd', older), PATHS.etcdConfig)).toContain('experimental-initial-corrupt-check: true');
    expect(textOf(states('etcd', await labCluster()), PATHS.etcdConfig)).not.toContain('experimental-');
  });
});

describe('the rollout', () => {
  const batches = (stage: string, cluster: Cluster, facts: Facts): string[][] | undefined =>
    stageOf(stage).rollout?.(cluster, facts, ['m1', 'm2', 'm3']);

  it.each(['etcd', 'api-server', 'controllers', 'haproxy', 'keepalived'])(
    'of a first %s is all at once',
    async (stage) => {
      const cluster = await labCluster();
      expect(batches(stage, cluster, factsOf(cluster))).toEqual([['m1', 'm2', 'm3']]);
    },
  );

  it.each(['api-server', 'controllers', 'haproxy', 'keepalived'])(
    'of a serving %s is one at a time, the VIP last',
    async (stage) => {
      const cluster = await labCluster();
      expect(batches(stage, cluster, standing(cluster))).toEqual([['m1'], ['m3'], ['m2']]);
    },
  );

  it('of certificates is first where authorities are kept, then where what they signed is', async () => {
    const cluster = await labCluster();
    const changed = ['w1', 'm1', 'w2', 'm3'];
    const inOrder = stageOf('certificates').rollout?.(cluster, factsOf(cluster), changed);
    expect(inOrder).toEqual([
      ['m1', 'm3'],
      ['w1', 'w2'],
    ]);
  });

  it.each<[string, Partial<Facts>, Partial<HostFacts>]>([
    ['answered, whatever is known of ports', { nodes: new Map() }, { ports: [], owned: [] }],
    ['listens, though none answered', {}, {}],
  ])('of the API servers is one at a time when one %s', async (_name, over, ofHosts) => {
    const cluster = await labCluster();
    const facts = standing(cluster, over);
    for (const own of facts.hosts.values()) Object.assign(own, ofHosts);
    expect(batches('api-server', cluster, facts)).toHaveLength(3);
  });

  it('of etcd is one at a time, the leader last, a member without data first', async () => {
    const cluster = await labCluster();
    const facts = standing(cluster, { standing: { etcd: ['m1', 'm2', 'm3'], apiServers: [], etcdLeader: 'm1' } });
    const m3 = facts.hosts.get('m3');
    if (m3) m3.etcdData = false;
    expect(batches('etcd', cluster, facts)).toEqual([['m3'], ['m2'], ['m1']]);
  });

  it('of an etcd that is down: those with data together, then one by one those that a quorum must take in', async () => {
    const cluster = await labCluster();
    const facts = standing(cluster, { etcd: 'down' });
    const m2 = facts.hosts.get('m2');
    if (m2) m2.etcdData = false;
    expect(batches('etcd', cluster, facts)).toEqual([['m1', 'm3'], ['m2']]);
    expect(etcdSteps({ cluster, facts, batch: ['m1', 'm3'] })).toEqual({ before: [], after: [], held: [] });
    expect(etcdSteps({ cluster, facts, batch: ['m2'] }).before.map((step) => [step.title, step.on])).toEqual([
      ['replace the etcd member m2', 'm1'],
    ]);
  });
});

describe('the steps around etcd', () => {
  it('are none while it forms, until its gate has held', async () => {
    const cluster = await labCluster();
    const { before, after, held } = etcdSteps({ cluster, facts: factsOf(cluster), batch: ['m1', 'm2', 'm3'] });
    expect({ before, after }).toEqual({ before: [], after: [] });
    expect(held?.map((step) => step.title)).toEqual(
      ['m1', 'm2', 'm3'].map((host) => `note on ${host} that etcd has formed`),
    );
  });

  it('move the leader away and stop the API server, which comes back', async () => {
    const cluster = await labCluster();
    const { before, after } = etcdSteps({ cluster, facts: standing(cluster), batch: ['m1'] });
    expect(before.map((step) => step.title)).toEqual([
      "move etcd's leader away from m1",
      'stop the API server of m1 gracefully',
    ]);
    expect(before[1]?.undo).toEqual(['systemctl', 'start', 'kube-apiserver.service']);
    expect(after.map((step) => step.run)).toEqual([['systemctl', 'start', 'kube-apiserver.service']]);
  });

  it('leave alone what is down with it', async () => {
    const cluster = await labCluster();
    const down = { etcd: ['m2', 'm3'], apiServers: ['m2', 'm3'], etcdLeader: 'm2' };
    const steps = etcdSteps({ cluster, facts: standing(cluster, { standing: down }), batch: ['m1'] });
    expect(steps).toEqual({ before: [], after: [], held: [] });
  });

  it('are none when etcd itself does not restart', async () => {
    const cluster = await labCluster();
    const restarting = new Map([['m1', []]]);
    expect(etcdSteps({ cluster, facts: standing(cluster), batch: ['m1'], restarting }).before).toEqual([]);
  });

  it('replace a member that lost its data, asked of another', async () => {
    const cluster = await labCluster();
    const facts = standing(cluster);
    const m2 = facts.hosts.get('m2');
    if (m2) m2.etcdData = false;
    const { before, after, held } = etcdSteps({ cluster, facts, batch: ['m2'] });
    expect([...before, ...after, ...(held ?? [])].map((step) => [step.title, step.on])).toEqual([
      ['replace the etcd member m2', 'm1'],
      ['give m2 its vote in etcd', 'm1'],
      ['note on m2 who its peers are', 'm2'],
    ]);
    const others = 'https://10.77.0.11:2380 https://10.77.0.13:2380';
    expect(before[0]?.run.slice(3, 7)).toEqual(['sh', 'm2', 'https://10.77.0.12:2380', others]);
  });
});

describe('HAProxy', () => {
  const config = async (over = ''): Promise<string> =>
    textOf(states('haproxy', await labCluster(over)), PATHS.haproxyConfig);

  it('sends to an API server whose /readyz is 200, of the right name', async () => {
    const text = await config();
    expect(text).toContain('http-check expect status 200');
    expect(text).toContain(
      'server m2 10.77.0.12:6443 check check-ssl verify required ca-file /etc/kubernetes/pki/ca.crt verifyhost m2',
    );
  });

  it('cuts no connection when a server says that it stops', async () => {
    for (const over of ['', 'endpoint: { tls: terminate }'])
      expect(await config(over)).not.toContain('shutdown-sessions');
  });

  it("drops forged identities before it sets its own, and shows nobody's requests without the front proxy", async () => {
    const lines = (await config('endpoint: { tls: terminate }')).split('\n').map((line) => line.trim());
    const at = (start: string): number => lines.findIndex((line) => line.startsWith(start));
    expect(at('http-request del-header x-remote-')).toBeGreaterThan(0);
    expect(at('http-request del-header x-remote-')).toBeLessThan(at('http-request set-header X-Remote-User'));
    expect(lines.filter((line) => line.startsWith('use_backend'))).toEqual([
      'use_backend kube-apiservers-identified if certificate',
    ]);
    const [anonymous = '', identified = ''] = lines.join('\n').split('\nbackend ').slice(1);
    expect([anonymous.includes(' crt '), identified.includes(' crt ')]).toEqual([false, true]);
  });

  it('reloads for its configuration and its certificates', async () => {
    const unit = unitOf(states('haproxy', await labCluster('endpoint: { tls: terminate }')), 'haproxy.service');
    expect(unit.inputs.filter((input) => input.on === 'reload').map((input) => input.ref)).toEqual([
      'file:/etc/haproxy/haproxy.cfg',
      'sharedSecret:authority/cluster',
      'certificate:/etc/haproxy/pki/endpoint.pem',
      'certificate:/etc/haproxy/pki/front-proxy-client.pem',
    ]);
  });

  it('hands the VIP over before a restart, not before a reload', async () => {
    const cluster = await labCluster();
    const around = (units: string[]): number | undefined =>
      stageOf('haproxy').around?.({
        cluster,
        facts: standing(cluster),
        batch: ['m2'],
        restarting: new Map([['m2', units]]),
      }).before.length;
    expect([around(['haproxy.service']), around([])]).toEqual([1, 0]);
  });
});

describe('Keepalived', () => {
  it('stands by everywhere, with the other masters as peers', async () => {
    const text = textOf(states('keepalived', await labCluster(), 'm2'), PATHS.keepalivedConfig);
    expect(text).toMatch(/unicast_peer \{\s+10\.77\.0\.11\s+10\.77\.0\.13\s+\}/);
    expect(text).toMatch(/state BACKUP\s+nopreempt\s+interface eth0/);
    expect(text).toContain('10.77.0.100/32 dev eth0');
    expect(text).not.toContain('preempt_delay');
  });

  it.each<[string, string[], string, string]>([
    ['the subnet of the VIP is on another', ['eno1 10.77.0.5', 'eno2 10.88.0.12'], 'eno2', 'eno1'],
    ['one has both', ['eno1 10.1.0.5', 'eno2 10.77.0.12'], 'eno2', 'eno2'],
    ['none with internalAddress was seen', ['eno1 10.77.0.5'], 'eno1', 'eno1'],
  ])('speaks VRRP on the interface that it sends from: %s', async (_name, has, vrrp, carrier) => {
    const address = has.find((text) => text.startsWith('eno2'))?.split(' ')[1] ?? '10.77.0.12';
    const cluster = await labCluster(`hosts: [{ name: m2, internalAddress: ${address} }]`);
    const interfaces = has.map((text) => {
      const [name = '', own = ''] = text.split(' ');
      return { name, addresses: [{ address: own, prefix: 24 }], mtu: 1500 };
    });
    const resources = states('keepalived', cluster, 'm2', factsOf(cluster, {}, { interfaces }));
    const text = textOf(resources, PATHS.keepalivedConfig);
    expect(text).toMatch(new RegExp(`interface ${vrrp}\n[^}]*unicast_src_ip ${address}\n`));
    expect(text).toContain(`10.77.0.100/32 dev ${carrier}\n`);
  });

  it.each<[string, string, string, boolean]>([
    ['of Debian 13', 'debian 13', '', true],
    ['of Debian 12', 'debian 12', '', false],
    ['of Ubuntu 25.04', 'ubuntu 25.04', '', true],
    ['of Ubuntu 24.04', 'ubuntu 24.04', '', false],
    ['of a release without a number', 'debian ', '', false],
    ['that is named, and new', 'debian 12', '1:2.3.3-1~bpo12+1', true],
    ['that is named, and older', 'debian 13', '1:2.2.8-1', false],
  ])(
    'leaves the VIP where it went while it was stopped, where it can: a Keepalived %s',
    async (_name, os, named, can) => {
      const cluster = await labCluster(named === '' ? '' : `versions: { keepalived: '${named}' }`);
      const [id = '', version = ''] = os.split(' ');
      const facts = factsOf(cluster, {}, { os: { id, version, name: '', like: [] } });
      const text = textOf(states('keepalived', cluster, 'm2', facts), PATHS.keepalivedConfig);
      expect(text.includes('timer_expired_backup 1\n')).toBe(can);
    },
  );

  it('gives no two masters one priority', async () => {
    const { hosts } = await labCluster();
    const masters = hosts.slice(0, 3);
    expect(masters.map((host) => priorityOf(host, masters))).toEqual([250, 249, 248]);
  });
});

describe('without a VIP', () => {
  it.each<[string, () => Promise<Cluster>]>([
    ['an external balancer', () => labCluster('endpoint: { external: true, address: api.example.net }')],
    [
      'one master',
      () =>
        load(['inventories/one-master.yaml'], {
          env: { HOME: '/root' },
          directory: fileURLToPath(new URL('../..', import.meta.url)),
        }),
    ],
  ])('%s has neither HAProxy nor Keepalived', async (_name, loaded) => {
    const cluster = await loaded();
    expect(['haproxy', 'keepalived'].flatMap((stage) => stageOf(stage).hosts(cluster))).toEqual([]);
  });
});

describe('certificates', () => {
  const leaf = async (path: string, host = 'm1', over = ''): Promise<Extract<Resource, { kind: 'certificate' }>> => {
    const found = states('certificates', await labCluster(over), host).find(
      (each) => ref(each) === `certificate:${path}`,
    );
    if (found?.kind !== 'certificate') throw new Error(`no leaf ${path}`);
    return found;
  };

  it('of the API server bears every name under which it is asked', async () => {
    const { dns, ip } = await leaf(
      '/etc/kubernetes/api-server/server.crt',
      'm1',
      'endpoint: { names: [api.example.net] }',
    );
    expect(dns).toEqual([
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
      'localhost',
      'm1',
      'api.example.net',
    ]);
    expect(ip).toEqual(['127.0.0.1', '10.254.0.1', '10.77.0.11', '10.77.0.100']);
  });

  it('of etcd come from an authority that signs nothing else', async () => {
    const all = states('certificates', await labCluster()).filter((each) => each.kind === 'certificate');
    const byEtcd = all.filter((each) => each.authority === 'authority/etcd').map((each) => each.path);
    expect(byEtcd.every((path) => path.includes('etcd'))).toBe(true);
    expect(
      all.filter((each) => each.path.startsWith('/etc/etcd')).every((each) => each.authority === 'authority/etcd'),
    ).toBe(true);
  });

  it.each(['m1', 'm2', 'w1'])(
    'lie on no host in system:masters, which no binding can be taken away from: %s',
    async (name) => {
      const all = states('certificates', await labCluster(), name).filter((each) => each.kind === 'certificate');
      expect(all.length).toBeGreaterThan(2);
      const groups = new Set(all.flatMap((each) => each.subject.O));
      expect(groups).toEqual(new Set(name === 'w1' ? ['system:nodes'] : ['system:nodes', 'mcpk:cluster-admins']));
    },
  );

  it('of the administrator are what mcpk itself uses', async () => {
    expect((await leaf(PATHS.adminCert)).subject).toEqual({ CN: 'kubernetes-admin', O: ['mcpk:cluster-admins'] });
    expect(askApi(await labCluster(), 'm1', '/').argv.join()).toContain(PATHS.adminCert);
    expect(kubectl(await labCluster(), 'm1', 'get').argv.slice(1, 3)).toEqual([
      `--kubeconfig=${PATHS.adminKubeconfig}`,
      '--server=https://127.0.0.1:6443',
    ]);
  });

  it('of the administrator are bound before anything needs the API', () => {
    const needs = (stage: string): string[] =>
      STAGES.filter((each) => each.name === stage).flatMap((each) =>
        each.needs.flatMap((need) => [need, ...needs(need)]),
      );
    for (const stage of ['nodes', 'network', 'calico', 'addons', 'verify'])
      expect(needs(stage)).toContain('api-access');
  });

  it('lead a worker to the VIP and a master to itself', async () => {
    const cluster = await labCluster();
    expect(textOf(states('certificates', cluster, 'w1'), PATHS.kubeletKubeconfig)).toContain(
      'server: https://10.77.0.100:443',
    );
    expect(textOf(states('certificates', cluster, 'm2'), PATHS.kubeletKubeconfig)).toContain(
      'server: https://10.77.0.12:6443',
    );
  });

  it('authorities stay on the masters, trust goes everywhere', async () => {
    const secrets = states('certificates', await labCluster(), 'w1').filter((each) => each.kind === 'sharedSecret');
    expect(secrets.map((each) => [each.id, each.holder, each.files.map((file) => file.item)])).toEqual([
      ['authority/cluster', false, ['bundle']],
    ]);
  });

  it("keys and secrets are their own user's", async () => {
    const secrets = states('certificates', await labCluster()).filter((each) => each.kind === 'sharedSecret');
    const files = secrets
      .flatMap((each) => each.files)
      .filter((file) => ['key', 'private', 'config'].includes(file.item));
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter((file) => file.mode !== '0600')).toEqual([]);
  });
});

describe('the base system', () => {
  it('sets what a kubelet with protectKernelDefaults asks for', async () => {
    const keys = states('system', await labCluster(), 'w1').flatMap((each) =>
      each.kind === 'sysctl' ? [`${each.key}=${each.value}`] : [],
    );
    expect(keys).toEqual(
      expect.arrayContaining([
        'vm.overcommit_memory=1',
        'kernel.panic=10',
        'kernel.panic_on_oops=1',
        'net.ipv4.ip_forward=1',
      ]),
    );
  });

  it.each<[string, string, RegExp]>([
    ['system: { timeSync: false }', 'package', /^chrony$/],
    ['system: { disableSwap: false }', 'command', /^swap-off/],
    ['system: { manageHostsFile: false }', 'file', /^\/etc\/hosts#hosts$/],
  ])('leaves alone what the inventory takes out: %s', async (over, kind, name) => {
    const matching = (resources: Resource[]): Resource[] =>
      resources.filter((each) => each.kind === kind && name.test(ref(each).slice(kind.length + 1)));
    expect(
      matching(
        states('system', await labCluster(`system: { timeSync: true, disableSwap: true, manageHostsFile: true }`)),
      ).length,
    ).toBeGreaterThan(0);
    expect(matching(states('system', await labCluster(over)))).toEqual([]);
  });
});
