import { kubeletSetting } from '../core/kubelet-setting.ts';
import { cronAsOnCalendar, isCron } from '../core/cron.ts';
import { mayBeOnCalendar } from '../core/on-calendar.ts';
import { CONTAINERD_OF_UPSTREAM } from '../core/versions.ts';
import {
  FORWARDING,
  KUBELET_SYSCTLS,
  NETWORK_SYSCTLS,
  NONLOCAL_BIND,
  isNoNumber,
  sysctlKey,
  sysctlValue,
} from '../core/sysctls.ts';
import { checkRegistries } from './check-registries.ts';
import { checkApiServer } from './check-api-server.ts';
import { printable } from './mistake.ts';
import { hostsWith } from './types.ts';
import type { Draft } from './check.ts';

const UNITS: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600, d: 86400 };

export function checkSettings(draft: Draft): void {
  const { etcd, certificates, network } = draft.cluster;
  const known = (section: string, ...names: string[]): boolean => !names.some((name) => draft.broken(section, name));
  if (known('etcd', 'electionTimeout', 'heartbeatInterval') && etcd.electionTimeout < 5 * etcd.heartbeatInterval) {
    draft.mistake(
      ['etcd', 'electionTimeout'],
      `${String(etcd.electionTimeout)} ms is less than five heartbeats of ${String(etcd.heartbeatInterval)} ms: etcd does not start so`,
    );
  }
  if (known('certificates', 'renewBeforeDays', 'leafDays') && certificates.renewBeforeDays >= certificates.leafDays)
    draft.mistake(
      ['certificates', 'renewBeforeDays'],
      `${String(certificates.renewBeforeDays)} is not less than leafDays ${String(certificates.leafDays)}: every run would renew`,
    );
  if (known('certificates', 'authorityDays', 'leafDays') && certificates.authorityDays <= certificates.leafDays)
    draft.mistake(
      ['certificates', 'authorityDays'],
      `${String(certificates.authorityDays)} is not more than leafDays ${String(certificates.leafDays)}`,
    );
  if (network.mtu !== 0 && network.mtu < 576)
    draft.mistake(['network', 'mtu'], `${String(network.mtu)} is too small for IPv4: 0 or from 576`);
  checkNamed(draft, ['registries'], draft.cluster.registries);
  checkNamed(draft, ['addons', 'manifests'], draft.cluster.addons.manifests);
  checkRegistries(draft);
  checkPlainHttp(draft);
  checkShutdown(draft);
  checkApiServer(draft);
  checkSysctls(draft);
  checkBackup(draft);
}

function checkBackup(draft: Draft): void {
  const { backup } = draft.cluster.etcd;
  if (!backup || draft.broken('etcd', 'backup')) return;
  if (!mayBeOnCalendar(backup.schedule))
    draft.mistake(['etcd', 'backup', 'schedule'], `"${printable(backup.schedule)}" ${notOnCalendar(backup.schedule)}`);
  // Bundles of masters hold the keys of all Secrets.
  if (backup.upload.length === 0 || backup.ageRecipients.length > 0) return;
  draft.warn(
    ['etcd', 'backup', 'upload'],
    'takes the keys of Secrets and service accounts elsewhere in plain: name etcd.backup.ageRecipients',
  );
}

function notOnCalendar(text: string): string {
  if (!isCron(text)) return 'is not an expression of systemd.time(7) such as daily or *-*-* 03:00';
  const same = cronAsOnCalendar(text);
  return `is cron's, and systemd.time(7) is wanted: write ${same === undefined ? 'it as such, as "Sun *-*-* 03:00"' : `"${same}"`}`;
}

function checkNamed(draft: Draft, path: readonly string[], items: readonly { readonly name: string }[]): void {
  const entries = draft.entries(path, items);
  for (const [place, { name }] of entries) {
    const [first = place] = entries.find(([, other]) => other.name === name) ?? [];
    if (first < place) draft.mistake([...path, place, 'name'], `"${name}" is there already, at place ${String(first)}`);
  }
}

