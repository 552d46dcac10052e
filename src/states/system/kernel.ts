import type { KernelModuleResource, Resource } from '../../resources/types.ts';
import { file, lines, sortedEntries } from '../build.ts';
import { isNode } from '../node-rollout.ts';
import type { StateContext } from '../stage.ts';

/** `evidence` also shows a module that is built into the kernel. */
const MODULES: readonly KernelModuleResource[] = [
  { kind: 'kernelModule', name: 'overlay', evidence: '/sys/module/overlay' },
  { kind: 'kernelModule', name: 'br_netfilter', evidence: '/proc/sys/net/bridge/bridge-nf-call-iptables' },
  { kind: 'kernelModule', name: 'nf_conntrack', evidence: '/proc/sys/net/netfilter/nf_conntrack_max' },
];

const NETWORK_SYSCTLS = {
  'net.bridge.bridge-nf-call-ip6tables': '1',
  'net.bridge.bridge-nf-call-iptables': '1',
  'net.ipv4.ip_forward': '1',
};

/** kubelet refuses to start with `protectKernelDefaults` unless these are so (pkg/kubelet/cm/container_manager_linux.go). */
const KUBELET_SYSCTLS = {
  'kernel.keys.root_maxbytes': '25000000',
  'kernel.keys.root_maxkeys': '1000000',
  'kernel.panic': '10',
  'kernel.panic_on_oops': '1',
  'vm.overcommit_memory': '1',
  'vm.panic_on_oom': '0',
};

export function kernel({ cluster, host }: StateContext): Resource[] {
  const modules = isNode(host) ? MODULES : [];
  const wanted = { ...(isNode(host) ? { ...NETWORK_SYSCTLS, ...KUBELET_SYSCTLS } : {}), ...cluster.system.sysctls };
  const sysctls = sortedEntries(wanted);
  return [
    ...modules,
    ...(modules.length > 0 ? [file('/etc/modules-load.d/mcpk.conf', lines(modules.map((module) => module.name)))] : []),
    ...sysctls.map(([key, value]) => ({
      kind: 'sysctl' as const,
      key,
      value,
      ...(key.startsWith('net.') ? { guarded: true } : {}),
      ...(modules.length > 0 && key.startsWith('net.bridge.')
        ? { requires: ['kernelModule:br_netfilter' as const] }
        : {}),
    })),
    ...(sysctls.length > 0
      ? [file('/etc/sysctl.d/90-mcpk.conf', lines(sysctls.map(([key, value]) => `${key} = ${value}`)))]
      : []),
  ];
}
