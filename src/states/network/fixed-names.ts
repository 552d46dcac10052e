import { ETCD_PREFIX } from '../../cluster/api-server.ts';
import type { Facts, HostFacts } from '../../cluster/facts.ts';
import { ISSUER } from '../../core/token-issuer.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Problem } from '../stage.ts';

interface Kept {
  setting: string;
  wanted: string;
  /** What each host runs by; of none: not known. */
  of: (host: NonNullable<HostFacts['kept']>) => string | undefined;
  why: string;
}

/**
 * Names that lie in pods and tokens which nobody can give others, and where in etcd all objects lie. Where a host has
 * the wanted one already, a run was cut off in the middle of such a change: it may go on.
 */
export function changedNames(cluster: Cluster, facts: Facts): Problem[] {
  const domain = problem(domainOf(cluster), facts);
  // One setting, told once.
  const issuer = domain.length > 0 && ownIssuer(cluster) === undefined ? [] : problem(issuerOf(cluster), facts);
  return [...domain, ...issuer, ...problem(prefixOf(cluster), facts)];
}

function problem({ setting, wanted, of, why }: Kept, { hosts }: Facts): Problem[] {
  const running = [...hosts].flatMap(([name, { kept }]) => {
    const value = kept === undefined ? undefined : of(kept);
    return value === undefined ? [] : [{ name, value }];
  });
  const [first] = running;
  if (first === undefined || running.some(({ value }) => value === wanted)) return [];
  const old = running.filter(({ value }) => value === first.value).map(({ name }) => name);
  return [
    {
      ...(old.length === 1 ? { host: first.name } : {}),
      message: `${setting}: the inventory wants ${wanted}, and ${old.join(', ')} ${old.length === 1 ? 'runs' : 'run'} by ${first.value}`,
      hint: `${why}. Put ${setting}: ${first.value} back, or move to a new cluster.`,
    },
  ];
}

function domainOf({ network, hosts }: Cluster): Kept {
  const own = hosts.map(({ kubelet }) => kubelet.config['clusterDomain']).find((each) => each !== undefined);
  return {
    setting: own === undefined ? 'network.domain' : 'kubelet.config.clusterDomain',
    wanted: typeof own === 'string' ? own : network.domain,
    of: ({ domain, issuer = '' }) => domain ?? (issuer.startsWith(ISSUER) ? issuer.slice(ISSUER.length) : undefined),
    why: 'Pods look names up in the domain that they started with, and certificates and configurations name services by it',
  };
}

function issuerOf(cluster: Cluster): Kept {
  const own = ownIssuer(cluster);
  return {
    setting: 'apiServer.extraArgs.service-account-issuer',
    wanted: own ?? `${ISSUER}${cluster.network.domain}`,
    of: ({ issuer }) => issuer,
    why: 'API servers refuse the tokens of another issuer, and pods hold theirs for up to an hour',
  };
}

function ownIssuer({ apiServer }: Cluster): string | undefined {
  return text(apiServer.extraArgs['service-account-issuer']);
}

function prefixOf({ apiServer }: Cluster): Kept {
  return {
    setting: 'apiServer.extraArgs.etcd-prefix',
    wanted: text(apiServer.extraArgs['etcd-prefix']) ?? ETCD_PREFIX,
    of: ({ etcdPrefix }) => etcdPrefix,
    why: 'API servers look for all objects below that prefix, and would find none',
  };
}

function text(flag: string | number | boolean | null | undefined): string | undefined {
  return flag === undefined || flag === null ? undefined : String(flag);
}
