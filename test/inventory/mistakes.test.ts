import { describe, expect, it } from 'vitest';
import { FIVE, MASTER, ONE, errorOf, loadYaml, mistakesOf } from './load-text.ts';

/** All digits: YAML takes it for a number. */
const SUM = '1'.repeat(64);
const LINE = String(FIVE.split('\n').length);

/** After FIVE; the place begins with the column. */
const WRONG: [yaml: string, line: string][] = [
  [
    'versions: { kubernetes: 1.25.3 }',
    '25 versions.kubernetes: Kubernetes 1.25.3 is not supported: choose 1.35 to 1.37',
  ],
  [
    'versions: { etcd: 3.4.20 }',
    '19 versions.etcd: etcd 3.4.20 does not go with Kubernetes 1.37.1: choose 3.5, 3.6, 3.7, not older than 3.5.24',
  ],
  [
    'apiServer: { extraArgs: { audit-log-path: /data/audit.log } }',
    '43 apiServer.extraArgs.audit-log-path: "/data/audit.log" is not below /var/log/kubernetes/audit (apiServer.audit.directory), where alone the API server may write',
  ],
  [
    'apiServer: { extraArgs: { authorization-config: /x, authorization-mode: RBAC } }',
    '73 apiServer.extraArgs.authorization-mode: kube-apiserver does not start with --authorization-mode beside the file of --authorization-config: leave it out: that file says who decides',
  ],
  [
    'apiServer: { files: [{ path: a.yaml, content: x }], extraArgs: { token-auth-file: /etc/kubernetes/api-server/files/b.yaml } }',
    '83 apiServer.extraArgs.token-auth-file: "/etc/kubernetes/api-server/files/b.yaml" is made by no entry of apiServer.files',
  ],
  [
    'containerd: { config: { root: ../data } }',
    '31 containerd.config.root: "../data" is not an absolute path without blanks and ..',
  ],
  [
    'etcd: { dataDirectory: /var/lib }',
    '24 etcd.dataDirectory: "/var/lib" has /var/lib/mcpk in it, and is not for etcd alone: name a folder of its own, as /var/lib/etcd',
  ],
  [
    'etcd: { dataDirectory: /home }',
    '24 etcd.dataDirectory: "/home" is not for etcd alone: name a folder of its own, as /var/lib/etcd',
  ],
  [
    'etcd: { extraArgs: { wal-dir: /var } }',
    '31 etcd.extraArgs.wal-dir: "/var" has /var/lib/mcpk in it, and is not for etcd alone: name a folder of its own, as /var/lib/etcd',
  ],
  [
    'etcd: { backup: { schedule: foo } }',
    '29 etcd.backup.schedule: "foo" is not an expression of systemd.time(7) such as daily or *-*-* 03:00',
  ],
  [
    'etcd: { backup: { schedule: "0 3 * * *" } }',
    `29 etcd.backup.schedule: "0 3 * * *" is cron's, and systemd.time(7) is wanted: write "*-*-* 03:00"`,
  ],
  [
    'etcd: { backup: { schedule: "0 3 1 * 1" } }',
    `29 etcd.backup.schedule: "0 3 1 * 1" is cron's, and systemd.time(7) is wanted: write it as such, as "Sun *-*-* 03:00"`,
  ],
  ['endpoint: { address: 10.0.0.100, tls: true }', '39 endpoint.tls: true is not one of passthrough, terminate'],
  ['etcd: { config: { data-dir: /data } }', '29 etcd.config.data-dir: is set by etcd.dataDirectory'],
  [
    'etcd: { extraArgs: { wal-dir: ../wal } }',
    '31 etcd.extraArgs.wal-dir: "../wal" is not an absolute path without blanks and ..',
  ],
  [
    'network: { plugin: bridge, nodePrefix: 26 }\nkubelet: { config: { maxPods: 62 } }',
    "+31 kubelet.config.maxPods: a node's part of podCidr (network.nodePrefix: 26) has addresses for 61 pods, not for 62",
  ],
  [
    'network: { plugin: bridge, nodePrefix: 26 }\ngroups: { worker: { kubelet: { config: { maxPods: 62 } } } }',
    "+51 groups.worker.kubelet.config.maxPods: a node's part of podCidr (network.nodePrefix: 26) has addresses for 61 pods, not for 62",
  ],
  [
    'groups: { master: { kubelet: { extraArgs: { containerd: /run/x } } } }',
    '57 groups.master.kubelet.extraArgs.containerd: kubelet 1.37.1 does not start with --containerd, which is gone since 1.37.0: leave it out: it belonged to cAdvisor',
  ],
  [
    'network: { plugin: bridge }\nkubelet: { extraArgs: { max-pods: 254 } }',
    "+35 kubelet.extraArgs.max-pods: a node's part of podCidr (network.nodePrefix: 24) has addresses for 253 pods, not for 254",
  ],
  [
    'proxy: { http: "http://user:12/ab@proxy:3128" }',
    '16 proxy.http: has an @ behind the first /, ? or #, which ends the name of the proxy: in a password write %2F, %3F and %23 for them',
  ],
  [
    'proxy: { https: "http://proxy:port" }',
    '17 proxy.https: is not a URL such as http://user:password@proxy.example.org:3128',
  ],
  [
    'network: { podCidr: "10.244.0.0/16,fd00::/64" }',
    '21 network.podCidr: "10.244.0.0/16,fd00::/64" is not an IPv4 network such as 10.244.0.0/16; IPv6 is not supported, the cluster is IPv4 only',
  ],
  [
    'endpoint: { address: "fd00::2" }',
    '22 endpoint.address: "fd00::2" is not an IPv4 address; IPv6 is not supported, the cluster is IPv4 only',
  ],
  ['podCidr: 10.0.0.0/8', '1 podCidr: is not a setting; did you mean network.podCidr?'],
  ['versions: { kubernetes: 1.37 }', '25 versions.kubernetes: must be text (a version such as 1.37.1), not 1.37'],
  ['versions: { etcd: v3.7.3 }', '19 versions.etcd: "v3.7.3" is not a version such as 3.7.3; did you mean 3.7.3?'],
  ['versions: { pause: 3.10 }', "20 versions.pause: must be text (an image tag), not 3.1; did you mean '3.10'?"],
  ['ssh: { agent: yes }', '15 ssh.agent: must be true or false, not "yes"; did you mean true?'],
  ["ssh: { port: '22' }", '14 ssh.port: must be a whole number, not "22"; did you mean 22?'],
  ['ssh: { port: 99999 }', '14 ssh.port: 99999 is not between 1 and 65535'],
  ['ssh: { port: 99999999999999999999999999 }', '14 ssh.port: 1e+26 is not between 1 and 65535'],
  ['ssh: { port: .inf }', '14 ssh.port: Infinity is not between 1 and 65535'],
  ['ssh: { jump: gate:99999 }', '14 ssh.jump: "gate:99999" is not user@host:port'],
  ['ssh: { jump: [{ user: a }] }', '15 ssh.jump[0]: address is missing: address or name'],
  ['ssh: 5', '6 ssh: must be a map, not 5'],
  [
    'network: { plugin: calcio }',
    '20 network.plugin: "calcio" is not one of calico, bridge, none; did you mean calico?',
  ],
  ['network: { mtu: 100 }', '17 network.mtu: 100 is too small for IPv4: 0 or from 576'],
  [
    'network: { serviceCidr: 10.96.0.1/16 }',
    '25 network.serviceCidr: "10.96.0.1/16" has bits set behind its prefix; did you mean 10.96.0.0/16?',
  ],
  ['network: { serviceCidr: 10.0.0.0/16 }', '25 network.serviceCidr: 10.0.0.0/16 holds 10.0.0.1, the address of m1'],
  [
    'network: { serviceCidr: 10.244.0.0/16 }',
    '25 network.serviceCidr: 10.244.0.0/16 overlaps with podCidr 10.244.0.0/16',
  ],
  ['network: { serviceCidr: 10.0.0.0/8 }', '25 network.serviceCidr: 10.0.0.0/8 holds 10.0.0.1, the address of m1'],
  ['network: { serviceCidr: 172.0.0.0/8 }', '25 network.serviceCidr: a prefix of /8 is not between /12 and /28'],
  ['network: { nodePrefix: 12 }', '24 network.nodePrefix: /12 does not fit podCidr 10.244.0.0/16: take /16 to /30'],
  [
    'network: { nodePrefix: 18 }',
    '24 network.nodePrefix: podCidr 10.244.0.0/16 has 4 parts of /18, and there are 5 hosts',
  ],
  [
    'addons: { coredns: { serviceAddress: 10.1.2.3 } }',
    '38 addons.coredns.serviceAddress: 10.1.2.3 is not in serviceCidr 10.254.0.0/16',
  ],
  [
    'addons: { coredns: { serviceAddress: 10.254.0.1 } }',
    "38 addons.coredns.serviceAddress: 10.254.0.1 is taken: the first address of serviceCidr is the API's",
  ],
  [
    'addons: { coredns: { forward: [127.0.0.53] } }',
    '32 addons.coredns.forward[0]: 127.0.0.53 is CoreDNS itself: inside a pod nobody else answers there',
  ],
  [
    'addons: { coredns: { forward: [10.254.0.10] } }',
    '32 addons.coredns.forward[0]: 10.254.0.10 is CoreDNS itself: inside a pod nobody else answers there',
  ],
  [
    'addons: { coredns: { forward: dns } }',
    '31 addons.coredns.forward: must be a list, not "dns"; did you mean [dns]?',
  ],
  ['apiServer: { port: 443 }', 'a.yaml:2:11 endpoint.port: apiServer.port is 443 too, and both listen on the masters'],
  [
    'apiServer: { nodePortRange: 5-3 }',
    '29 apiServer.nodePortRange: "5-3" is not a range of ports: low-high, from 1 to 65535',
  ],
  ['apiServer: { port: 30001 }', '20 apiServer.port: 30001 lies in apiServer.nodePortRange 30000-32767'],
  ['apiServer: { port: 10250 }', '20 apiServer.port: 10250 is used by etcd or another part of Kubernetes'],
  [
    'kubelet: { extraArgs: { --v: 2 } }',
    '25 kubelet.extraArgs["--v"]: "--v" is not a flag name without dashes in front; did you mean v?',
  ],
  [
    'haproxy: { timeouts: { connect: 5 } }',
    '33 haproxy.timeouts.connect: must be text (a number with a unit: us, ms, s, m, h or d), not 5',
  ],
  [
    'haproxy: { timeouts: { connect: 5 sec } }',
    '33 haproxy.timeouts.connect: "5 sec" is not a number with a unit: us, ms, s, m, h or d',
  ],
  [
    'etcd: { electionTimeout: 400 }',
    '26 etcd.electionTimeout: 400 ms is less than five heartbeats of 100 ms: etcd does not start so',
  ],
  [
    'certificates: { leafDays: 20 }',
    '15 certificates.renewBeforeDays: 30 is not less than leafDays 20: every run would renew',
  ],
  ['endpoint: { virtualRouterId: 300 }', '30 endpoint.virtualRouterId: 300 is not between 1 and 255'],
  ['rollout: { workers: 120% }', '21 rollout.workers: "120%" is not a number from 1 or a share such as 25%'],
  ['rollout: { workers: 0 }', '21 rollout.workers: 0 is not between 1 and 5000'],
  ['registries: [{ name: a.io }, { name: a.io }]', '38 registries[1].name: "a.io" is there already, at place 0'],
  [
    "system: { sysctls: { vm.overcommit_memory: '2' } }",
    '44 system.sysctls["vm.overcommit_memory"]: must be 1, not 2: the kubelet does not start otherwise (kubelet.config.protectKernelDefaults)',
  ],
  [
    'kubelet: { config: { protectKernelDefaults: false }, extraArgs: { protect-kernel-defaults: true } }\nsystem: { sysctls: { kernel/panic: 0 } }',
    '+36 system.sysctls["kernel/panic"]: must be 10, not 0: the kubelet does not start otherwise (kubelet.config.protectKernelDefaults)',
  ],
  [
    'system: { sysctls: { kernel/panic: 0 } }',
    '36 system.sysctls["kernel/panic"]: must be 10, not 0: the kubelet does not start otherwise (kubelet.config.protectKernelDefaults)',
  ],
  [
    'system: { sysctls: { net.ipv4.conf.all.forwarding: 0 } }',
    '52 system.sysctls["net.ipv4.conf.all.forwarding"]: must be 1, not 0: no packet gets from pod to pod otherwise',
  ],
  [
    'system: { sysctls: { vm.swappiness: ten } }',
    '37 system.sysctls["vm.swappiness"]: must be a number, or several, not "ten": the kernel takes no other',
  ],
  [
    'system: { sysctls: { net/ipv4/tcp_rmem: 4096 a 8 } }',
    '41 system.sysctls["net/ipv4/tcp_rmem"]: must be a number, or several, not "4096 a 8": the kernel takes no other',
  ],
  [
    'groups: { worker: { labels: { kubernetes.io/hostname: z } } }',
    '55 groups.worker.labels["kubernetes.io/hostname"]: is set by the kubelet, to the name of the host: leave it out, or take another name',
  ],
  [
    'groups: { master: { labels: { node-role.kubernetes.io/worker: y } } }',
    '63 groups.master.labels["node-role.kubernetes.io/worker"]: is set by the roles of the host: leave it out, or take another name',
  ],
  ['versions: { coredns: 0.1.0 }', '22 versions.coredns: CoreDNS 0.1.0 is too old: choose 1.9.0 or newer'],
  ['versions: { calico: 1.0.0 }', '21 versions.calico: Calico 1.0.0 is too old: choose 3.28.0 or newer'],
  [
    'versions: { cniPlugins: 0.0.1 }',
    '25 versions.cniPlugins: the set of CNI plugins 0.0.1 is too old: choose 1.0.0 or newer',
  ],
  [
    'system: { sysctls: { net.ipv4.ip_nonlocal_bind: 1 } }',
    '49 system.sysctls["net.ipv4.ip_nonlocal_bind"]: mcpk sets it on masters with a VIP: leave it out',
  ],
  [
    'endpoint: { names: [k.example.org, "2001:db8:::1"] }',
    '36 endpoint.names[1]: "2001:db8:::1" is neither an address nor a name',
  ],
  ['endpoint: { names: [10.0.0.300] }', '21 endpoint.names[0]: "10.0.0.300" is neither an address nor a name'],
  ['endpoint: { external: true, address: "1:2" }', '38 endpoint.address: "1:2" is neither an address nor a name'],
  [
    'apiServer: { extraArgs: { oidc-client-id: kubernetes } }',
    '43 apiServer.extraArgs.oidc-client-id: kube-apiserver does not start with --oidc-client-id beside the file of --authentication-config: describe the issuer in apiServer.authentication',
  ],
  [
    'apiServer: { extraArgs: { cloud-config: /x } }',
    '41 apiServer.extraArgs.cloud-config: kube-apiserver 1.37.1 does not start with --cloud-config, which is gone since 1.33.0: run an external cloud controller manager',
  ],
  [
    'kubelet: { config: { featureGates: { SidecarContainers: true } } }',
    '57 kubelet.config.featureGates.SidecarContainers: kubelet 1.37.1 does not know the feature gate SidecarContainers, which is gone since 1.37.0: leave it out: what it switched is always on, or was given up',
  ],
  ['registries: [{ name: a.io, username: u }]', '14 registries[0]: password is missing beside the username'],
  [
    'registries: [{ name: a.io, mirrors: [{ url: "https://m", password: p }] }]',
    '38 registries[0].mirrors[0]: username is missing beside the password',
  ],
  [
    'registries: [{ name: a.io, mirrors: [{ username: u, password: p }] }]',
    '38 registries[0].mirrors[0]: url is missing: where it is',
  ],
  [
    'registries: [{ name: a.io, mirrors: ["https://u:p@m"] }]',
    '38 registries[0].mirrors[0]: containerd does not send what stands before the @: write { url, username, password } in place of it',
  ],
  [
    'registries: [{ name: a.io, username: u, password: p, mirrors: [{ url: "https://a.io/v2/x", username: v, password: p }] }]',
    '64 registries[0].mirrors[0]: has other credentials than registries[0], which is on the same host',
  ],
  [
    'registries: [{ name: a.io, ca: "-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----" }]',
    '32 registries[0].ca: must be certificates (PEM), nothing else among them, or a file of those',
  ],
  ['registries: [{ name: a.io, ca: ./nope.pem }]', '32 registries[0].ca: /srv/nope.pem: there is no such file'],
  ['registries: [{ name: a.io, ca: /nowhere/ca.crt }]', '32 registries[0].ca: /nowhere/ca.crt: there is no such file'],
  [
    'groups: { worker: { taints: [a=b:NoSchedul] } }',
    '30 groups.worker.taints[0]: "a=b:NoSchedul" is not a taint: key=value:Effect or key:Effect, with one of NoSchedule, PreferNoSchedule, NoExecute; did you mean a=b:NoSchedule?',
  ],
  [
    'groups: { master: { labels: { -x: y } } }',
    '35 groups.master.labels["-x"]: "-x" is not a label name: letters, digits, - _ . and perhaps a DNS name and / in front',
  ],
  [
    'groups: { master: { labels: { x: a b } } }',
    '34 groups.master.labels.x: "a b" is not a label value: at most 63 letters, digits, - _ .',
  ],
  [
    'artifacts: { mirrors: { etcd: "http://10.0.0.5/etcd" } }',
    '31 artifacts.mirrors.etcd: http:// without a sha256: write artifacts.sha256 with etcd/3.7.3/linux-ARCH/FILE: SUM for each file, or use https://',
  ],
  [
    `artifacts: { mirrors: { kubernetes: "http://m" }, sha256: { kubernetes/1.36.0/linux-amd64/kubelet: ${SUM} } }`,
    '37 artifacts.mirrors.kubernetes: http:// without a sha256: write artifacts.sha256 with kubernetes/1.37.1/linux-ARCH/FILE: SUM for each file, or use https://',
  ],
  [
    'addons: { manifests: [{ name: a, source: "http://10.0.0.5/a.yaml" }] }',
    '42 addons.manifests[0].source: http:// without a sha256: write sha256 beside it, or use https://',
  ],
  [
    'network: { calico: { manifest: "http://10.0.0.5/a.yaml" } }',
    '32 network.calico.manifest: http:// without a sha256: write sha256 beside it, or use https://',
  ],
  [
    `artifacts: { sha256: { kubelet: ${SUM} } }`,
    '24 artifacts.sha256.kubelet: "kubelet" is not COMPONENT/VERSION/linux-ARCH/FILE, with kubernetes, etcd, cni-plugins, containerd or runc in front',
  ],
  [
    'artifacts: { sha256: { etcd/3.7.3/linux-amd64/etcd: abc } }',
    '53 artifacts.sha256["etcd/3.7.3/linux-amd64/etcd"]: "abc" is not 64 hexadecimal digits',
  ],
  [
    'verify: { image: "busybox@sha256:abc" }',
    '18 verify.image: "busybox@sha256:abc" is not an image name; a digest is written @sha256: and 64 hexadecimal digits',
  ],
  [
    'containerd: { sandboxImage: "registry.k8s.io/pause@sha512:abc" }',
    '29 containerd.sandboxImage: "registry.k8s.io/pause@sha512:abc" is not an image name; a digest is written @sha256: and 64 hexadecimal digits',
  ],
  ['groups: { workers: {} }', '11 groups.workers: is not a setting; did you mean worker?'],
  [
    'apiServer: { extraArgs: { enable-admission-plugins: [AlwaysPullImages, NodeRestriction] } }',
    "53 apiServer.extraArgs.enable-admission-plugins: must be text or a number or true or false or null (one line), not a list; did you mean 'AlwaysPullImages,NodeRestriction'?",
  ],
  [
    'kubelet: { extraArgs: { node-labels: [] } }',
    '38 kubelet.extraArgs.node-labels: must be text or a number or true or false or null (one line), not a list',
  ],
  [
    'groups: { worker: { taints: [{ key: dedicated, value: db, effect: NoSchedule }] } }',
    "30 groups.worker.taints[0]: must be text (a taint as kubectl writes it), not a map; did you mean 'dedicated=db:NoSchedule'?",
  ],
  [
    'groups: { worker: { taints: [{ key: dedicated, effect: NoExecute }] } }',
    "30 groups.worker.taints[0]: must be text (a taint as kubectl writes it), not a map; did you mean 'dedicated:NoExecute'?",
  ],
  [
    'groups: { worker: { taints: [{ key: dedicated }] } }',
    '30 groups.worker.taints[0]: must be text (a taint as kubectl writes it), not a map',
  ],
  ['system: { sysctls: [] }', '20 system.sysctls: must be a map, not a list'],
  [
    'pillar: { a: "${SURELY_NOT_SET}" }',
    '14 pillar.a: the environment variable SURELY_NOT_SET is not set, and would not be allowed here: allow it with --env SURELY_NOT_SET or in MCPK_ENV',
  ],
  // A near name that is there would be told to whoever reads what CI prints.
  [
    'pillar: { a: "${HOMEE}" }',
    '14 pillar.a: the environment variable HOMEE is not set, and would not be allowed here: allow it with --env HOMEE or in MCPK_ENV',
  ],
  [
    'pillar: { a: "${a b}" }',
    '14 pillar.a: "${a b}" is neither ${NAME} nor ${NAME:-default}; write `$${` for a plain `${`',
  ],
  ['pillar: { a: "${HOME" }', '14 pillar.a: `${` has no closing `}`; write `$${` for a plain `${`'],
];

