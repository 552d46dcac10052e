import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/secret.ts';
import { load } from '../../src/inventory/load.ts';
import type { InventoryError } from '../../src/inventory/mistake.ts';
import { packageValidator } from '../../src/core/package-validator.ts';
import { cpuMs } from '../support/cpu.ts';
import { ENV, FIVE, MASTER, ONE, loadYaml } from './load-text.ts';

describe('defaults', () => {
  it('come from the schema', async () => {
    const cluster = await loadYaml(FIVE);
    expect(cluster).toMatchObject({
      apiVersion: 'mcpk/v1',
      files: ['a.yaml'],
      versions: { kubernetes: '1.37.1', etcd: '3.7.3' },
      endpoint: { address: '10.0.0.100', port: 443, external: false, virtualRouterId: 60 },
      network: { plugin: 'calico', serviceCidr: '10.254.0.0/16', podCidr: '10.244.0.0/16' },
      haproxy: {
        maxconn: 25000,
        timeouts: { connect: '1s', tunnel: '4h' },
        check: { inter: '1s', downInter: '500ms', fall: 3, rise: 1 },
      },
      rollout: { workers: '25%' },
      registries: [],
    });
    expect(cluster.hosts[0]).toEqual({
      name: 'm1',
      address: '10.0.0.1',
      internalAddress: '10.0.0.1',
      roles: ['master', 'etcd'],
      state: 'present',
      ssh: {
        user: 'root',
        port: 22,
        identityFiles: [],
        agent: false,
        knownHostsFiles: ['/home/ada/.ssh/known_hosts'],
        jump: [],
        become: 'auto',
        connectTimeout: 10,
      },
      labels: {},
      taints: ['node-role.kubernetes.io/control-plane:NoSchedule'],
      kubelet: { config: {}, extraArgs: {}, environment: {} },
      kubeProxy: { config: {}, extraArgs: {}, environment: {} },
      priority: 250,
      pillar: {},
      source: 'a.yaml:4',
    });
  });

  it('that depend on others are computed', async () => {
    const cluster = await loadYaml(`${FIVE}network: { serviceCidr: 10.96.0.0/12 }\nversions: { coredns: 1.14.2 }`);
    expect(cluster.addons.coredns).toMatchObject({
      serviceAddress: '10.96.0.10',
      image: 'registry.k8s.io/coredns/coredns:v1.14.2',
    });
  });

  it.each([
    [{ HOME: '/h' }, '/h/.cache/mcpk/artifacts'],
    [{ HOME: '/h', XDG_CACHE_HOME: '/x' }, '/x/mcpk/artifacts'],
    [{ HOME: '/h', XDG_CACHE_HOME: 'not/absolute' }, '/h/.cache/mcpk/artifacts'],
  ])('of the artifacts folder with %j is %s', async (env, directory) => {
    expect((await loadYaml(ONE, env)).artifacts.directory).toBe(directory);
  });

  it('use the agent where there is one', async () => {
    expect((await loadYaml(ONE, { ...ENV, SSH_AUTH_SOCK: '/run/agent' })).hosts[0]?.ssh.agent).toBe(true);
  });

  it('leave nothing that could be changed', async () => {
    const cluster = await loadYaml(`${ONE}pillar: { a: [{ b: 1 }] }`);
    const open = (value: unknown): boolean =>
      typeof value === 'object' && value !== null && (!Object.isFrozen(value) || Object.values(value).some(open));
    expect(open(cluster)).toBe(false);
  });
});

describe('one master', () => {
  it('needs no endpoint: clients go to its API server', async () => {
    expect((await loadYaml(ONE)).endpoint).toMatchObject({ address: '10.0.0.1', port: 6443, external: true });
    expect((await loadYaml(`${ONE}endpoint: { address: 10.0.0.1 }\napiServer: { port: 7443 }`)).endpoint).toMatchObject(
      { port: 7443, external: true },
    );
  });

  it('may have a VIP, so that more can come', async () => {
    expect((await loadYaml(`${ONE}endpoint: { address: 10.0.0.100 }`)).endpoint).toMatchObject({
      address: '10.0.0.100',
      port: 443,
      external: false,
    });
  });

  it('that is a worker too takes pods', async () => {
    const cluster = await loadYaml('name: c\nhosts: [{ name: a, address: 10.0.0.1, roles: [worker, master] }]');
    expect(cluster.hosts[0]).toMatchObject({ roles: ['master', 'etcd', 'worker'], taints: [] });
  });
});

