import { McpkError } from '../../core/errors.ts';
import { noHost } from '../../inventory/targeting.ts';
import { hostsWith, type Cluster, type Host } from '../../inventory/types.ts';

/** The host with a member of etcd that a flag names. Throws `refused` where there is none of that name, `usage` for others. */
export function memberNamed(cluster: Cluster, flag: string, name: string): Host {
  const members = hostsWith(cluster, 'etcd');
  const host = members.find((each) => each.name === name);
  if (host) return host;
  const names = members.map((each) => each.name);
  if (cluster.hosts.every((each) => each.name !== name)) throw noHost(name, { cluster, hosts: members });
  throw new McpkError('usage', `--${flag} ${name}: no host that carries etcd`, {
    hint: `Name one of ${names.join(', ')}.`,
  });
}
