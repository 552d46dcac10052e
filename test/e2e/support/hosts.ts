import { expect } from 'vitest';
import { host, status } from '../../../lab/lab.ts';
import { VIP } from '../../../lab/topology.ts';
import { on } from './mcpk.ts';

/** What mcpk lays on hosts, and what grows of it. */
const OURS = [
  ...['/etc/kubernetes/pki', '/etc/kubernetes/kubelet', '/etc/kubernetes/admin', '/etc/etcd', '/var/lib/etcd/member'],
  ...['/var/lib/kubelet/pods', '/var/lib/kubelet/pki', '/var/lib/cni', '/var/lib/calico', '/etc/mcpk'],
  ...['/etc/cni/net.d/10-calico.conflist', '/etc/haproxy/haproxy.cfg', '/etc/systemd/system/kubelet.service'],
  ...['/var/lib/mcpk/owned.json', '/var/lib/mcpk/store', '/var/lib/mcpk/generations', '/var/lib/mcpk/authorities'],
  ...['/usr/local/bin/kubelet', '/usr/local/bin/etcd'],
  ...['/sys/class/net/vxlan.calico', '/sys/class/net/cni0', '/run/mcpk/stamps'],
];

/** What of these is there on a host. */
export async function left(name: string, paths: readonly string[]): Promise<string[]> {
  const { stdout } = await host(name, ['find', ...paths, '-maxdepth', '0']);
  return stdout.split('\n').filter(Boolean);
}

/** Nothing of mcpk, and nothing that grew of it, is there any more. */
export async function isClear(name: string): Promise<void> {
  expect(await left(name, OURS)).toEqual([]);
  expect(await on(name, 'sh', '-c', 'ls -d /sys/class/net/cali* /run/netns/cni-* 2>/dev/null || :')).toBe('');
  expect(await on(name, 'sh', '-c', 'iptables-save; nft list tables; grep kubelet /proc/mounts || :')).not.toMatch(
    /KUBE-|cali-|cali:|kube-proxy|mcpk_pods|\/var\/lib\/kubelet\//,
  );
  expect(
    // Names of processes have at most 15 letters, and a shell that is asked by -f would find itself.
    await on(name, 'sh', '-c', 'pgrep -ax "kubelet|containerd-shim|etcd|kube-apiserver" || :'),
  ).toBe('');
  // A shim from mcpk's store has its sum for a name. The brackets keep the shell from finding itself.
  expect(await on(name, 'sh', '-c', 'pgrep -af "[-]namespace k8s.io -id" || :')).toBe('');
}

/** Where the VIP is now, of those that have power. */
export async function holders(names: readonly string[]): Promise<string[]> {
  const { hosts } = await status();
  const powered = names.filter((name) => hosts.find((each) => each.name === name)?.on === true);
  const found = await Promise.all(
    powered.map(async (name) =>
      (await host(name, ['ip', '-o', 'addr', 'show', 'to', `${VIP}/32`])).stdout === '' ? [] : [name],
    ),
  );
  return found.flat();
}
