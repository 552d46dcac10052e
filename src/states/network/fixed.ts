import { basename } from 'node:path';
import type { Facts } from '../../cluster/facts.ts';
import { hasServed } from '../../cluster/laid.ts';
import { inCidr, nthAddress } from '../../core/ipv4.ts';
import { PATHS } from '../../core/paths.ts';
import { hostsWith, type Cluster } from '../../inventory/types.ts';
import type { Problem } from '../stage.ts';
import { BRIDGE_CONFLIST } from '../bridge/conflist.ts';
import { partsOutside } from '../bridge/parts.ts';
import { CALICO } from '../calico/objects.ts';
import { changedNames } from './fixed-names.ts';

/** What a cluster that runs keeps: its addresses and names are in objects and pods that nobody can give others. */
export function fixedProblems(cluster: Cluster, facts: Facts): Problem[] {
  const otherPlugin = changedPlugin(cluster, facts);
  const pods = [...partsOutside(cluster, facts), ...(otherPlugin.length > 0 ? [] : changedPool(cluster, facts))];
  return [
    ...changedServices(cluster, facts),
    ...(hasServed(facts) ? changedNames(cluster, facts) : []),
    ...otherPlugin,
    ...foreignNetwork(cluster, facts),
    ...(pods.length > 0 ? pods : changedPodRange(cluster, facts)),
  ].map((problem) => ({ code: 'refused', ...problem }));
}

/**
 * The Service `kubernetes` got the first address of the range when the cluster formed, and keeps it. How large the
 * range is, and all of it while no API server answers, the units on the masters tell. A run that was cut off in the
 * middle of a change leaves both ranges there: then the Service decides.
 */
function changedServices(cluster: Cluster, facts: Facts): Problem[] {
  const wanted = cluster.network.serviceCidr;
  const running = rangesOf(cluster, facts, 'services');
  const address = facts.services?.kubernetes;
  const moved = address !== undefined && address !== nthAddress(wanted, 1);
  const resized = hasServed(facts) && running.length > 0 && !running.includes(wanted);
  if (!moved && !resized) return changedDns(cluster, facts);
  const range = address === undefined ? running[0] : running.find((each) => inCidr(address, each));
  const runs = [range, address === undefined ? '' : `the Service kubernetes has ${address}`].filter(Boolean).join(', ');
  return [
    {
      message: `network.serviceCidr: the inventory wants ${wanted}, and the services of this cluster run in another network (${runs})`,
      hint: `Services keep the addresses that they have. Put ${range === undefined ? 'the old network.serviceCidr' : `network.serviceCidr: ${range}`} back.`,
    },
  ];
}

function changedDns({ addons }: Cluster, { services }: Facts): Problem[] {
  const { enabled, serviceAddress } = addons.coredns;
  const address = services?.dns;
  if (!enabled || address === undefined || address === serviceAddress) return [];
  return [
    {
      message: `addons.coredns.serviceAddress: the inventory wants ${serviceAddress}, and the Service kube-dns has ${address}`,
      hint: `A Service keeps its address, and every pod that runs asks that one. Set addons.coredns.serviceAddress: ${address}.`,
    },
  ];
}

/** Different ranges that units on the masters were given. */
function rangesOf(cluster: Cluster, facts: Facts, of: 'services' | 'pods'): string[] {
  const all = hostsWith(cluster, 'master').flatMap(({ name }) => facts.hosts.get(name)?.ranges?.[of] ?? []);
  return [...new Set(all.map(firstRange))];
}

/** A flag may name a second range, of IPv6. */
function firstRange(flag: string): string {
  return flag.split(',')[0] ?? '';
}

/** Only while no API server answers: else the nodes' own parts decide, and a wider range that has them all is fine. */
function changedPodRange(cluster: Cluster, facts: Facts): Problem[] {
  const wanted = cluster.network.podCidr;
  const running = rangesOf(cluster, facts, 'pods');
  const [range] = running;
  if (facts.nodes !== undefined || !hasServed(facts) || range === undefined || running.includes(wanted)) return [];
  return [
    {
      message: `network.podCidr: the inventory wants ${wanted}, and the pods of this cluster run in ${range}`,
      hint: `The network of the pods can not be changed on a cluster that runs. Put network.podCidr: ${range} back.`,
    },
  ];
}

/**
 * By what mcpk laid on the hosts. Where a host has the wanted one already, a run was cut off in the middle of such a
 * change: it may go on.
 */
function changedPlugin({ network: { plugin } }: Cluster, facts: Facts): Problem[] {
  const hosts = Map.groupBy(facts.hosts.keys(), (name) => pluginOn(facts, name));
  const other = plugin === 'bridge' ? 'calico' : 'bridge';
  const on = hosts.get(other) ?? [];
  // Its definitions are not there: Calico was wanted, but never ran.
  const never = other === 'calico' && facts.ipPools?.length === 0;
  if (facts.etcd === 'none' || plugin === 'none' || hosts.has(plugin) || on.length === 0 || never) return [];
  return [
    {
      message: `network.plugin: the inventory wants ${plugin}, and ${other} runs on ${on.join(', ')}`,
      hint: `Pods keep the addresses and routes that they have, so a network can not be exchanged under them. Put network.plugin: ${other} back, or move to a new cluster.`,
    },
  ];
}

function pluginOn(facts: Facts, host: string): 'bridge' | 'calico' | undefined {
  const refs = facts.hosts.get(host)?.owned.flatMap(({ ref, stage }) => (stage === 'network' ? [ref] : [])) ?? [];
  if (refs.includes(`file:${BRIDGE_CONFLIST}`)) return 'bridge';
  // Calico writes its configuration itself; ours is the folder alone.
  return refs.includes(`directory:${PATHS.cniConfig}`) ? 'calico' : undefined;
}

/**
 * With `none` somebody else's network runs on nodes that stand: its configuration would be removed as nobody's, and its
 * pods stay where the new network does not reach them. A host that is no node yet runs no pods.
 */
function foreignNetwork({ network: { plugin } }: Cluster, facts: Facts): Problem[] {
  if (plugin === 'none') return [];
  return [...facts.hosts].flatMap(([host, { cniFiles }]): Problem[] => {
    const foreign = cniFiles.filter((name) => !OWN_FILES.has(name));
    if (!facts.nodes?.has(host) || pluginOn(facts, host) !== undefined || foreign.length === 0) return [];
    return [
      {
        host,
        message: `network.plugin: the inventory wants ${plugin}, and another network has ${foreign.join(', ')} in ${PATHS.cniConfig}`,
        hint: 'Put network.plugin: none back; or take that network off all nodes, its pods with it, and run again.',
      },
    ];
  });
}

const OWN_FILES: ReadonlySet<string> = new Set([basename(BRIDGE_CONFLIST), ...CALICO.cniFiles]);

/** Calico makes its pool from our settings once and never looks at them again, so a change would be none. */
function changedPool(cluster: Cluster, { ipPools = [] }: Facts): Problem[] {
  const { plugin, podCidr, calico } = cluster.network;
  const pool = ipPools.find((each) => each.name === 'default-ipv4-ippool') ?? ipPools[0];
  if (
    plugin !== 'calico' ||
    pool === undefined ||
    (pool.cidr === podCidr && pool.encapsulation === calico.encapsulation)
  )
    return [];
  return [
    {
      message: `Calico's IP pool ${pool.name} has ${pool.cidr} with ${pool.encapsulation}; the inventory wants ${podCidr} with ${calico.encapsulation}`,
      hint: "Set network.podCidr and network.calico.encapsulation to the pool's, or move the pods to a new pool by hand first.",
    },
  ];
}
