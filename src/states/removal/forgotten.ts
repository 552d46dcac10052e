import type { Facts } from '../../cluster/facts.ts';
import { apiHost, kubectl } from '../../cluster/kubectl.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import type { StepAround } from '../stage.ts';

/** Out of the API: its Node, unless it stays one, and the Lease of its API server, which would outlive it by an hour. */
export function forgotten(cluster: Cluster, facts: Facts, host: Host): StepAround[] {
  const on = apiHost(cluster, facts);
  const { name, state, roles } = host;
  const staysNode = state === 'present' && roles.some((role) => role !== 'etcd');
  const hostname = facts.hosts.get(name)?.hostname ?? name;
  const label = `apiserver.kubernetes.io/identity=kube-apiserver,kubernetes.io/hostname in (${[...new Set([name, hostname])].join(', ')})`;
  const remove = (...what: string[]): string[] => kubectl(cluster, on, 'delete', ...what, '--ignore-not-found').argv;
  return [
    // Before the Node, which tells the next run that this one was cut off.
    ...(roles.includes('master') || state === 'present'
      ? [
          {
            title: `delete the Lease of the API server of ${name}`,
            on,
            run: remove('lease', '--namespace=kube-system', `--selector=${label}`),
          },
        ]
      : []),
    ...(staysNode ? [] : [{ title: `delete the Node ${name}`, on, run: remove('node', name) }]),
  ];
}