describe('inheritance', () => {
  it('goes from the cluster over groups to the host, the nearer one wins', async () => {
    const cluster = await loadYaml(`
name: c
ssh: { user: ops, port: 2200, jump: ['gate:2222', root@inner], connectTimeout: 3 }
pillar: { site: { city: berlin, row: 1 } }
groups:
  master: { ssh: { port: 2201 }, labels: { tier: master, a: m } }
  etcd: { labels: { tier: etcd, disk: fast } }
  worker: { taints: ['x=y:NoExecute'], pillar: { site: { row: 2 } } }
hosts:
  - { name: m1, address: 10.0.0.1, roles: [master], ssh: { user: root }, labels: { a: own } }
  - { name: w1, address: 10.0.0.2, roles: [worker], pillar: { rack: 7 } }
  - { name: w2, address: 10.0.0.3, roles: [worker], taints: [], ssh: { jump: [] } }
`);
    const [m1, w1, w2] = cluster.hosts;
    expect(m1).toMatchObject({
      ssh: { user: 'root', port: 2201, connectTimeout: 3 },
      labels: { tier: 'master', a: 'own', disk: 'fast' },
    });
    expect(w1).toMatchObject({
      ssh: { user: 'ops', port: 2200 },
      taints: ['x=y:NoExecute'],
      pillar: { site: { city: 'berlin', row: 2 }, rack: 7 },
    });
    expect(w1?.ssh.jump).toEqual([
      { address: 'gate', port: 2222 },
      { user: 'root', address: 'inner', port: 22 },
    ]);
    expect(w2).toMatchObject({ taints: [], ssh: { jump: [] } });
  });

  it('ends at null: labels, taints and settings of ssh go back to what is there without it', async () => {
    const { hosts } = await loadYaml(`name: c
endpoint: { address: 10.0.0.100 }
ssh: { user: ops, jump: [gate] }
groups:
  master: { labels: { team: a, rack: r1 }, taints: ['x=y:NoSchedule'] }
  worker: { labels: { gpu: null }, ssh: { jump: null } }
hosts:
  - { name: m1, address: 10.0.0.1, roles: [master] }
  - { name: m2, address: 10.0.0.2, roles: [master], labels: { team: null, own: b }, taints: null, ssh: { user: null } }
  - name: m3
    address: 10.0.0.3
    roles: [master]
    labels:
    ssh:
  - { name: w1, address: 10.0.0.11, roles: [worker], labels: { team: null } }
`);
    const control = 'node-role.kubernetes.io/control-plane:NoSchedule';
    const told = hosts.map(({ labels, taints, ssh: { user, jump } }) => [labels, taints, user, jump.length]);
    expect(told).toEqual([
      [{ team: 'a', rack: 'r1' }, ['x=y:NoSchedule'], 'ops', 1],
      [{ rack: 'r1', own: 'b' }, [control], 'root', 1],
      [{}, ['x=y:NoSchedule'], 'root', 0],
      [{}, [], 'ops', 0],
    ]);
  });

  it('ends at null: of kubelet, kube-proxy, their parts and variables, pillar and ssh', async () => {
    const service = (n: number): string =>
      `{ config: { logging: { verbosity: ${String(n)} } }, extraArgs: { v: ${String(n)} }, environment: { A: '${String(n)}', B: x } }`;
    const { hosts } = await loadYaml(`name: c
endpoint: { address: 10.0.0.100 }
ssh: { user: ops }
kubelet: ${service(1)}
kubeProxy: ${service(1)}
pillar: { all: 1 }
groups:
  worker: { kubelet: ${service(2)}, kubeProxy: ${service(2)}, pillar: { group: 2 }, ssh: { port: 2200 } }
  etcd: { kubelet: null, pillar: null }
hosts:
  - { name: m1, address: 10.0.0.1, roles: [master] }
  - { name: w1, address: 10.0.0.11, roles: [worker] }
  - { name: w2, address: 10.0.0.12, roles: [worker], kubelet: null, kubeProxy: null, pillar: null, ssh: null }
  - name: w3
    address: 10.0.0.13
    roles: [worker]
    kubelet: { extraArgs: null, config: null, environment: null }
    kubeProxy: { extraArgs: , config: { oomScoreAdj: 1 }, environment: { B: null } }
    pillar: { all: null }
`);
    const of = (n: number): object => ({ config: { logging: { verbosity: n } }, extraArgs: { v: n }, environment: { A: String(n), B: 'x' } }); // prettier-ignore
    const none = { config: {}, extraArgs: {}, environment: {} };
    const told = hosts.map(({ kubelet, kubeProxy, pillar, ssh: { user, port } }) => [kubelet, kubeProxy, pillar, user, port]); // prettier-ignore
    expect(told).toEqual([
      [none, of(1), {}, 'ops', 22],
      [of(2), of(2), { all: 1, group: 2 }, 'ops', 2200],
      [none, none, {}, 'root', 22],
      [none, { config: { logging: { verbosity: 2 }, oomScoreAdj: 1 }, extraArgs: {}, environment: { A: '2' } }, { group: 2 }, 'ops', 2200], // prettier-ignore
    ]);
  });

  it('gives etcd to masters unless a host names that role', async () => {
    const hosts =
      '- { name: m1, address: 10.0.0.1, roles: [master] }\n- { name: e1, address: 10.0.0.2, roles: [etcd] }';
    expect((await loadYaml(`name: c\nhosts:\n${hosts}`)).hosts.map((host) => host.roles)).toEqual([
      ['master'],
      ['etcd'],
    ]);
  });

  it.each([
    ['a@[2001:db8::1]:22', { user: 'a', address: '2001:db8::1', port: 22 }],
    ['[2001:db8::1]', { address: '2001:db8::1', port: 22 }],
    ['gate.example.org', { address: 'gate.example.org', port: 22 }],
  ])('reads the jump host %s', async (jump, expected) => {
    expect((await loadYaml(`${ONE}ssh: { jump: '${jump}' }`)).hosts[0]?.ssh.jump).toEqual([expected]);
  });
});

