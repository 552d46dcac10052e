import { knownMembers } from '../../cluster/etcd-phase.ts';
import type { EtcdMember, Facts } from '../../cluster/facts.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Problem } from '../stage.ts';
import { lostQuorum, otherFolders } from './data.ts';
import { hostOf, isOf, isWanted, share, titleOf, wantedMembers } from './moves.ts';
import type { WantedMember } from './settings.ts';

/**
 * What no order of steps leads to without losing data: members of nobody, data elsewhere, a newcomer with data, and a
 * cluster that has lost too much to come back.
 */
export function membershipProblems(cluster: Cluster, facts: Facts): Problem[] {
  if (facts.etcd === 'none' || facts.etcd === 'forming') return [];
  const wanted = wantedMembers(cluster);
  // With another folder nothing that is known of the data is of the member that runs.
  const moved = wanted.flatMap((member) => otherFolders(member, facts));
  const known = knownMembers(facts);
  const held = known ? ofMembers({ wanted, known, cluster, facts }) : unknown(wanted, facts);
  const found = moved.length > 0 ? moved : held;
  const all = found.length > 0 || facts.etcd !== 'lost' ? found : [lostQuorum(cluster, facts)];
  return all.map((problem) => ({ ...problem, code: 'refused' }));
}

/** One without data would be put into a list that nobody knows. */
function unknown(wanted: readonly WantedMember[], { etcd, hosts }: Facts): Problem[] {
  if (etcd === 'lost') return [];
  return wanted.flatMap(({ host }) => {
    if (hosts.get(host)?.etcdData !== false) return [];
    return [
      {
        host,
        message:
          'has no data of etcd, and nobody tells whether it is a member: no member answers, no etcd.yaml names any',
        hint: 'See on a host with data why (journalctl -u etcd), then run the same command again.',
      },
    ];
  });
}

interface Members {
  wanted: readonly WantedMember[];
  known: readonly EtcdMember[];
  cluster: Cluster;
  facts: Facts;
}

function ofMembers({ wanted, known, cluster, facts }: Members): Problem[] {
  const unwanted = known.filter((member) => !isWanted(member, wanted));
  const newcomers = wanted.filter((each) => !known.some((member) => isOf(member, each)));
  const renamed = newcomers.flatMap((each) => {
    const member = unwanted.find(({ peerUrls }) => share(peerUrls, each.peerUrls));
    return member ? [{ each, member }] : [];
  });
  const added = newcomers.filter((each) => !renamed.some((one) => one.each === each));
  const foreign = unwanted.filter(
    (member) => hostOf(member, cluster) === undefined && !renamed.some((one) => one.member === member),
  );
  return [
    ...renamed.map(({ each, member }) => ({
      host: each.host,
      message: `its etcd member is called ${titleOf(member)}, not ${each.name}`,
      hint: `A member keeps its name: put ${titleOf(member)} back.`,
    })),
    ...added.flatMap((each) => withOldData(each, known, facts)),
    ...foreign.map((member) => ({
      host: titleOf(member),
      message: 'is a member of etcd, and of no host of the inventory',
      hint: `Put its host into the inventory; or name it there with state: gone, and apply takes ${titleOf(member)} out of etcd.`,
    })),
    ...(facts.etcd === 'formed' ? [] : wanted.flatMap((each) => elsewhere(each, known, facts))),
  ];
}

/** Of a member that was taken out, or of another cluster: with it a newcomer would end itself, or do worse. */
function withOldData({ host, dataDirectory }: WantedMember, known: readonly EtcdMember[], { hosts }: Facts): Problem[] {
  if (hosts.get(host)?.etcdData !== true) return [];
  return [
    {
      host,
      message: `has data of etcd in ${dataDirectory}, and is no member; the members are ${known.map(titleOf).join(', ')}`,
      hint: `A member that joins begins with none: apply once with state: absent on ${host}, which removes what mcpk owns there, or take ${dataDirectory}/member away by hand.`,
    },
  ];
}

/** etcd must be told before a member moves, which takes a quorum. One without data joins anew, wherever it is. */
function elsewhere(each: WantedMember, known: readonly EtcdMember[], { hosts }: Facts): Problem[] {
  const member = known.find((one) => one.name === each.name);
  if (!member || member.peerUrls.length === 0 || share(member.peerUrls, each.peerUrls)) return [];
  if (hosts.get(each.host)?.etcdData === false) return [];
  return [
    {
      host: each.host,
      message: `its etcd member is at ${member.peerUrls.join(', ')}, and by the inventory it would be at ${each.peerUrls.join(', ')}`,
      hint: 'A member can move only while a quorum is up: put its old internalAddress back until etcd runs.',
    },
  ];
}