describe('a mistake names file, place, path, what is wrong and the nearest word', () => {
  it.each([
    [
      'name: c\nhosts:\n- { name: m1, address: 10.0.0.1, roles: [masterr] }',
      'a.yaml:3:42 hosts[0].roles[0]: "masterr" is not one of master, etcd, worker; did you mean master?',
    ],
    [
      'name: c\nhosts:\n- { name: m1, adress: 10.0.0.1, roles: [master] }',
      'a.yaml:3:15 hosts[0].adress: is not a setting; did you mean address?',
    ],
    ['name: c', 'a.yaml:1:1: hosts is missing: the hosts. Of several files, hosts of the same name are merged'],
    [
      `hosts: [${MASTER}]`,
      "a.yaml:1:1: name is missing: name of the cluster; names the kubeconfig's cluster and context",
    ],
    [
      `name: Bad_Name\nhosts: [${MASTER}]`,
      'a.yaml:1:7 name: "Bad_Name" is not a DNS label: lower-case letters, digits and dashes; did you mean bad-name?',
    ],
    ['apiVersion: mcpk/v2\n' + ONE, 'a.yaml:1:13 apiVersion: "mcpk/v2" is not mcpk/v1; did you mean mcpk/v1?'],
  ])('%j', async (yaml, line) => {
    expect(await mistakesOf(yaml)).toContain(line);
  });

  it.each(WRONG)('%s', async (yaml, line) => {
    // A file may not name a section twice, so `endpoint` comes in a second file.
    const texts = yaml.startsWith('endpoint') ? [FIVE, yaml] : [FIVE + yaml];
    // +: of the second line.
    const at = `a.yaml:${line.startsWith('+') ? Number(LINE) + 1 : LINE}:`;
    const place = line.startsWith('a.yaml') ? '' : texts.length > 1 ? 'b.yaml:1:' : at;
    expect(await mistakesOf(texts)).toContain(place + line.replace(/^\+/, ''));
  });

  it.each(WRONG)('%s, also beside names in its section and among the hosts that nobody knows', async (yaml, line) => {
    const texts = [
      FIVE.replace('roles: [worker] }', 'roles: [worker], nobodyKnows: 1 }'),
      yaml.replaceAll(/^(\w+: \[?\{ )/gm, '$1nobodyKnows: 1, '),
    ];
    const message = line.replace(/^(a\.yaml:\d+:|\+)?\d+ /, ' ');
    expect((await mistakesOf(texts)).map((each) => each.replace(/^\S+/, ''))).toContain(message);
  });
});

describe('hosts', () => {
  const hosts = (...lines: string[]): string =>
    `name: c\nendpoint: { address: 10.0.0.100 }\nhosts:\n${lines.map((line) => `- { ${line} }`).join('\n')}`;
  const m1 = 'name: m1, address: 10.0.0.1, roles: [master]';

  it.each([
    [
      hosts(m1, 'name: m1, address: 10.0.0.2, roles: [worker]'),
      'a.yaml:5:11 hosts[1].name: another host is called "m1" too',
    ],
    [
      hosts(m1, 'name: w1, address: 10.0.0.1, roles: [worker]'),
      'a.yaml:5:24 hosts[1].address: "10.0.0.1" is the address of m1 too (a.yaml:4)',
    ],
    [
      hosts(m1, 'name: w1, address: gate, internalAddress: 10.0.0.1, roles: [worker]'),
      'a.yaml:5:47 hosts[1].internalAddress: "10.0.0.1" is the internalAddress of m1 too (a.yaml:4)',
    ],
    [
      hosts(m1, 'name: w1, address: gate, roles: [worker]'),
      'a.yaml:5:3 hosts[1].internalAddress: internalAddress is missing: "gate" is not an IPv4 address, and the cluster needs one',
    ],
    [
      hosts(m1, 'name: w1, address: "fd00::1", roles: [worker]'),
      'a.yaml:5:3 hosts[1].internalAddress: internalAddress is missing: "fd00::1" is not an IPv4 address, and the cluster needs one; IPv6 is not supported, the cluster is IPv4 only',
    ],
    ...(
      [
        ['control-plane', 'master'],
        ['controlplane', 'master'],
        ['servers', 'master'],
        ['Node', 'worker'],
        ['agent', 'worker'],
      ] as const
    ).map(([word, role]) => [
      hosts(m1, `name: w1, address: 10.0.0.2, roles: [${word}]`),
      `a.yaml:5:42 hosts[1].roles[0]: "${word}" is not one of master, etcd, worker; did you mean ${role}?`,
    ]),
    [
      hosts(m1, 'name: w1, address: 10.0.0.300, roles: [worker]'),
      'a.yaml:5:24 hosts[1].address: "10.0.0.300" is neither an address nor a name',
    ],
    [
      hosts(m1, 'name: w1, address: 127.0.0.1, roles: [worker]'),
      'a.yaml:5:24 hosts[1].address: "127.0.0.1" is no address at which other hosts reach it',
    ],
    [
      hosts(m1, 'name: W_1, address: 10.0.0.2, roles: [worker]'),
      'a.yaml:5:11 hosts[1].name: "W_1" is not a DNS name in lower case; did you mean w-1?',
    ],
    [
      hosts(m1, 'name: knötchen, address: 10.0.0.2, roles: [worker]'),
      'a.yaml:5:11 hosts[1].name: "knötchen" is not a DNS name in lower case',
    ],
    [
      hosts(m1, 'name: api, address: 10.0.0.2, roles: [worker]'),
      'a.yaml:5:11 hosts[1].name: "api" is what mcpk calls the API itself: give the host another name',
    ],
    [
      hosts(m1, `name: ${'w'.repeat(255)}, address: 10.0.0.2, roles: [worker]`),
      `a.yaml:5:11 hosts[1].name: "${'w'.repeat(79)}…" is longer than 63 characters`,
    ],
    [
      'name: c\nhosts: { m1: { address: 10.0.0.1 } }',
      'a.yaml:2:8 hosts: must be a list, not a map; did you mean - { name: m1, … }?',
    ],
    [hosts(m1, 'name: w1, address: 10.0.0.2, roles: []'), 'a.yaml:5:41 hosts[1].roles: must not be empty'],
    [
      hosts(m1, 'name: w1, address: 10.0.0.2, roles: worker'),
      'a.yaml:5:41 hosts[1].roles: must be a list, not "worker"; did you mean [worker]?',
    ],
    [
      hosts(m1, 'name: w1, address: 10.0.0.2'),
      'a.yaml:5:3 hosts[1]: roles is missing: what the host does. Masters carry etcd too, unless some host names the role etcd',
    ],
    [hosts('name: w1, address: 10.0.0.2, roles: [worker]'), 'a.yaml:4:1 hosts: no host has the role master'],
    [
      hosts(`${m1}, priority: 7`, 'name: m2, address: 10.0.0.2, roles: [master], priority: 7'),
      'a.yaml:5:61 hosts[1].priority: 7 is the priority of m1 too; give each master its own',
    ],
    [hosts(`${m1}, priority: 255`), 'a.yaml:4:61 hosts[0].priority: 255 is not between 1 and 254'],
  ])('%#', async (yaml, line) => {
    expect(await mistakesOf(yaml)).toEqual([line]);
  });

  it('may share an address behind different jump hosts or ports', async () => {
    const yaml = hosts(
      m1,
      'name: w1, address: 10.0.0.1, internalAddress: 10.0.0.2, roles: [worker], ssh: { port: 2222 }',
    );
    expect((await loadYaml(yaml)).hosts).toHaveLength(2);
  });
});

describe('the endpoint', () => {
  const three = (endpoint: string): string => FIVE.replace('endpoint: { address: 10.0.0.100 }', endpoint);

  it.each([
    [
      three(''),
      'a.yaml:1:1 endpoint.address: address is missing: several masters need a VIP, or a load balancer and external: true',
    ],
    [
      three('endpoint: { address: 10.0.0.11 }'),
      'a.yaml:2:22 endpoint.address: 10.0.0.11 is the address of w1; a VIP belongs to no host',
    ],
    [
      three('endpoint: { address: 10.254.0.1 }'),
      'a.yaml:2:22 endpoint.address: 10.254.0.1 lies in network.serviceCidr 10.254.0.0/16 (its default): change one of them',
    ],
    [
      three('endpoint: { address: 10.1.0.1 }\nnetwork: { serviceCidr: 10.1.0.0/16 }'),
      "a.yaml:3:25 network.serviceCidr: 10.1.0.0/16 holds 10.1.0.1, the endpoint's address",
    ],
    [
      three('endpoint: { address: k8s.example.org }'),
      'a.yaml:2:22 endpoint.address: "k8s.example.org" is not an IPv4 address, which a VIP is; a name needs external: true',
    ],
    [
      three('endpoint: { address: 10.0.0.100, port: 6443 }'),
      'a.yaml:2:40 endpoint.port: apiServer.port is 6443 too, and both listen on the masters',
    ],
    [
      three('endpoint: { address: 10.0.0.100, external: true, tls: terminate }'),
      'a.yaml:2:55 endpoint.tls: terminate is done by HAProxy, and external means that there is none of ours',
    ],
    [
      `${ONE}endpoint: { address: 10.0.0.1, port: 443 }`,
      'a.yaml:3:38 endpoint.port: m1 itself answers at apiServer.port 6443, not 443',
    ],
    [
      `${ONE}endpoint: { external: false }`,
      'a.yaml:3:11 endpoint.address: address is missing: external is false, so a VIP is needed',
    ],
  ])('%#', async (yaml, line) => {
    expect(await mistakesOf(yaml)).toEqual([line]);
  });

  it('may be the name of a load balancer of your own', async () => {
    expect((await loadYaml(three('endpoint: { address: k8s.example.org, external: true }'))).endpoint).toMatchObject({
      port: 443,
      external: true,
    });
  });
});

describe('all mistakes', () => {
  it('are in the message up to a hundred of them, and all in the JSON', async () => {
    const text = `${ONE}${Array.from({ length: 2000 }, (_, at) => `x${at}: 1`).join('\n')}`;
    const error = await errorOf(text);
    expect(error).toMatchObject({ message: '2000 mistakes in a.yaml', mistakes: { length: 2000 } });
    expect([error.details.length, error.details[0], error.details.at(-1)]).toEqual([
      101,
      expect.stringContaining('a.yaml:3:1 x0: is not a setting') as string,
      'and 1900 more: --json has them all',
    ]);
  });

  it('of length and form are told by the form', async () => {
    const [line] = await mistakesOf(
      `${ONE}artifacts: { sha256: { kubernetes/1.37.1/linux-amd64/kubelet: "sha256:${'0'.repeat(64)}" } }`,
    );
    expect(line).toMatch(/is not 64 hexadecimal digits$/);
  });

  it('are told at once, those of the schema and those of sense, in the order of the file', async () => {
    const error = await errorOf(`name: c
hosts:
- { name: m1, address: 10.0.0.1, roles: [masterr] }
- { name: m2, address: 10.0.0.2, roles: [master], ssh: { port: x } }
- { name: m3, address: 10.0.0.2, roles: [master] }
network: { podCidr: 10.254.0.0/17, domain: 5 }
etcd: { electionTimeout: 400 }
`);
    expect(error.mistakes.map(({ line, path }) => [line, path])).toEqual([
      [3, 'hosts[0].roles[0]'],
      [4, 'hosts[1].ssh.port'],
      [5, 'hosts[2].address'],
      [6, 'network.serviceCidr'],
      [6, 'network.domain'],
      [7, 'etcd.electionTimeout'],
    ]);
    expect(error).toMatchObject({ exitCode: 10, message: '6 mistakes in a.yaml' });
  });

  it('of several files each name their own', async () => {
    const lines = await mistakesOf([FIVE, 'haproxy:\n  maxcon: 5\n', 'ssh: { port: 0 }']);
    expect(lines).toEqual([
      'b.yaml:2:3 haproxy.maxcon: is not a setting; did you mean maxconn?',
      'c.yaml:1:14 ssh.port: 0 is not between 1 and 65535',
    ]);
  });

  it('are in the JSON, each with its parts', async () => {
    const json = JSON.parse(JSON.stringify(await errorOf(`${ONE}ssh: { usr: x }`))) as unknown;
    expect(json).toMatchObject({
      code: 'invalid',
      exitCode: 10,
      mistakes: [
        { file: 'a.yaml', line: 3, column: 8, path: 'ssh.usr', message: 'is not a setting', suggestion: 'user' },
      ],
    });
  });

  it.each<[string, string[]]>([
    [
      'registries: [{ skipVerify: x }, { name: a.io, username: u }]',
      ['registries[0]', 'registries[0].skipVerify', 'registries[1]'],
    ],
    [
      'addons: { manifests: [{ name: 1 }, { name: a, source: "http://m" }, { name: a, source: /x }] }',
      ['addons.manifests[0]', 'addons.manifests[0].name', 'addons.manifests[1].source', 'addons.manifests[2].name'],
    ],
    [
      'apiServer: { files: [{ path: /x, content: "" }, { path: a, content: "" }, { path: a, content: "" }] }',
      ['apiServer.files[0].path', 'apiServer.files[2].path'],
    ],
    [
      'apiServer: { audit: { policy: { rules: [{ level: x }, { level: None, nonResourceURLs: [/a], namespaces: [b] }] } } }',
      ['apiServer.audit.policy.rules[0].level', 'apiServer.audit.policy.rules[1]'],
    ],
    [
      'versions: { coredns: x }\nkubelet: { extraArgs: { containerd: /run/x } }',
      ['versions.coredns', 'kubelet.extraArgs.containerd'],
    ],
    [
      'versions: { kubernetes: x }\netcd: { extraArgs: { proxy: "on" } }',
      ['versions.kubernetes', 'etcd.extraArgs.proxy'],
    ],
    [
      'containerd: { restrictOomScoreAdj: x, config: { plugins: { a: { registry: { mirrors: {} } } } } }',
      ['containerd.restrictOomScoreAdj', 'containerd.config.plugins.a.registry.mirrors'],
    ],
  ])('of which none follows from the others are told at once: %s', async (yaml, paths) => {
    expect((await errorOf(FIVE + yaml)).mistakes.map(({ path }) => path)).toEqual(paths);
  });

  it.each([
    ['versions: { kubernetes: x }\nkubelet: { extraArgs: { containerd: /run/x } }', 'versions.kubernetes'],
    ['registries: [{ name: a.io, usernme: u, password: p }]', 'registries[0].usernme'],
    ['network: { podCird: 10.0.64.0/18, serviceCidr: 10.244.0.0/16 }', 'network.podCird'],
    ['etcd: { electionTimeout: x, heartbeatInterval: 500 }', 'etcd.electionTimeout'],
    ['certificates: { leafDays: x, renewBeforeDays: 3000, authorityDays: 3001 }', 'certificates.leafDays'],
    ['apiServer: { port: x, nodePortRange: 6000-7000 }', 'apiServer.port'],
    ['apiServer: { nodePortRange: x, port: 30000 }', 'apiServer.nodePortRange'],
    [
      'apiServer: { files: [{ path: a, content: [] }], extraArgs: { x: /etc/kubernetes/api-server/files/a } }',
      'apiServer.files[0].content',
    ],
  ])('that follow from another one are not told: %s', async (yaml, path) => {
    expect((await errorOf(FIVE + yaml)).mistakes.map((each) => each.path)).toEqual([path]);
  });

  it.each([
    ['are wrong', 'roles: [control-plane]', 'hosts[0].roles[0]'],
    ['are no list', 'roles: master', 'hosts[0].roles'],
    ['are missing', 'role: [master]', 'hosts[0]'],
  ])('of addresses are told with those of a host whose roles %s', async (_what, roles, path) => {
    const yaml = `network: { podCidr: 10.8.0.0/14 }\nname: c\nhosts: [{ name: a, address: 10.9.0.1, ${roles} }, { name: b, address: 10.9.0.1, roles: [master] }]`;
    const paths = (await errorOf(yaml)).mistakes.map((mistake) => mistake.path);
    expect(paths).toEqual(expect.arrayContaining(['network.podCidr', path, 'hosts[1].address']));
  });

  it('that follow from a host that cannot be used are not told', async () => {
    expect(await mistakesOf('name: c\nhosts: [{ name: m1, address: 10.0.0.1, roles: [Master, x] }]')).toHaveLength(2);
  });

  it('show no value of the environment, no password, and nothing that a terminal would obey', async () => {
    const env = { HOME: '/h', MCPK_PW: 'hunter2' };
    const lines = await mistakesOf(
      `${ONE}ssh: { user: '\${MCPK_PW} x', becomePassword: 123456 }\nproxy: { http: 'u:s3cret@p' }\npillar: 1\nversions: { etcd: "\\e[31mx\\u202e" }`,
      env,
    );
    expect(lines.join('\n')).not.toMatch(/hunter2|123456|s3cret|\u001B|\u202E/);
    expect(lines).toHaveLength(5);
  });
});

it.each([
  `artifacts: { mirrors: { etcd: "http://m" }, sha256: { etcd/3.7.3/linux-amd64/etcd-v3.7.3-linux-amd64.tar.gz: ${SUM} } }`,
  'artifacts: { mirrors: { etcd: "http://m" }, download: false }',
  `addons: { manifests: [{ name: a, source: "http://m/a.yaml", sha256: ${SUM} }] }`,
  `network: { calico: { manifest: "http://m/a.yaml", sha256: ${SUM} } }`,
])('http:// is no mistake beside what pins it, or where nothing is fetched: %s', async (yaml) => {
  await expect(loadYaml(`${FIVE}${yaml}`)).resolves.toBeDefined();
});

describe('settings of nodes are looked at as they are merged', () => {
  const BESIDE = 'kube-proxy does not heed --proxy-mode beside the file of --config: write it into kubeProxy.config';
  const GONE =
    'kubelet 1.37.1 does not know the feature gate SidecarContainers, which is gone since 1.37.0: leave it out: what it switched is always on, or was given up';
  const PODS = "a node's part of podCidr (network.nodePrefix: 24) has addresses for 253 pods, not for 300";
  const GATE = 'kubelet: { config: { featureGates: { SidecarContainers: true } } }';
  const TAKEN = '{ config: { featureGates: { SidecarContainers: null } } }';

  interface Written {
    top?: string;
    m1?: string;
    w1?: string;
    e1?: string;
  }
  const inventory = ({ top = '', m1 = '', w1 = '', e1 = '' }: Written): string =>
    [
      'name: c',
      'endpoint: { address: 10.0.0.100 }',
      'hosts:',
      `- { name: m1, address: 10.0.0.1, roles: [master]${m1} }`,
      `- { name: e1, address: 10.0.0.2, roles: [etcd]${e1} }`,
      `- { name: w1, address: 10.0.0.3, roles: [worker]${w1} }`,
      `- { name: w2, address: 10.0.0.4, roles: [worker] }`,
      top,
    ].join('\n');

  it.each<[string, Written, string[]]>([
    [
      "a host's file beside a flag of the cluster",
      {
        top: 'kubeProxy: { extraArgs: { config: null, proxy-mode: nftables } }',
        w1: ', kubeProxy: { extraArgs: { config: /own.yaml } }',
      },
      [`kubeProxy.extraArgs.proxy-mode: ${BESIDE}`],
    ],
    [
      "a group's file beside a flag of its host",
      {
        top: 'kubeProxy: { extraArgs: { config: null } }\ngroups: { worker: { kubeProxy: { extraArgs: { config: /own.yaml } } } }',
        w1: ', kubeProxy: { extraArgs: { proxy-mode: ipvs } }',
      },
      [`hosts[2].kubeProxy.extraArgs.proxy-mode: ${BESIDE}`],
    ],
    ['a gate of all, once', { top: GATE }, [`kubelet.config.featureGates.SidecarContainers: ${GONE}`]],
    [
      'a gate of a group',
      { top: `groups: { worker: { ${GATE} } }` },
      [`groups.worker.kubelet.config.featureGates.SidecarContainers: ${GONE}`],
    ],
    [
      'more pods by a flag than by the file',
      { top: 'kubelet: { config: { maxPods: 50 } }', w1: ', kubelet: { extraArgs: { max-pods: 300 } }' },
      [`hosts[2].kubelet.extraArgs.max-pods: ${PODS}`],
    ],
  ])('refuses %s', async (_name, written, lines) => {
    const found = await mistakesOf(inventory({ ...written, top: `network: { plugin: bridge }\n${written.top ?? ''}` }));
    expect(found.map((line) => line.replace(/^a\.yaml:\d+:\d+ /, ''))).toEqual(lines);
  });

  it.each<[string, Written]>([
    [
      'a flag of a host whose group takes the file away',
      {
        top: 'groups: { worker: { kubeProxy: { extraArgs: { config: null } } } }',
        w1: ', kubeProxy: { extraArgs: { proxy-mode: ipvs } }',
      },
    ],
    [
      'a gate that each node takes away',
      { top: `${GATE}\ngroups: { worker: { kubelet: ${TAKEN} } }`, m1: `, kubelet: ${TAKEN}` },
    ],
    ['what a host without a kubelet has', { e1: `, ${GATE}` }],
    [
      'fewer pods by a flag than by the file',
      { top: 'kubelet: { config: { maxPods: 300 }, extraArgs: { max-pods: 50 } }' },
    ],
  ])('passes %s', async (_name, written) => {
    const top = `network: { plugin: bridge }\n${written.top ?? ''}`;
    await expect(loadYaml(inventory({ ...written, top }))).resolves.toMatchObject({ name: 'c' });
  });
});

it.each([
  ['io.containerd.grpc.v1.cri', 'mirrors', '{ a.io: { endpoint: [https://m.example.org] } }'],
  ['io.containerd.cri.v1.images', 'configs', '{ a.io: { tls: {} } }'],
  ['io.containerd.cri.v1.images', 'config_path', '/own'],
])('refuses registries in the settings of %s: %s', async (plugin, key, value) => {
  const config = `{ plugins: { ${plugin}: { registry: { ${key}: ${value} } } } }`;
  const [line = '', ...more] = await mistakesOf(`${ONE}containerd: { config: ${config} }`);
  expect(more).toEqual([]);
  expect(line.replace(/^a\.yaml:\d+:\d+ /, '')).toBe(
    `containerd.config.plugins["${plugin}"].registry.${key}: mcpk writes it, and another would keep containerd from the registries: write mirrors, authorities and credentials into registries`,
  );
});

it('a network that holds the one master is told once, not of its endpoint too', async () => {
  const text =
    'name: c\nnetwork: { podCidr: 10.0.0.0/16 }\nhosts: [{ name: m1, address: 10.0.0.1, roles: [master] }]\n';
  expect(await mistakesOf(text)).toEqual([
    'a.yaml:2:21 network.podCidr: 10.0.0.0/16 holds 10.0.0.1, the address of m1',
  ]);
});

it.each([
  ['root@10.0.0.1', '; who logs in has a setting of its own (user)'],
  ['10.0.0.1:22', '; its port has a setting of its own (port)'],
  ['m1.example.org:2222', '; its port has a setting of its own (port)'],
  ['10.0.0.1/24', '; leave /24 out'],
  ['10.0.0.300', ''],
  ['2001:db8:::1', ''],
])('an address that is %s is told where the rest belongs', async (address, told) => {
  const host = `name: c\nhosts: [{ name: m1, address: "${address}", internalAddress: 10.0.0.1, roles: [master] }]\n`;
  const said = await mistakesOf(host);
  expect(said).toEqual([expect.stringMatching(/hosts\[0\]\.address: .* an address (or|nor) a name/)]);
  expect(said[0]?.endsWith(`a name${told}`)).toBe(true);
});