describe('several files', () => {
  it('merge maps by setting, hosts by name, and replace other lists', async () => {
    const cluster = await loadYaml([
      `${FIVE}system: { packages: [jq], timeSync: false }\netcd: { config: { a: { b: 1 } } }`,
      `system: { packages: [vim] }
etcd: { config: { a: { c: 2 } } }
hosts:
  - { name: w1, labels: { gpu: 'yes' } }
  - { name: w3, address: 10.0.0.13, roles: [worker] }`,
    ]);
    expect(cluster.system).toMatchObject({ packages: ['vim'], timeSync: false });
    expect(cluster.etcd.config).toEqual({ a: { b: 1, c: 2 } });
    expect(cluster.hosts.map((host) => host.name)).toEqual(['m1', 'm2', 'm3', 'w1', 'w2', 'w3']);
    expect(cluster.hosts[3]).toMatchObject({ address: '10.0.0.11', labels: { gpu: 'yes' } });
    expect(cluster.files).toEqual(['a.yaml', 'b.yaml']);
  });

  it('let null put a setting back to its default, and keep the null that removes a flag', async () => {
    const cluster = await loadYaml([
      `${FIVE}haproxy: { maxconn: 10 }\nssh: { user: ops }`,
      'haproxy: { maxconn: null }\nssh:\napiServer: { extraArgs: { profiling: null } }',
    ]);
    expect(cluster.haproxy.maxconn).toBe(25000);
    expect(cluster.hosts[0]?.ssh.user).toBe('root');
    expect(cluster.apiServer.extraArgs).toEqual({ profiling: null });
  });
});

