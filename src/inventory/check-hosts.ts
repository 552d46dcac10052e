import { besideAddress, isBrokenAddress } from '../core/address.ts';
import { IPV4_ONLY, namesIpv6 } from '../core/ipv4.ts';
import { API } from '../core/places.ts';
import { hostsWith, type Host } from './types.ts';
import { printable } from './mistake.ts';
import { nearest } from './nearest.ts';
import type { Draft } from './check.ts';
import type { Path } from './node.ts';

const LABEL_NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_PREFIX = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** Labels of a Node that somebody else sets, over and over. */
const SET_BY: readonly (readonly [keys: RegExp, who: string])[] = [
  [/^kubernetes\.io\/hostname$/, 'the kubelet, to the name of the host'],
  [/^(beta\.)?kubernetes\.io\/(os|arch)$/, 'the kubelet, to what the host is'],
  [/^node-role\.kubernetes\.io\/(control-plane|worker)$/, 'the roles of the host'],
];

export function checkHosts(draft: Draft): void {
  checkUnique(draft);
  checkNames(draft);
  checkRoles(draft);
  for (const host of everyHost(draft)) checkAddress(draft, host);
  const groups: readonly Path[] = (['master', 'etcd', 'worker'] as const).map((role) => ['groups', role]);
  const owners = [...everyHost(draft).map((host) => draft.host(host)), ...groups];
  for (const owner of owners) checkOwner(draft, owner);
}

/** In the order in which they were written. A host that leaves keeps its name and address until its entry is taken out. */
function everyHost(draft: Draft): Host[] {
  const place = (host: Host): number => Number(draft.host(host)[1]);
  return [...draft.cluster.hosts, ...draft.cluster.leaving].sort((a, b) => place(a) - place(b));
}

function checkUnique(draft: Draft): void {
  const hosts = everyHost(draft);
  const way = (host: Host): string =>
    [host.address, host.ssh.port, ...host.ssh.jump.map((hop) => `${hop.address}:${String(hop.port)}`)].join(' ');
  twice(
    hosts,
    (host) => host.name,
    (host, first) => {
      draft.mistake(draft.host(host, 'name'), `another host is called "${first.name}" too (${first.source})`);
    },
  );
  twice(hosts, way, (host, first) => {
    draft.mistake(
      draft.host(host, 'address'),
      `"${host.address}" is the address of ${first.name} too (${first.source})`,
    );
  });
  // Equal because the addresses are equal: said once, above.
  const reported = new Set(hosts.filter((host) => !draft.given(...draft.host(host, 'internalAddress'))));
  twice(
    hosts.filter((host) => host.internalAddress !== ''),
    (host) => host.internalAddress,
    (host, first) => {
      if (reported.has(host) && reported.has(first) && way(host) === way(first)) return;
      draft.mistake(
        draft.host(host, 'internalAddress'),
        `"${host.internalAddress}" is the internalAddress of ${first.name} too (${first.source})`,
      );
    },
  );
  const ranked = hostsWith(draft.cluster, 'master').filter((host) => draft.given(...draft.host(host, 'priority')));
  twice(
    ranked,
    (host) => String(host.priority),
    (host, first) => {
      draft.mistake(
        draft.host(host, 'priority'),
        `${String(host.priority)} is the priority of ${first.name} too; give each master its own`,
      );
    },
  );
}

function checkNames(draft: Draft): void {
  for (const host of everyHost(draft))
    if (host.name === API)
      draft.mistake(draft.host(host, 'name'), `"${API}" is what mcpk calls the API itself: give the host another name`);
}

function twice(hosts: readonly Host[], keyOf: (host: Host) => string, report: (host: Host, first: Host) => void): void {
  const seen = new Map<string, Host>();
  for (const host of hosts) {
    const first = seen.get(keyOf(host));
    if (first === undefined) seen.set(keyOf(host), host);
    else report(host, first);
  }
}

