import { namedMembers } from '../../cluster/etcd-file.ts';
import { knownMembers } from '../../cluster/etcd-phase.ts';
import type { EtcdMember, Facts } from '../../cluster/facts.ts';
import { hostsWith, type Cluster } from '../../inventory/types.ts';
import type { Problem } from '../stage.ts';
import { wantedMember, type WantedMember } from './config.ts';
import { lostQuorum, otherFolders } from './data.ts';

/**
 * Changes of who is a member of a cluster that has formed, and of where its data lies, none of which can be made
 * without losing data; and a cluster that has lost too much to come back. A member that lost its data and keeps its
 * name is replaced.
 */
export function membershipProblems(cluster: Cluster, facts: Facts): Problem[] {
  if (facts.etcd === 'none' || facts.etcd === 'forming') return [];
  const wanted = hostsWith(cluster, 'etcd').map((host) => wantedMember(cluster, host));
  // With another folder nothing that is known of the data is of the member that runs.
  const moved = wanted.flatMap((member) => otherFolders(member, facts));
  const known = knownMembers(facts);
  const held = known ? ofMembers({ wanted, known, facts }) : unknown(wanted, facts);
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
  facts: Facts;
}

function ofMembers({ wanted, known, facts }: Members): Problem[] {
  const unwanted = known.filter((member) => !wanted.some((each) => isOf(member, each)));
  const newcomers = wanted.filter((each) => !known.some((member) => isOf(member, each)));
  const renamed = newcomers.flatMap((each) => {
    const member = unwanted.find(({ peerUrls }) => share(peerUrls, each.peerUrls));
    return member ? [{ each, member }] : [];
  });
  const added = newcomers.filter((each) => !renamed.some((one) => one.each === each));
  const gone = unwanted.filter((member) => !renamed.some((one) => one.member === member));
  return [
    ...renamed.map(({ each, member }) => ({
      host: each.host,
      message: `its etcd member is called ${titleOf(member)}, not ${each.name}`,
      hint: `A member keeps its name: put ${titleOf(member)} back.`,
    })),
    ...(isCutOff(added, gone, facts) ? [] : added.map((each) => notYet(each, known, gone))),
    ...gone.map((member) => leaving(member, added)),
    ...wanted.flatMap((each) => elsewhere(each, known, facts)),
  ];
}

/** By its name; one that never started has none, and is known by its address. */
function isOf({ name, peerUrls }: EtcdMember, wanted: WantedMember): boolean {
  return name === '' ? share(peerUrls, wanted.peerUrls) : name === wanted.name;
}

function share(urls: readonly string[], others: readonly string[]): boolean {
  return urls.some((url) => others.includes(url));
}

function titleOf({ name, peerUrls }: EtcdMember): string {
  return name === '' ? peerUrls.join(', ') : name;
}

/** A replacement that ended between taking the old member out and the new one in: a member's file names it still. */
function isCutOff(added: readonly WantedMember[], gone: readonly EtcdMember[], { hosts }: Facts): boolean {
  const [one, ...more] = added;
  if (one === undefined || more.length + gone.length > 0 || hosts.get(one.host)?.etcdData) return false;
  return [...hosts.values()].some((own) => own.etcdData && namedMembers(own).some((member) => isOf(member, one)));
}

function notYet({ host }: WantedMember, known: readonly EtcdMember[], gone: readonly EtcdMember[]): Problem {
  const hint =
    gone.length === 0
      ? `More members are not possible yet: take ${host} out, or give it no part in etcd.`
      : `A member can't be exchanged for one of another name yet: call the new host as the old one, ${gone.map(titleOf).join(' or ')}.`;
  return { host, message: `is no member of etcd; its members are ${known.map(titleOf).join(', ')}`, hint };
}

function leaving(member: EtcdMember, added: readonly WantedMember[]): Problem {
  const instead = added.length === 0 ? '' : ` in place of ${added.map((each) => each.host).join(' or ')}`;
  const title = titleOf(member);
  return {
    host: title,
    message: 'is a member of etcd, and no host of the inventory that carries etcd',
    hint: `Members can't leave yet: put ${title} back into the inventory${instead}.`,
  };
}

/** One without data comes back under its name wherever it is, as the old one is taken out. */
function elsewhere(each: WantedMember, known: readonly EtcdMember[], { hosts }: Facts): Problem[] {
  const member = known.find((one) => one.name === each.name);
  if (!member || member.peerUrls.length === 0 || share(member.peerUrls, each.peerUrls)) return [];
  if (hosts.get(each.host)?.etcdData === false) return [];
  return [
    {
      host: each.host,
      message: `its etcd member is at ${member.peerUrls.join(', ')}, and by the inventory it would be at ${each.peerUrls.join(', ')}`,
      hint: 'A member can not move to another address yet: put its old internalAddress back.',
    },
  ];
}
