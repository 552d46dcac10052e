import { parseRecord, type ClusterRecord } from '../core/cluster-record.ts';
import { PATHS } from '../core/paths.ts';
import type { Cluster } from '../inventory/types.ts';
import type { Problem } from '../states/stage.ts';
import type { Facts } from './facts.ts';

type Seen = Pick<Facts, 'hosts'>;

/** What tells this cluster from others of its name, by its masters before its other hosts; undefined: no host says so. */
export function knownAuthority({ name, hosts }: Cluster, facts: Seen): string | undefined {
  const isMaster = (host: string): boolean => hosts.some((each) => each.name === host && each.roles.includes('master'));
  const [first] = [...records(facts)]
    .filter(([, record]) => record?.cluster === name)
    .toSorted(([a], [b]) => Number(isMaster(b)) - Number(isMaster(a)));
  return first?.[1]?.authority;
}

/**
 * Hosts that say that they are of another cluster: whatever the inventory wants of them was meant for others. One that
 * says nothing is bare, or was set up before hosts said it.
 */
export function hostsOfOthers(cluster: Cluster, facts: Seen): Problem[] {
  const known = knownAuthority(cluster, facts);
  const said = records(facts);
  const damaged = [...said].flatMap(([host, record]) => (record === undefined ? [unreadable(host)] : []));
  const isOwn = (record: ClusterRecord): boolean => record.cluster === cluster.name && record.authority === known;
  const strange = [...said].flatMap(([host, record]) =>
    record === undefined || isOwn(record) ? [] : [{ host, record }],
  );
  const own = [...said].flatMap(([host, record]) => (record && isOwn(record) ? [host] : []));
  const groups = Map.groupBy(strange, ({ record }) => `${record.cluster} ${record.authority}`);
  const of = [...groups.values()].flatMap((group) => {
    const [first] = group;
    const names = group.map(({ host }) => host);
    return first ? [otherCluster({ cluster: cluster.name, known, own }, names, first.record)] : [];
  });
  return [...damaged, ...of].map((problem) => ({ ...problem, code: 'refused' }));
}

function records({ hosts }: Seen): Map<string, ClusterRecord | undefined> {
  return new Map(
    [...hosts].flatMap(([name, { files }]) => {
      const text = files[PATHS.clusterRecord];
      return text === undefined ? [] : [[name, parseRecord(text)] as const];
    }),
  );
}

interface Inventory {
  cluster: string;
  /** What hosts that are its own say, and which ones those are. */
  known: string | undefined;
  own: readonly string[];
}

function otherCluster({ cluster, known, own }: Inventory, names: readonly string[], record: ClusterRecord): Problem {
  const [one = ''] = names;
  const belong = names.length === 1 ? `${one} belongs` : `${listed(names)} belong`;
  const ours = known === undefined ? '' : ` (${short(known)}: ${listed(own)})`;
  if (record.cluster === cluster)
    return {
      message: `${belong} to another cluster of the name ${cluster} (${short(record.authority)}), not to this one${ours}`,
      hint: `Right the address. Where it was of this cluster before that was set up anew, clear it first: mcpk reset ${one}`,
    };
  return {
    message: `${belong} to the cluster ${record.cluster} (${short(record.authority)}), and the inventory is of ${cluster}${ours}`,
    hint: `Take the inventory of ${record.cluster}, or right the addresses. Where ${record.cluster} is to be called ${cluster} from now on: mcpk exec -- rm ${PATHS.clusterRecord}; the next apply writes it down anew.`,
  };
}

/** `authority 3f9a01b2c4d5`: as much of it as people compare. */
function short(authority: string): string {
  return `authority ${authority.slice(0, 12)}`;
}

function listed(names: readonly string[]): string {
  return names.length > MOST_NAMES
    ? `${names.slice(0, MOST_NAMES).join(', ')} and ${String(names.length - MOST_NAMES)} more`
    : names.join(', ');
}

const MOST_NAMES = 10;

function unreadable(host: string): Problem {
  return {
    host,
    message: `${PATHS.clusterRecord} can't be read, so of which cluster it is is not known`,
    hint: `Put back what other hosts of its cluster have there; or remove it where it is of no other: the next apply writes it anew.`,
  };
}
