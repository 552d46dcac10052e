import { presentEtcd } from '../../cluster/etcd-file.ts';
import { knownMembers, membersWithData, quorumOf } from '../../cluster/etcd-phase.ts';
import type { Facts } from '../../cluster/facts.ts';
import { hostsWith, type Cluster } from '../../inventory/types.ts';
import type { Problem } from '../stage.ts';
import { textOf, wantedMember, type WantedMember } from './settings.ts';

/**
 * Where a member's data would be looked for elsewhere. A file without the setting is of nobody's making: nothing is
 * known against it.
 */
export function otherFolders({ host, dataDirectory, walDirectory }: WantedMember, facts: Facts): Problem[] {
  const own = facts.hosts.get(host);
  const present = own ? presentEtcd(own) : {};
  const data = textOf(present['data-dir']);
  const wal = textOf(present['wal-dir']);
  if (data === '' || (data === dataDirectory && wal === walDirectory)) return [];
  const [what, now, then] =
    data === dataDirectory
      ? ['write-ahead log', wal || data, walDirectory || dataDirectory]
      : ['data', data, dataDirectory];
  return [
    {
      host,
      message: `etcd has its ${what} in ${now}, and by the inventory it would look for it in ${then}`,
      hint: `A member does not take its data along, it would start empty: put ${now} back.`,
    },
  ];
}

/** A quorum that is lost, unless the data may lie in a folder that the inventory does not name. */
export function brokenEtcd(cluster: Cluster, facts: Facts): Problem[] {
  if (facts.etcd !== 'lost') return [];
  const moved = hostsWith(cluster, 'etcd').flatMap((host) => otherFolders(wantedMember(cluster, host), facts));
  const found = moved.length > 0 ? moved : [lostQuorum(cluster, facts)];
  return found.map((problem) => ({ ...problem, code: 'refused' }));
}

/** Too few have data to be a quorum ever again. */
export function lostQuorum(cluster: Cluster, facts: Facts): Problem {
  const { dataDirectory } = cluster.etcd;
  const hosts = hostsWith(cluster, 'etcd');
  const held = membersWithData(cluster, facts);
  const blank = hosts.flatMap(({ name }) => (held.includes(name) ? [] : [name]));
  const count = (knownMembers(facts) ?? hosts).length;
  const [members, need] = [count === 1 ? '1 member' : `${String(count)} members`, String(quorumOf(count))];
  return {
    ...(blank[0] === undefined ? {} : { host: blank[0] }),
    message: `etcd has lost its quorum: ${blank.join(', ')} ${blank.length === 1 ? 'has' : 'have'} no data in ${dataDirectory}; of ${members} ${need} must have some, and ${held.length === 0 ? 'none has' : `only ${held.join(', ')} ${held.length === 1 ? 'has' : 'have'}`}`,
    hint: `Bring ${dataDirectory} back (mount its disk) on so many that ${need} have it, then run the same command again. Is it gone for good: mcpk etcd restore BUNDLE, or, with one member that is left, mcpk etcd recover --from ${held[0] ?? 'HOST'}. No new cluster is founded in its place.`,
  };
}
