import { PATHS } from '../../core/paths.ts';
import { ISSUER } from '../../core/token-issuer.ts';
import { hostsWith, type Cluster, type Host } from '../../inventory/types.ts';
import type { FlagValue } from '../../render/formats.ts';
import { etcdServers } from '../etcd/config.ts';
import { LEAVES, NAMES } from '../leaves/names.ts';
import { SHARED_FILES, TRUST } from '../secrets.ts';
import { TLS_FLAGS } from '../tls.ts';

export const API_SERVER_FILES = {
  authentication: `${PATHS.apiServer}/authentication.yaml`,
  authorization: `${PATHS.apiServer}/authorization.yaml`,
  admission: `${PATHS.apiServer}/admission.yaml`,
  podSecurity: `${PATHS.apiServer}/pod-security.yaml`,
  auditPolicy: `${PATHS.apiServer}/audit-policy.yaml`,
  auditWebhook: `${PATHS.apiServer}/audit-webhook.yaml`,
} as const;

/** `more`: those of files that are there only now and then. */
export function apiServerFlags(
  cluster: Cluster,
  host: Host,
  more: Readonly<Record<string, FlagValue>>,
): Record<string, FlagValue> {
  return {
    ...serving(cluster, host),
    ...access(cluster),
    ...more,
    ...storage(cluster, host),
    ...outgoing(),
    ...cluster.apiServer.extraArgs,
    ...admission(cluster.apiServer.extraArgs),
  };
}

/**
 * A Service with an external address of its maker's choice takes what others send there (CVE-2020-8554); and whoever has
 * one node has them all, unless nodes may change nothing of others.
 */
const ADMISSION = ['DenyServiceExternalIPs', 'NodeRestriction'];

/**
 * What an inventory switches on comes beside mcpk's own plugins. `disable-admission-plugins`, or null, says that they
 * are not meant.
 */
function admission(given: Cluster['apiServer']['extraArgs']): Record<string, FlagValue> {
  const { 'enable-admission-plugins': on, 'disable-admission-plugins': off } = given;
  if (on === null) return {};
  const all = new Set([...ADMISSION, ...listOf(on)]);
  for (const name of listOf(off)) all.delete(name);
  return { 'enable-admission-plugins': all.size === 0 ? undefined : [...all].join(',') };
}

function listOf(value: unknown): string[] {
  return typeof value === 'string' ? value.split(',').map((name) => name.trim()) : [];
}

function serving(cluster: Cluster, host: Host): Record<string, FlagValue> {
  const { apiServer, network, kubeProxy } = cluster;
  const several = hostsWith(cluster, 'master').length > 1;
  return {
    // The VIP sits on the same interface: without this, an API server could advertise it as its own address.
    'advertise-address': host.internalAddress,
    'bind-address': '0.0.0.0',
    'secure-port': apiServer.port,
    'service-cluster-ip-range': network.serviceCidr,
    'service-node-port-range': apiServer.nodePortRange,
    // Without kube-proxy the API server can't reach a service's address, only its endpoints.
    'enable-aggregator-routing': kubeProxy.enabled ? undefined : true,
    'goaway-chance': several ? apiServer.goawayChance : undefined,
    'shutdown-delay-duration': `${String(apiServer.shutdownDelay)}s`,
    'shutdown-watch-termination-grace-period': `${String(apiServer.watchGracePeriod)}s`,
    'tls-cert-file': `${LEAVES.apiServer}.crt`,
    'tls-private-key-file': `${LEAVES.apiServer}.key`,
    ...TLS_FLAGS,
    profiling: false,
  };
}

function access({ network, endpoint }: Cluster): Record<string, FlagValue> {
  const frontProxies = [
    NAMES.frontProxyClient,
    ...(endpoint.tls === 'terminate' && !endpoint.external ? [NAMES.haproxyFrontProxy] : []),
  ];
  return {
    'allow-privileged': true,
    'authentication-config': API_SERVER_FILES.authentication,
    'authorization-config': API_SERVER_FILES.authorization,
    'client-ca-file': TRUST.cluster,
    'requestheader-allowed-names': frontProxies.join(','),
    'requestheader-client-ca-file': TRUST.frontProxy,
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-username-headers': 'X-Remote-User',
    // Tokens of pods end after the hour that they say, not after a year: clients of these years read them anew.
    'service-account-extend-token-expiration': false,
    'service-account-issuer': `${ISSUER}${network.domain}`,
    'service-account-key-file': TRUST.serviceAccount,
    'service-account-signing-key-file': SHARED_FILES.serviceAccountOfApiServer,
  };
}

function storage(cluster: Cluster, host: Host): Record<string, FlagValue> {
  return {
    'etcd-servers': etcdServers(cluster, host).join(','),
    'etcd-cafile': TRUST.etcd,
    'etcd-certfile': `${LEAVES.apiServerEtcdClient}.crt`,
    'etcd-keyfile': `${LEAVES.apiServerEtcdClient}.key`,
    'encryption-provider-config': SHARED_FILES.encryption,
    'encryption-provider-config-automatic-reload': true,
  };
}

function outgoing(): Record<string, FlagValue> {
  return {
    'kubelet-certificate-authority': TRUST.cluster,
    'kubelet-client-certificate': `${LEAVES.apiServerKubeletClient}.crt`,
    'kubelet-client-key': `${LEAVES.apiServerKubeletClient}.key`,
    'kubelet-preferred-address-types': 'InternalIP',
    'proxy-client-cert-file': `${LEAVES.apiServerFrontProxy}.crt`,
    'proxy-client-key-file': `${LEAVES.apiServerFrontProxy}.key`,
  };
}
