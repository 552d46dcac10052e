import { ETCD_PREFIX } from '../../cluster/api-server.ts';
import type { HostFacts } from '../../cluster/facts.ts';
import { PATHS } from '../../core/paths.ts';

const UNITS = {
  apiServer: `${PATHS.units}/kube-apiserver.service`,
  controllerManager: `${PATHS.units}/kube-controller-manager.service`,
} as const;

/** Files with the settings that this host's services run with. Their texts are no facts: a secret may stand there. */
export const RUNS_BY: readonly string[] = [...Object.values(UNITS), PATHS.kubeletConfig];

/** Those of these settings that a cluster keeps for life; of a host without such services, none. */
export function decodeKept(text: (path: string) => string): Pick<HostFacts, 'ranges' | 'kept'> {
  const unit = text(UNITS.apiServer);
  const ranges = {
    services: /--service-cluster-ip-range=([\d.:/,a-f]{1,100})/.exec(unit)?.[1],
    pods: /--cluster-cidr=([\d.:/,a-f]{1,100})/.exec(text(UNITS.controllerManager))?.[1],
  };
  const kept = {
    domain: /^clusterDomain: ["']?([a-zA-Z0-9.-]{1,255})["']?$/m.exec(text(PATHS.kubeletConfig))?.[1],
    issuer: flag(unit, 'service-account-issuer'),
    etcdPrefix: unit === '' ? undefined : (flag(unit, 'etcd-prefix') ?? ETCD_PREFIX),
  };
  return {
    ...(isEmpty(ranges) ? {} : { ranges: known(ranges) }),
    ...(isEmpty(kept) ? {} : { kept: known(kept) }),
  };
}

/** A value that systemd reads as it stands; any other is not told. */
function flag(unit: string, name: string): string | undefined {
  return new RegExp(`[\\s"]--${name}=([^\\s"'\\\\%$]{1,1000})(?=["\\s])`).exec(unit)?.[1];
}

type Found = Readonly<Record<string, string | undefined>>;

function isEmpty(found: Found): boolean {
  return Object.values(found).every((value) => value === undefined);
}

function known(found: Found): Record<string, string> {
  return Object.fromEntries(
    Object.entries(found).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
