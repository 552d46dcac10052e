import type { HostFacts } from '../../cluster/facts.ts';
import { NODE_MODULES } from '../../core/kernel-modules.ts';
import {
  FORWARDING,
  KUBELET_SYSCTLS,
  NETWORK_SYSCTLS,
  SYSCTL_FILES,
  sysctlKey,
  sysctlValue,
} from '../../core/sysctls.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import type { KernelModuleResource, Resource } from '../../resources/types.ts';
import { file, lines, sortedEntries } from '../build.ts';
import { isNode } from '../node-rollout.ts';
import type { Problem, StateContext } from '../stage.ts';

const MODULES = NODE_MODULES.map((module): KernelModuleResource => ({ kind: 'kernelModule', ...module }));

/** What a host's kernel is set to, by key in its one form. */
function sysctlsOf(cluster: Cluster, host: Host): Record<string, string> {
  const own = Object.entries(cluster.system.sysctls).map(([key, value]) => [sysctlKey(key), value] as const);
  return { ...(isNode(host) ? { ...NETWORK_SYSCTLS, ...KUBELET_SYSCTLS } : {}), ...Object.fromEntries(own) };
}

/** Files that are read after ours and say something else: so it is after the next boot. */
export function sysctlProblems(cluster: Cluster, host: Host, own: HostFacts): Problem[] {
  const wanted = { ...(isNode(host) ? FORWARDING : {}), ...sysctlsOf(cluster, host) };
  return own.laterSysctls.flatMap(({ file, key, value }) => {
    const ours = wanted[sysctlKey(key)];
    if (ours === undefined || sysctlValue(ours) === sysctlValue(value)) return [];
    return [
      {
        code: 'warning',
        host: host.name,
        message: `${file} sets ${key} to ${value} and is read after ${SYSCTL_FILES.node}, which sets it to ${ours}: at the next boot ${value} counts`,
        hint: `Take the line out of ${file}.`,
      },
    ];
  });
}

export function kernel({ cluster, host }: StateContext): Resource[] {
  const modules = isNode(host) ? MODULES : [];
  const sysctls = sortedEntries(sysctlsOf(cluster, host));
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
    ...(sysctls.length > 0 ? [file(SYSCTL_FILES.node, lines(sysctls.map(([key, value]) => `${key} = ${value}`)))] : []),
  ];
}
