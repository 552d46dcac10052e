/** Pods of other hosts, and services, are reached only so. */
export const NETWORK_SYSCTLS: Readonly<Record<string, string>> = {
  'net.bridge.bridge-nf-call-ip6tables': '1',
  'net.bridge.bridge-nf-call-iptables': '1',
  'net.ipv4.ip_forward': '1',
};

/** The second is another name of the first. */
export const FORWARDING: Readonly<Record<string, string>> = {
  'net.ipv4.ip_forward': '1',
  'net.ipv4.conf.all.forwarding': '1',
};

/** kubelet refuses to start with `protectKernelDefaults` unless these are so (pkg/kubelet/cm/container_manager_linux.go). */
export const KUBELET_SYSCTLS: Readonly<Record<string, string>> = {
  'kernel.keys.root_maxbytes': '25000000',
  'kernel.keys.root_maxkeys': '1000000',
  'kernel.panic': '10',
  'kernel.panic_on_oops': '1',
  'vm.overcommit_memory': '1',
  'vm.panic_on_oom': '0',
};

/** HAProxy listens on the VIP also where Keepalived does not keep it now. */
export const NONLOCAL_BIND = 'net.ipv4.ip_nonlocal_bind';

/**
 * systemd-sysctl reads the files of all its folders by their names, and the last one counts: hardening guides and
 * Debian's link to /etc/sysctl.conf lay theirs at 99-.
 */
export const SYSCTL_FILES = {
  node: '/etc/sysctl.d/zz-mcpk.conf',
  haproxy: '/etc/sysctl.d/zz-mcpk-haproxy.conf',
} as const;

/** Families in which each key holds numbers, tried with Linux 6.18. */
const NUMERIC =
  /^(vm\.(?!numa_zonelist_order$)|fs\.(?!binfmt_misc\.)|user\.|net\.bridge\.|net\.netfilter\.nf_conntrack_|net\.ipv[46]\.(conf|neigh)\.(?!.*\.stable_secret$)|net\.ipv4\.tcp_(?!.*(congestion_control|_ulp|_key)$)|net\.core\.([rw]mem_|somaxconn$|netdev_max_backlog$))/;
const NUMBERS = /^[-+]?(0x[\da-f]+|\d+)([ ,][-+]?(0x[\da-f]+|\d+))*$/i;

/** Whether the kernel refuses a value because the key is one of those that hold numbers. */
export function isNoNumber(key: string, value: string): boolean {
  return NUMERIC.test(sysctlKey(key)) && !NUMBERS.test(sysctlValue(value));
}

/** Path below /proc/sys: dots become slashes, unless the key is written with slashes (an interface's name may have dots). */
export function sysctlPath(key: string): string {
  return key.includes('/') ? key : key.replaceAll('.', '/');
}

/** The one form of a key, however it is written. */
export function sysctlKey(key: string): string {
  const path = sysctlPath(key);
  return path.includes('.') ? path : path.replaceAll('/', '.');
}

/** The kernel separates values by tabs, people by blanks. */
export function sysctlValue(value: string): string {
  return value.trim().split(/\s+/).join(' ');
}
