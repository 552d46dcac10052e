import type { Census } from '../../support/rounds.ts';
import { NODES, on } from './mcpk.ts';

/**
 * What there is on a host, a line each: files and folders, sizes of those that are configuration, mounts, network,
 * packet filters, processes, control groups, units that failed. Left out is what goes up and down by itself: the
 * journal of systemd and counters.
 */
const LINES = `
places="/ /run /tmp /dev/shm /var/lib/containerd /var/lib/kubelet /var/lib/etcd"
find $places -xdev -path '*/log/journal' -prune -o -path /run/systemd/journal -prune -o -printf 'file %p\\n'
find /etc /root /usr/local -xdev -type f -printf 'size %s %p\\n'
sed 's/^\\([^ ]* [^ ]* [^ ]*\\) .*/mount \\1/' /proc/self/mounts
ip -br address | sed 's/^/address /'
for family in -4 -6; do
  ip -o $family route show table all | sed "s/^/route $family /"
  ip $family rule | sed "s/^/rule $family /"
done
nft -s list ruleset 2>/dev/null | sed 's/^/nft /'
for save in iptables-save ip6tables-save; do
  $save 2>/dev/null | sed "/^#/d; s/\\[[0-9]*:[0-9]*\\]//; s/^/$save /"
done
ipset list -n 2>/dev/null | sed 's/^/ipset /'
ps -eo comm= | sed 's/^/process /'
find /sys/fs/cgroup -type d -printf 'group %p\\n'
systemctl --failed --plain --no-legend | sed 's/^/failed /'
`;

/** Names that are made anew each time a service starts: `systemd-private-BOOT-haproxy.service-x7Gq2a`. */
const RANDOM = /(systemd-private-)[0-9a-f]{32}-(.*\.service)-\w+/g;

/** May come to be of itself: the journal of mcpk stays, and is cut in two at 1 MiB (docs/journal.md). */
const BOUNDED = /^file \/var\/lib\/mcpk\/journal(\.1)?$/;

/** `m1 file /etc/hosts` → how often it is there, over all hosts. */
export async function census(): Promise<Census> {
  const counts = new Map<string, number>();
  const texts = await Promise.all(NODES.map(async (name) => [name, await on(name, 'sh', '-c', LINES)] as const));
  for (const [name, text] of texts) {
    for (const line of text.replaceAll(RANDOM, '$1$2').split('\n')) {
      if (line === '' || BOUNDED.test(line)) continue;
      counts.set(`${name} ${line}`, (counts.get(`${name} ${line}`) ?? 0) + 1);
    }
  }
  return counts;
}
