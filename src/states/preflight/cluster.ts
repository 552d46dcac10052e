import { hasVip } from '../../cluster/endpoint.ts';
import type { Facts, HostFacts } from '../../cluster/facts.ts';
import { flagProblems } from '../../core/cluster-flags.ts';
import { overlap } from '../../core/ipv4.ts';
import { kubeletSkewProblem, upgradeProblems } from '../../core/versions.ts';
import { hostsWith, type Cluster } from '../../inventory/types.ts';
import type { Problem } from '../stage.ts';

/** Certificates are valid from five minutes ago on, and etcd warns from one second. */
const MAX_SKEW_MS = 2000;

/** What shows only when hosts are held against each other. */
export function clusterProblems(cluster: Cluster, facts: Facts): Problem[] {
  return [
    ...same(
      facts,
      (own) => own.machineId,
      'machine-id',
      'Cloned hosts share it: empty /etc/machine-id, run systemd-machine-id-setup, boot.',
    ),
    ...same(facts, (own) => own.hostname, 'host name', 'Give each host its own: hostnamectl set-hostname NAME.'),
    ...clocks(facts),
    ...vip(cluster, facts),
    ...subnets(cluster, facts),
    ...versions(cluster, facts),
    ...flagProblems(cluster),
  ];
}

function same(facts: Facts, of: (own: HostFacts) => string, what: string, hint: string): Problem[] {
  const groups = Map.groupBy(facts.hosts.keys(), (name) => of(facts.hosts.get(name) as HostFacts));
  return [...groups]
    .filter(([value, names]) => value !== '' && names.length > 1)
    .map(([value, names]) => ({
      message: `${names.join(', ')} have the same ${what} ${value}`,
      hint,
    }));
}

/** The clocks of hosts against each other: what the operator's own clock says is of no matter to the cluster. */
function clocks(facts: Facts): Problem[] {
  const all = [...facts.hosts].map(([name, own]) => ({ name, skew: own.clockSkewMs })).sort((a, b) => a.skew - b.skew);
  const first = all[0];
  const last = all.at(-1);
  if (!first || !last || last.skew - first.skew <= MAX_SKEW_MS) return [];
  const seconds = ((last.skew - first.skew) / 1000).toFixed(1);
  const hint = 'Set the clocks (chronyc makestep), then run again.';
  return [
    {
      host: last.name,
      message: `its clock is ${seconds} s ahead of ${first.name}'s; ${String(MAX_SKEW_MS / 1000)} s are allowed`,
      hint,
    },
  ];
}

/** Free, or on one of our own hosts. Whether a stranger has it must be asked: see mesh.ts. */
function vip(cluster: Cluster, facts: Facts): Problem[] {
  if (!hasVip(cluster)) return [];
  const { address } = cluster.endpoint;
  const holders = [...facts.hosts].filter(([, own]) => own.holdsVip);
  const foreign = holders.filter(([name, own]) => !isMaster(cluster, name) || own.owned.length === 0);
  return foreign.map(([host]) => ({
    host,
    message: `has the VIP ${address}, which mcpk did not put there`,
    hint: 'Take it off, or choose another one.',
  }));
}

function isMaster(cluster: Cluster, name: string): boolean {
  return hostsWith(cluster, 'master').some((host) => host.name === name);
}

/** Pods and services in a subnet that hosts are in would cut those hosts off. */
function subnets(cluster: Cluster, facts: Facts): Problem[] {
  const { podCidr, serviceCidr } = cluster.network;
  const own = Object.entries({ podCidr, serviceCidr });
  const clash = overlap(podCidr, serviceCidr)
    ? [{ message: `network.podCidr ${podCidr} and network.serviceCidr ${serviceCidr} overlap` }]
    : [];
  const hosts = cluster.hosts.flatMap((host) => {
    // The pods' own bridge and tunnels are in podCidr, and shall be: only the subnet of the host's address counts.
    const interfaces = facts.hosts.get(host.name)?.interfaces ?? [];
    const used = interfaces.flatMap((each) => each.addresses).find((each) => each.address === host.internalAddress);
    if (!used) return [];
    const subnet = `${used.address}/${String(used.prefix)}`;
    return own
      .filter(([, cidr]) => overlap(cidr, subnet))
      .map(([name, cidr]) => ({ host: host.name, message: `network.${name} ${cidr} overlaps its subnet ${subnet}` }));
  });
  return [...clash, ...hosts];
}

function versions(cluster: Cluster, facts: Facts): Problem[] {
  const nodes = [...(facts.nodes?.values() ?? [])];
  const skew = nodes.flatMap((node): Problem[] => {
    const message = kubeletSkewProblem(cluster.versions.kubernetes, node.kubeletVersion);
    return message === undefined ? [] : [{ host: node.name, message }];
  });
  const masters = nodes.filter((node) => isMaster(cluster, node.name));
  const steps = masters.flatMap((node) =>
    upgradeProblems('kubernetes', node.kubeletVersion, cluster.versions.kubernetes).map(({ message, hint }) => ({
      host: node.name,
      message,
      hint,
    })),
  );
  return [...skew, ...steps];
}
