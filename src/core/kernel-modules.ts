/** A module of the kernel, and a path that shows it also where it is built in. */
export interface KernelModule {
  readonly name: string;
  readonly evidence: string;
}

/** Without these no pod starts, or none is reached. */
export const NODE_MODULES: readonly KernelModule[] = [
  { name: 'overlay', evidence: '/sys/module/overlay' },
  { name: 'br_netfilter', evidence: '/proc/sys/net/bridge/bridge-nf-call-iptables' },
  { name: 'nf_conntrack', evidence: '/proc/sys/net/netfilter/nf_conntrack_max' },
];