function checkRoles(draft: Draft): void {
  if (!draft.knowsHosts || everyHost(draft).length === 0) return;
  if (hostsWith(draft.cluster, 'master').length === 0) draft.mistake(['hosts'], 'no host has the role master');
  const members = hostsWith(draft.cluster, 'etcd').length;
  // Without hosts that leave the masters would carry it.
  if (members === 0 && draft.cluster.leaving.some(({ roles }) => roles.includes('etcd')))
    draft.mistake(['hosts'], 'no host that stays has the role etcd');
  if (members > 0 && members % 2 === 0) {
    draft.warn(
      ['hosts'],
      `${String(members)} etcd members bear no more failures than ${String(members - 1)}: take an odd number`,
    );
  }
  if (members > 7)
    draft.warn(['hosts'], `${String(members)} etcd members make every write slow: three or five are usual`);
}

function checkAddress(draft: Draft, host: Host): void {
  if (isBrokenAddress(host.address)) {
    draft.mistake(
      draft.host(host, 'address'),
      `"${host.address}" is neither an address nor a name${besideAddress(host.address)}`,
    );
  } else if (host.internalAddress === '') {
    if (draft.broken(...draft.host(host, 'internalAddress'))) return;
    draft.mistake(
      draft.host(host, 'internalAddress'),
      `internalAddress is missing: "${host.address}" is not an IPv4 address, and the cluster needs one${namesIpv6(host.address) ? `; ${IPV4_ONLY}` : ''}`,
    );
  } else if (/^(0|127|22[4-9]|2[3-5]\d)\./.test(host.internalAddress)) {
    const given = draft.given(...draft.host(host, 'internalAddress'));
    draft.mistake(
      draft.host(host, given ? 'internalAddress' : 'address'),
      `"${host.internalAddress}" is no address at which other hosts reach it`,
    );
  }
}

/** Labels and taints of a host or a group, checked where they were written. */
function checkOwner(draft: Draft, owner: Path): void {
  const { labels, taints } = draft.written(owner);
  for (const [key, value] of Object.entries(labels ?? {})) {
    const setter = SET_BY.find(([keys]) => keys.test(key))?.[1];
    if (setter !== undefined && value !== null)
      draft.mistake([...owner, 'labels', key], `is set by ${setter}: leave it out, or take another name`);
    if (!isQualifiedName(key))
      draft.mistake(
        [...owner, 'labels', key],
        `"${printable(key)}" is not a label name: letters, digits, - _ . and perhaps a DNS name and / in front`,
      );
    if (value !== null && value !== '' && !LABEL_NAME.test(value))
      draft.mistake(
        [...owner, 'labels', key],
        `"${printable(value)}" is not a label value: at most 63 letters, digits, - _ .`,
      );
  }
  for (const [index, taint] of (taints ?? []).entries()) checkTaint(draft, [...owner, 'taints', index], taint);
}

function checkTaint(draft: Draft, path: Path, taint: string): void {
  const [, key = '', value = '', effect = ''] = /^([^=:]*)(?:=([^:]*))?(?::(.*))?$/s.exec(taint) ?? [];
  const wrong = !EFFECTS.includes(effect) || !isQualifiedName(key) || (value !== '' && !LABEL_NAME.test(value));
  if (!wrong) return;
  const word = EFFECTS.includes(effect) ? undefined : nearest(effect, EFFECTS);
  const suggestion =
    word === undefined ? undefined : `${printable(taint.slice(0, taint.length - effect.length))}${word}`;
  draft.mistake(
    path,
    `"${printable(taint)}" is not a taint: key=value:Effect or key:Effect, with one of ${EFFECTS.join(', ')}`,
    suggestion,
  );
}

function isQualifiedName(key: string): boolean {
  const slash = key.lastIndexOf('/');
  return LABEL_NAME.test(key.slice(slash + 1)) && (slash === -1 || LABEL_PREFIX.test(key.slice(0, slash)));
}
