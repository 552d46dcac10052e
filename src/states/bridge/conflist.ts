import type { Cluster, Host } from '../../inventory/types.ts';
import type { HostFacts } from '../../cluster/facts.ts';
import { PATHS } from '../../core/paths.ts';
import { carrierOf } from '../carrier.ts';
import { proxyMode } from '../kube-proxy/configuration.ts';

export const BRIDGE_CONFLIST = `${PATHS.cniConfig}/10-mcpk-bridge.conflist`;

/** Ethernet's, when the host's own interface is not to be found. */
const ETHERNET_MTU = 1500;

/** The CNI configuration of one node: a bridge that is the pods' gateway, addresses from this node's part of podCidr. */
export function bridgeConflist(cluster: Cluster, host: Host, own: HostFacts, podCidr: string): string {
  const conflist = {
    cniVersion: '1.0.0',
    name: 'mcpk-bridge',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        // A node that registers anew may get another part; without this the plugin refuses the bridge that is there.
        forceAddress: true,
        hairpinMode: true,
        // The plugin's own masquerading would hide pods from pods on other nodes; see pods.nft.
        ipMasq: false,
        mtu: mtuOf(cluster, host, own),
        ipam: { type: 'host-local', ranges: [[{ subnet: podCidr }]], routes: [{ dst: '0.0.0.0/0' }] },
      },
      {
        type: 'portmap',
        capabilities: { portMappings: true },
        ...(proxyMode(cluster, host) === 'nftables' ? { backend: 'nftables' } : {}),
      },
    ],
  };
  return `${JSON.stringify(conflist, undefined, 2)}\n`;
}

function mtuOf(cluster: Cluster, host: Host, own: HostFacts): number {
  if (cluster.network.mtu > 0) return cluster.network.mtu;
  return carrierOf(host, own)?.mtu ?? ETHERNET_MTU;
}
