import { hostsWith, type Cluster } from '../../inventory/types.ts';

/** Of the roles without which there is no cluster, one that this host alone has; undefined for none. */
export function roleOnlyOf(cluster: Cluster, name: string): 'master' | 'etcd' | undefined {
  return (['master', 'etcd'] as const).find((role) => {
    const [only, ...others] = hostsWith(cluster, role);
    return only?.name === name && others.length === 0;
  });
}
