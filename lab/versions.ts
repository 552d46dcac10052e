/**
 * What the lab is made of unless its caller asks for something else. Kept apart from
 * src/core/versions.ts: the lab must be able to lay down versions that mcpk calls too old.
 */
export type Component =
  | 'kubernetes'
  | 'etcd'
  | 'cni-plugins'
  | 'containerd'
  | 'runc'
  | 'coredns'
  | 'calico'
  | 'conformance'
  | 'sample-apiserver'
  | 'agnhost-coredns';

const KUBERNETES = '1.37.1';
const COREDNS = '1.15.0';

export const DEFAULT_VERSIONS: Readonly<Record<Component, string>> = {
  kubernetes: KUBERNETES,
  etcd: '3.7.3',
  'cni-plugins': '1.9.1',
  containerd: '2.3.7',
  runc: '1.5.3',
  coredns: COREDNS,
  // The newest one that can be had as a Go module.
  calico: '3.28.5',
  conformance: KUBERNETES,
  // As upstream's list of test images has it.
  'sample-apiserver': '1.29.2',
  'agnhost-coredns': COREDNS,
};

/** The files that each component consists of, by the names that upstream's releases give them. */
export const COMPONENT_FILES: Readonly<Record<Component, readonly string[]>> = {
  kubernetes: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl'],
  etcd: ['etcd', 'etcdctl', 'etcdutl'],
  'cni-plugins': ['bridge', 'host-local', 'loopback', 'portmap', 'bandwidth', 'firewall', 'tuning'],
  containerd: ['containerd', 'containerd-shim-runc-v2', 'ctr'],
  runc: ['runc'],
  coredns: ['coredns'],
  calico: ['calico-node', 'calico', 'install', 'kube-controllers', 'check-status'],
  conformance: ['e2e.test', 'ginkgo', 'agnhost', 'nnp'],
  'sample-apiserver': ['sample-apiserver'],
  'agnhost-coredns': ['coredns'],
};

/** What kubeadm of the same release would put into containerd's sandbox_image. */
export const PAUSE_VERSION = '3.10.1';

/** What the hosts run; another release by the same name as in Debian's archive: `MCPK_LAB_SUITE=bookworm`. */
export const DEBIAN_SUITE = process.env['MCPK_LAB_SUITE'] ?? 'trixie';