/** Whoever sits on the line of an http:// URL decides what comes: only what the inventory knows beforehand is fetched. */
function checkPlainHttp(draft: Draft): void {
  const { artifacts, versions, containerd, addons, network } = draft.cluster;
  const releases = [
    ['kubernetes', `kubernetes/${versions.kubernetes}/`],
    ['etcd', `etcd/${versions.etcd}/`],
    ['cniPlugins', `cni-plugins/${versions.cniPlugins}/`],
    ...(containerd.source === 'package'
      ? []
      : ([
          ['containerd', `containerd/${versions.containerd ?? CONTAINERD_OF_UPSTREAM}/`],
          ['runc', `runc/${versions.runc}/`],
        ] as const)),
  ] as const;
  const pins = Object.keys(artifacts.sha256);
  const asks = artifacts.download && !draft.broken('artifacts', 'download') && !draft.broken('artifacts', 'sha256');
  for (const [name, release] of asks ? releases : []) {
    if (draft.broken('versions', name)) continue;
    if (!artifacts.mirrors[name].startsWith('http:') || pins.some((key) => key.startsWith(release))) continue;
    draft.mistake(
      ['artifacts', 'mirrors', name],
      `http:// without a sha256: write artifacts.sha256 with ${release}linux-ARCH/FILE: SUM for each file, or use https://`,
    );
  }
  const unpinned = (url: string | undefined, sum: string | undefined): boolean =>
    url?.startsWith('http:') === true && sum === undefined;
  for (const [index, { source, sha256 }] of draft.entries(['addons', 'manifests'], addons.manifests))
    if (unpinned(source, sha256)) draft.mistake(['addons', 'manifests', index, 'source'], HTTP_MANIFEST);
  if (!draft.broken('network', 'calico', 'sha256') && unpinned(network.calico.manifest, network.calico.sha256))
    draft.mistake(['network', 'calico', 'manifest'], HTTP_MANIFEST);
}

const HTTP_MANIFEST = 'http:// without a sha256: write sha256 beside it, or use https://';

/** What mcpk sets for the kubelet and the network, and an inventory sets to something else. */
function checkSysctls(draft: Draft): void {
  const { system, hosts, network, endpoint } = draft.cluster;
  const protects = hosts.some(({ kubelet }) => {
    const wanted = kubeletSetting(kubelet, 'protectKernelDefaults');
    return wanted === undefined || wanted === true;
  });
  const bridged = network.plugin === 'bridge' ? NETWORK_SYSCTLS : {};
  const needed: Readonly<Record<string, readonly [value: string, why: string]>> = {
    ...withReason(bridged, 'the bridge network does not work otherwise'),
    ...withReason(FORWARDING, 'no packet gets from pod to pod otherwise'),
    ...(protects
      ? withReason(KUBELET_SYSCTLS, 'the kubelet does not start otherwise (kubelet.config.protectKernelDefaults)')
      : {}),
  };
  for (const [key, value] of Object.entries(system.sysctls)) {
    const [wanted, why] = needed[sysctlKey(key)] ?? [];
    if (wanted !== undefined && sysctlValue(value) !== wanted)
      draft.mistake(['system', 'sysctls', key], `must be ${wanted}, not ${value}: ${String(why)}`);
    else if (isNoNumber(key, value))
      draft.mistake(
        ['system', 'sysctls', key],
        `must be a number, or several, not "${printable(value)}": the kernel takes no other`,
      );
    else if (sysctlKey(key) === NONLOCAL_BIND && !endpoint.external && !draft.broken('endpoint', 'external'))
      draft.mistake(['system', 'sysctls', key], 'mcpk sets it on masters with a VIP: leave it out');
  }
}

function withReason(values: Readonly<Record<string, string>>, why: string): Record<string, [string, string]> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, [value, why]]));
}

/** The API server must still answer while HAProxy finds out that it is going. */
function checkShutdown(draft: Draft): void {
  const { apiServer, haproxy, endpoint } = draft.cluster;
  if (endpoint.external || draft.broken('haproxy') || hostsWith(draft.cluster, 'master').length < 2) return;
  const patience = seconds(haproxy.check.inter) * haproxy.check.fall;
  if (apiServer.shutdownDelay > patience) return;
  draft.warn(
    ['apiServer', 'shutdownDelay'],
    `${String(apiServer.shutdownDelay)} s is not longer than HAProxy needs to see it, ${String(patience)} s (haproxy.check): requests may fail at a restart`,
  );
}

function seconds(duration: string): number {
  const [, figure = '0', unit = 's'] = /^(\d+)([a-z]+)$/.exec(duration) ?? [];
  return Number(figure) * (UNITS[unit] ?? 1);
}
