import { SERVICES, versionSetting, type Running } from '../core/services.ts';
import type { Cluster } from '../inventory/types.ts';
import type { Facts } from './facts.ts';

/** What runs as far as anybody tells: of hosts that were not read, and of kubelets that are down, what the Node says. */
export function runningVersions({ hosts, nodes }: Pick<Facts, 'hosts' | 'nodes'>): Running {
  const names = new Set([...hosts.keys(), ...(nodes?.keys() ?? [])]);
  return new Map(
    [...names].map((name) => {
      const kubelet = nodes?.get(name)?.kubeletVersion.replace(/^v/, '');
      return [name, { ...(kubelet === undefined ? {} : { kubelet }), ...hosts.get(name)?.runs }];
    }),
  );
}

/** Whether a service runs in another version than is wanted, or not in the same everywhere. */
export function isOutOfStep({ versions }: Pick<Cluster, 'versions'>, running: Running): boolean {
  return SERVICES.some((service) => {
    const found = new Set([...running.values()].flatMap(({ [service]: version }) => version ?? []));
    const setting = versionSetting(service);
    const wanted = setting && versions[setting];
    return found.size > 1 || (wanted !== undefined && [...found].some((version) => version !== wanted));
  });
}

/** Version of etcd's data, which follows that of its members once all run the newer one: `3.6`. */
export function etcdStorage({ members = [] }: Pick<Facts, 'members'>): string | undefined {
  const found = members.find(({ storage }) => storage !== undefined)?.storage;
  return found?.split('.').slice(0, 2).join('.');
}