describe('the environment', () => {
  it.each([
    ['${MCPK_USER}', 'ada'],
    ['${NOT_SET:-ops}', 'ops'],
    ['${MCPK_EMPTY:-ops}', 'ops'],
    ['x-${MCPK_USER}', 'x-ada'],
    ['$${MCPK_USER}', '${MCPK_USER}'],
    ['$${NOT_ALLOWED}', '${NOT_ALLOWED}'],
    ['$5', '$5'],
  ])('turns %s into %s', async (text, expected) => {
    const env = { ...ENV, MCPK_USER: 'ada', MCPK_EMPTY: '', NOT_ALLOWED: 'x' };
    const cluster = await loadYaml(`${ONE}ssh: { identityFiles: ['/${text}'] }`, env);
    expect(cluster.hosts[0]?.ssh.identityFiles).toEqual([`/${expected}`]);
  });

  it('gives numbers and booleans where they are asked for', async () => {
    const cluster = await loadYaml(`${ONE}ssh:\n  port: \${MCPK_PORT}\n  agent: \${AGENT:-true}\n`, {
      ...ENV,
      MCPK_PORT: '2222',
    });
    expect(cluster.hosts[0]?.ssh).toMatchObject({ port: 2222, agent: true });
  });

  it('gives secrets that no view shows', async () => {
    const cluster = await loadYaml(
      `${ONE}ssh: { becomePassword: '\${MCPK_PW}' }\nregistries: [{ name: r.example.org, username: u, password: '\${MCPK_PW}' }]`,
      { ...ENV, MCPK_PW: 'hunter2' },
    );
    expect(cluster.hosts[0]?.ssh.becomePassword).toBeInstanceOf(Secret);
    expect(cluster.registries[0]?.password?.reveal()).toBe('hunter2');
    expect(JSON.stringify(cluster)).not.toContain('hunter2');
  });
});

describe('text and files', () => {
  it('keeps labels, sysctls and variables as they are written', async () => {
    const cluster = await loadYaml(`
name: c
hosts: [{ name: m1, address: 10.0.0.1, roles: [master], labels: { v: 1.10, on: true } }]
system: { sysctls: { vm.max_map_count: 262144 } }
etcd: { environment: { GOGC: 0x10 } }`);
    expect(cluster.hosts[0]?.labels).toEqual({ v: '1.10', on: 'true' });
    expect(cluster.system.sysctls).toEqual({ 'vm.max_map_count': '262144' });
    expect(cluster.etcd.environment).toEqual({ GOGC: '0x10' });
  });

  it('takes files from the folder of the inventory that names them', async () => {
    const cluster = await loadYaml(`${ONE}
ssh: { identityFiles: [~/.ssh/id, keys/id, /etc/id] }
addons: { manifests: [{ name: a, source: ./a.yaml }, { name: b, source: 'https://example.org/b.yaml' }] }`);
    expect(cluster.hosts[0]?.ssh.identityFiles).toEqual(['/home/ada/.ssh/id', '/srv/keys/id', '/etc/id']);
    expect(cluster.addons.manifests.map((manifest) => manifest.source)).toEqual([
      '/srv/a.yaml',
      'https://example.org/b.yaml',
    ]);
  });

  it('allows anchors and aliases', async () => {
    const cluster = await loadYaml(`name: c\npillar: { a: &x { b: 1 }, c: *x }\nhosts: [${MASTER}]`);
    expect(cluster.pillar).toEqual({ a: { b: 1 }, c: { b: 1 } });
  });

  it('warns of what works and is likely not meant', async () => {
    const cluster = await loadYaml(
      'name: c\nendpoint: { address: 10.0.0.9 }\nhosts:\n- { name: a, address: 10.0.0.1, roles: [master] }\n- { name: b, address: 10.0.0.2, roles: [master] }\napiServer: { shutdownDelay: 2 }\netcd: { backup: { schedule: daily, upload: [/bin/x] } }\nregistries: [{ name: r.io, mirrors: [{ url: "http://m", username: u, password: p }] }]',
    );
    expect(cluster.warnings).toEqual([
      'a.yaml:4:1 hosts: 2 etcd members bear no more failures than 1: take an odd number',
      'a.yaml:6:29 apiServer.shutdownDelay: 2 s is not longer than HAProxy needs to see it, 3 s (haproxy.check): requests may fail at a restart',
      'a.yaml:7:44 etcd.backup.upload: takes the keys of Secrets and service accounts elsewhere in plain: name etcd.backup.ageRecipients',
      'a.yaml:8:38 registries[0].mirrors[0]: http:// lets everybody on the way read the password: use https://',
      'a.yaml:8:80 registries[0].mirrors[0].password: stands there for all who read the file: write ${MCPK_PASSWORD} instead, and give mcpk that variable',
    ]);
    const named = '[/bin/x], ageRecipients: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]';
    const told = await loadYaml(`name: c\netcd: { backup: { schedule: daily, upload: ${named} } }\nhosts: [${MASTER}]`);
    expect(told.warnings).toBeUndefined();
  });
});

