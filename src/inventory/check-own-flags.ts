import { ETCD_METRICS_PORT } from '../core/ports.ts';
import type { Draft } from './check.ts';
import type { Path } from './node.ts';

type Section = 'apiServer' | 'controllerManager' | 'kubelet' | 'kubeProxy' | 'etcd';

const ETCD_METRICS_URL = `http://127.0.0.1:${String(ETCD_METRICS_PORT)}`;

interface Own {
  sections: readonly Section[];
  flags: readonly string[];
  /** The setting that it follows, or what else it is made of. */
  by: string;
  /** Values that go with what mcpk makes of the setting. */
  goes?: (value: string, draft: Draft) => boolean;
}

/** `10.254.0.0/16,fd00::/108`: a second range, of IPv6, is no setting of mcpk's. */
function startsWith(name: 'serviceCidr' | 'podCidr'): NonNullable<Own['goes']> {
  return (value, draft) => draft.broken('network', name) || value.split(',')[0]?.trim() === draft.cluster.network[name];
}

/** Flags whose values other parts of a cluster rely on: another value would break them, unseen until they run. */
const OWN: readonly Own[] = [
  {
    sections: ['apiServer', 'controllerManager'],
    flags: ['service-cluster-ip-range'],
    by: 'network.serviceCidr, which comes first; a range of IPv6 may follow',
    goes: startsWith('serviceCidr'),
  },
  {
    sections: ['controllerManager'],
    flags: ['cluster-cidr'],
    by: 'network.podCidr, which comes first; a range of IPv6 may follow',
    goes: startsWith('podCidr'),
  },
  { sections: ['apiServer'], flags: ['secure-port'], by: 'apiServer.port' },
  {
    sections: ['apiServer'],
    flags: ['bind-address'],
    by: 'mcpk: HAProxy, gates and probes ask at several addresses of a master',
    goes: (value) => ['0.0.0.0', '::'].includes(value),
  },
  { sections: ['apiServer'], flags: ['advertise-address'], by: 'internalAddress of each master' },
  { sections: ['apiServer'], flags: ['etcd-servers'], by: 'internalAddress of the hosts with the role etcd' },
  { sections: ['apiServer'], flags: ['admission-control-config-file'], by: 'apiServer.admission' },
  { sections: ['kubelet'], flags: ['config'], by: 'kubelet.config' },
  { sections: ['kubelet', 'kubeProxy'], flags: ['hostname-override'], by: 'the name of each host' },
  { sections: ['controllerManager', 'kubelet'], flags: ['kubeconfig'], by: 'mcpk, which makes that file' },
  { sections: ['etcd'], flags: ['data-dir'], by: 'etcd.dataDirectory' },
  { sections: ['etcd'], flags: ['name', 'initial-cluster'], by: 'the names of the hosts with the role etcd' },
  { sections: ['etcd'], flags: ['initial-cluster-token'], by: 'name' },
  {
    sections: ['etcd'],
    flags: ['listen-client-urls', 'listen-peer-urls', 'advertise-client-urls'],
    by: 'internalAddress of each host with the role etcd',
  },
  {
    sections: ['etcd'],
    flags: ['listen-metrics-urls'],
    by: `mcpk, whose gates ask at ${ETCD_METRICS_URL}; others may stand beside it`,
    goes: (value) => value.split(',').some((url) => url.trim() === ETCD_METRICS_URL),
  },
];

/** What an inventory sets as a flag although it follows from a setting: `kubelet.extraArgs.hostname-override`. */
export function checkOwnFlags(draft: Draft): void {
  const { apiServer, controllerManager, etcd } = draft.cluster;
  const places: [Section, Path, Readonly<Record<string, unknown>>][] = [
    ['apiServer', ['apiServer', 'extraArgs'], apiServer.extraArgs],
    ['controllerManager', ['controllerManager', 'extraArgs'], controllerManager.extraArgs],
    ['etcd', ['etcd', 'config'], etcd.config],
    ['etcd', ['etcd', 'extraArgs'], etcd.extraArgs],
    ...nodeServices(draft).flatMap(({ path, ...services }) =>
      (['kubelet', 'kubeProxy'] as const).map((section): (typeof places)[number] => [
        section,
        [...path, section, 'extraArgs'],
        services[section]?.extraArgs ?? {},
      ]),
    ),
  ];
  for (const [section, path, args] of places)
    for (const { sections, flags, by, goes } of OWN)
      for (const flag of sections.includes(section) ? flags : [])
        if (args[flag] !== undefined && goes?.(textOf(args[flag]), draft) !== true)
          draft.mistake([...path, flag], `is set by ${by}`);
}

type Flags = { extraArgs?: Readonly<Record<string, unknown>> | null } | null;

interface NodeServices {
  path: Path;
  kubelet?: Flags;
  kubeProxy?: Flags;
}

/** kubelet and kube-proxy where they were written: for the cluster, groups and hosts. */
function nodeServices(draft: Draft): NodeServices[] {
  const groups = (['master', 'etcd', 'worker'] as const).map((role): Path => ['groups', role]);
  const owners = [...groups, ...draft.cluster.hosts.map((host) => draft.host(host))];
  return [{ ...draft.cluster, path: [] }, ...owners.map((path) => ({ ...draft.written(path), path }))];
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
