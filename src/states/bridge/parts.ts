import type { Facts, NodeFacts } from '../../cluster/facts.ts';
import { formatIpv4, parseCidr } from '../../core/ipv4.ts';
import type { Cluster } from '../../inventory/types.ts';
import { nodeHosts } from '../node-rollout.ts';
import type { Problem } from '../stage.ts';

/** Nodes keep the part of podCidr that they got: a living network can't be renumbered. */
export function partsOutside(cluster: Cluster, facts: Facts): Problem[] {
  const { podCidr } = cluster.network;
  return [...(facts.nodes?.values() ?? [])]
    .filter((node) => node.podCidr !== undefined && !isWithin(node.podCidr, podCidr))
    .map((node) => ({
      host: node.name,
      message: `its pods have addresses of ${String(node.podCidr)}, which is not in network.podCidr ${podCidr}`,
      hint: 'The network of the pods can not be changed on a cluster that runs: put the old network.podCidr back.',
    }));
}

/**
 * A part becomes a route on all hosts, and a kubelet names its own when it registers: one that is larger, smaller or
 * another node's would draw the traffic of other nodes' pods to whoever has it.
 */
export function wrongParts(cluster: Cluster, facts: Facts): Problem[] {
  const prefix = nodePrefix(cluster);
  const nodes = nodeHosts(cluster).flatMap(({ name }) => {
    const node = facts.nodes?.get(name);
    return node?.podCidr !== undefined && isWithin(node.podCidr, cluster.network.podCidr) ? [node] : [];
  });
  return nodes.flatMap((node, index): Problem[] => {
    const cidr = node.podCidr ?? '';
    if (cidr !== canonical(cidr, prefix))
      return [
        wrong(
          node,
          `is no /${String(prefix)} of network.podCidr`,
          'network.nodePrefix can not be changed on a cluster that runs: put the old one back. If it was not changed',
        ),
      ];
    const twin = nodes.slice(0, index).find((other) => other.podCidr === cidr);
    return twin ? [wrong(node, `is ${twin.name}'s too`, 'Two nodes can not have one part')] : [];
  });
}

function wrong(node: NodeFacts, what: string, why: string): Problem {
  return {
    code: 'refused',
    host: node.name,
    message: `the pod network of its node, ${String(node.podCidr)}, ${what}: it would become a route on every host`,
    hint: `${why}, look at who set it: kubectl get node ${node.name} -o yaml; delete the node that is wrong and restart its kubelet.`,
  };
}

/** As the controller-manager is told to divide podCidr. */
function nodePrefix({ network, controllerManager: { extraArgs } }: Cluster): number {
  return Number(extraArgs['node-cidr-mask-size-ipv4'] ?? extraArgs['node-cidr-mask-size'] ?? network.nodePrefix);
}

/** The part of this size that the first address is in, as the controller-manager writes it. */
function canonical(cidr: string, prefix: number): string | undefined {
  const range = parseCidr(`${cidr.split('/')[0] ?? ''}/${String(prefix)}`);
  return range && `${formatIpv4(range.base)}/${String(prefix)}`;
}

function isWithin(inner: string, outer: string): boolean {
  const [part, whole] = [parseCidr(inner), parseCidr(outer)];
  return (
    part !== undefined &&
    whole !== undefined &&
    part.base >= whole.base &&
    part.base + part.size <= whole.base + whole.size
  );
}