it.each([
  ['of a registry', (password: string) => `registries: [{ name: r.io, username: u, password: ${password} }]`],
  ['for sudo', (password: string) => `ssh: { becomePassword: ${password} }`],
  ['for sudo on one host', (password: string) => `hosts: [{ ssh: { becomePassword: ${password} }, ${MASTER.slice(1)}]`],
])('a password %s is warned of where it is written out', async (_what, settings) => {
  const warned = async (password: string): Promise<readonly string[]> => {
    const text = settings(password);
    const hosts = text.startsWith('hosts') ? '' : `hosts: [${MASTER}]\n`;
    return (await loadYaml(`name: c\n${hosts}${text}`, { HOME: '/h', MCPK_PW: 'hunter2' })).warnings ?? [];
  };
  expect(await warned("'${MCPK_PW}'")).toEqual([]);
  for (const plain of ['hunter2', "'${MCPK_NO:-hunter2}'"])
    expect(await warned(plain)).toEqual([expect.stringMatching(/assword: stands there for all who read the file: /)]);
});

describe('files on disk', () => {
  const made = mkdtemp(join(tmpdir(), 'inventory-'));
  afterAll(async () => rm(await made, { recursive: true }));

  it('are read in UTF-8, with or without a byte order mark', async () => {
    const file = join(await made, 'bom.yaml');
    await writeFile(file, `\uFEFF${ONE}`);
    expect((await load([file], { env: ENV })).name).toBe('c');
  });

  it('that cannot be read are all named', async () => {
    const folder = await made;
    const latin = join(folder, 'latin.yaml');
    await writeFile(latin, Buffer.from([0x6e, 0x3a, 0x20, 0xe4, 0xff]));
    const error: unknown = await load(['none.yaml', '.', 'latin.yaml'], { env: ENV, directory: folder }).catch(
      (e: unknown) => e,
    );
    expect(error).toMatchObject({
      exitCode: 10,
      details: [
        'none.yaml: there is no such file',
        '.: is a directory, not a file',
        'latin.yaml: is not UTF-8 text: save it as UTF-8',
      ],
    });
  });

  it('that a run would read, and cannot, are mistakes where that is asked for', async () => {
    const folder = await made;
    const text = `${ONE}network: { plugin: bridge, calico: { manifest: gone.yaml } }
ssh: { identityFiles: [bom.yaml, gone, .], configFile: gone }
groups: { master: { ssh: { identityFiles: [gone-too] } } }
addons: { manifests: [{ name: a, source: bom.yaml }, { name: b, source: gone.yaml }, { name: c, source: "https://x/y" }] }
`;
    const [file, calico] = [join(folder, 'files.yaml'), join(folder, 'calico.yaml')];
    await writeFile(join(folder, 'bom.yaml'), '');
    await writeFile(file, text);
    await writeFile(calico, 'network: { plugin: calico }');
    await expect(load([file], { env: ENV })).resolves.toBeDefined();
    const error: unknown = await load([file, calico], { env: ENV, files: true }).catch((e: unknown) => e);
    const gone = (name: string): string => `${join(folder, name)}: there is no such file`;
    expect((error as InventoryError).mistakes.map(({ line, path, message }) => [line, path, message])).toEqual([
      [3, 'network.calico.manifest', gone('gone.yaml')],
      [4, 'ssh.identityFiles[1]', gone('gone')],
      [4, 'ssh.identityFiles[2]', `${folder}: is a directory, not a file`],
      [4, 'ssh.configFile', gone('gone')],
      [5, 'groups.master.ssh.identityFiles[0]', gone('gone-too')],
      [6, 'addons.manifests[1].source', gone('gone.yaml')],
    ]);
    const bridge: unknown = await load([file], { env: ENV, files: true }).catch((e: unknown) => e);
    expect((bridge as InventoryError).mistakes).toHaveLength(5);
  });

  it('may be missing where none was named: what to do is said', async () => {
    const folder = await mkdtemp(join(await made, 'empty-'));
    await expect(load(['mcpk.yaml'], { env: ENV, directory: folder })).rejects.toMatchObject({
      message: 'no inventory: there is no mcpk.yaml in this folder',
      hint: expect.stringContaining('-i FILE, or write one with: mcpk init') as string,
      details: [],
      mistakes: [{ file: 'mcpk.yaml', message: 'there is no such file' }],
    });
  });

  it.each([
    ['mcpk.yaml', 'mcpk.yml'],
    ['lab.yml', 'lab.yaml'],
  ])('of %s, which is missing, the file with the other ending is named', async (file, other) => {
    const folder = await mkdtemp(join(await made, 'ending-'));
    await writeFile(join(folder, other), '');
    const hint = `There is a file ${other}: name it with -i`;
    await expect(load([file], { env: ENV, directory: folder })).rejects.toMatchObject({ hint });
  });

  const NO_INVENTORY = /^mcpk\.yaml:\d+:\d+: is no inventory.*is not shown/;
  it.each<[string, string, RegExp?]>([
    ['credentials', '[default]\naws_access_key_id = hunter2secret\n'],
    ['a shell script', 'export TOKEN="hunter2secret" : x\n'],
    ['one word', 'hunter2secret\n', /^mcpk\.yaml:1:1: must be a map of settings, not a scalar$/],
    ['an alias', 'a: *hunter2secret\n'],
    [
      'cluster',
      'apiVersion: mcpk/v1\nkind: cluster\nname: hunter2secret\n',
      /^mcpk\.yaml:\d+:\d+: kind: must be Cluster,/,
    ],
    ['CLUSTER', '{"kind": "CLUSTER", "name": "hunter2secret"}', /^mcpk\.yaml:\d+:\d+: kind: must be Cluster,/],
    ['cluster of another tool', 'apiVersion: other/v1\nkind: cluster\nname: hunter2secret\n'],
    ['Clusters', 'kind: Clusters\nname: hunter2secret\n'],
    ['a map of other things', 'hunter2secret: 1\nother: "hunter2secret"\n'],
  ])('that hold no inventory are not quoted: %s', async (_what, text, said = NO_INVENTORY) => {
    const folder = await mkdtemp(join(await made, 'foreign-'));
    await writeFile(join(folder, 'mcpk.yaml'), text);
    const error: unknown = await load(['mcpk.yaml'], { env: ENV, directory: folder }).catch((e: unknown) => e);
    expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toContain('hunter2secret');
    expect(error).toMatchObject({
      exitCode: 10,
      details: [expect.stringMatching(said)],
    });
  });

  it('that are links out of their folder are not quoted, and load', async () => {
    const folder = await made;
    const repository = await mkdtemp(join(folder, 'repository-'));
    const [link, near] = [join(repository, 'mcpk.yaml'), join(repository, 'near.yaml')];
    const foreign = join(folder, 'hunter2file.yaml');
    await symlink(foreign, link);
    await writeFile(foreign, `${ONE}hunter2: "hunter2 x"\nversions: { etcd: hunter2 }\n`);
    const error: unknown = await load([link], { env: ENV }).catch((e: unknown) => e);
    expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toContain('hunter2');
    expect(error).toMatchObject({
      exitCode: 10,
      details: [expect.stringMatching(/mcpk\.yaml:\d+:\d+: .*a link that leads out of its folder.*is not shown/)],
    });
    await writeFile(join(repository, 'own.yaml'), `${ONE}etdc: 1\n`);
    await symlink('own.yaml', near);
    await expect(load([near], { env: ENV })).rejects.toThrow(/1 mistake/);
    await expect(load([near], { env: ENV })).rejects.toMatchObject({
      details: [expect.stringContaining('etdc: is not a setting')],
    });
    await writeFile(foreign, ONE);
    expect((await load([link], { env: ENV })).name).toBe('c');
  });

  it.each([
    ['{\n  "name": "c",\n  "etdc": 1\n}', 'etdc'],
    ['# c\nversions: { ettcd: 1 }', 'ettcd'],
    ['name: c\n  hosts: x: y', 'hosts: x: y'],
  ])('that hold one are quoted: %j', async (text, quoted) => {
    const file = join(await made, 'mistaken.yaml');
    await writeFile(file, text);
    const error: unknown = await load([file], { env: ENV }).catch((e: unknown) => e);
    expect(JSON.stringify(error)).toContain(quoted);
  });

  it('must be named', async () => {
    await expect(load([], { env: ENV })).rejects.toMatchObject({ code: 'usage' });
  });

  it('load within 25 ms once the schema is compiled', async () => {
    const file = join(await made, 'five.yaml');
    const validator = await packageValidator('cluster');
    await writeFile(file, FIVE);
    const times: number[] = [];
    for (let run = 0; run < 8; run++) {
      times.push(await cpuMs(() => load([file], { env: ENV, validator })));
    }
    expect(Math.min(...times)).toBeLessThan(25);
  });
});
