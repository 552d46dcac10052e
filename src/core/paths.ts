/** Where things lie on a host. One table, so that stages, gates and scripts agree. */
export const PATHS = {
  /** Everything that mcpk keeps on a host for itself, root 0700. */
  state: '/var/lib/mcpk',
  store: '/var/lib/mcpk/store',
  generations: '/var/lib/mcpk/generations',
  owned: '/var/lib/mcpk/owned.json',
  /** docs/journal.md; `.1` is the one before it. */
  journal: '/var/lib/mcpk/journal',
  /** Of which cluster the host is a part: src/core/cluster-record.ts. */
  clusterRecord: '/var/lib/mcpk/cluster.json',
  /** Names the run that is under way here, or was cut off. */
  unfinished: '/var/lib/mcpk/unfinished',
  /** What a restore of etcd needs and keeps. */
  restore: '/var/lib/mcpk/restore',
  /** One is under way or was cut off: src/cluster/restoring.ts. */
  restoring: '/var/lib/mcpk/restore/state',
  /** Private halves of the authorities, on masters only, root 0700. */
  authorities: '/var/lib/mcpk/authorities',
  /** The host's own: what says where pods find name servers. */
  resolvConf: '/etc/resolv.conf',
  /** What systemd-resolved asks, where it runs: the other file then names resolved itself. */
  resolvedConf: '/run/systemd/resolve/resolv.conf',
  run: '/run/mcpk',
  stamps: '/run/mcpk/stamps',
  lock: '/run/mcpk/lock',

  bin: '/usr/local/bin',
  cniBin: '/opt/cni/bin',
  cniConfig: '/etc/cni/net.d',
  units: '/etc/systemd/system',

  /** Public trust bundles (0644): ca.crt, etcd-ca.crt, front-proxy-ca.crt, service-account.pub. */
  pki: '/etc/kubernetes/pki',
  kubernetes: '/etc/kubernetes',
  /** One folder a component, 0750 root:GROUP; keys 0600 of the service's own user. */
  apiServer: '/etc/kubernetes/api-server',
  /** Further files of the inventory: apiServer.files. */
  apiServerFiles: '/etc/kubernetes/api-server/files',
  controllerManager: '/etc/kubernetes/controller-manager',
  scheduler: '/etc/kubernetes/scheduler',
  kubeProxy: '/etc/kubernetes/kube-proxy',
  admin: '/etc/kubernetes/admin',
  adminKubeconfig: '/etc/kubernetes/admin/kubeconfig',
  adminCert: '/etc/kubernetes/admin/admin.crt',
  adminKey: '/etc/kubernetes/admin/admin.key',
  kubelet: '/etc/kubernetes/kubelet',
  kubeletConfig: '/etc/kubernetes/kubelet/config.yaml',
  kubeletKubeconfig: '/etc/kubernetes/kubelet/kubeconfig',
  kubeletServerCert: '/etc/kubernetes/kubelet/server.crt',
  kubeletServerKey: '/etc/kubernetes/kubelet/server.key',
  kubeProxyKubeconfig: '/etc/kubernetes/kube-proxy/kubeconfig',
  kubeletData: '/var/lib/kubelet',
  /** kubelet rotates this pair itself. */
  kubeletClient: '/var/lib/kubelet/pki/kubelet-client-current.pem',
  etcd: '/etc/etcd',
  etcdPki: '/etc/etcd/pki',
  /** Client of etcd for health checks and membership calls, root only. */
  etcdHealthCert: '/etc/etcd/pki/healthcheck-client.crt',
  etcdHealthKey: '/etc/etcd/pki/healthcheck-client.key',
  etcdConfig: '/etc/etcd/etcd.yaml',
  haproxy: '/etc/haproxy',
  haproxyConfig: '/etc/haproxy/haproxy.cfg',
  /** Leaves of HAProxy (tls: terminate), certificate and key in one file. */
  haproxyPki: '/etc/haproxy/pki',
  keepalivedConfig: '/etc/keepalived/keepalived.conf',
} as const;

/** Service users; group of the same name. */
export const USERS = {
  etcd: 'etcd',
  apiServer: 'kube-apiserver',
  controllerManager: 'kube-controller-manager',
  scheduler: 'kube-scheduler',
} as const;

/** Ids of the sharedSecrets. */
export const SECRETS = {
  clusterAuthority: 'authority/cluster',
  etcdAuthority: 'authority/etcd',
  frontProxyAuthority: 'authority/front-proxy',
  serviceAccount: 'service-account',
  encryption: 'encryption',
} as const;
