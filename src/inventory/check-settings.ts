import { kubeletSetting } from '../core/kubelet-setting.ts';
import {
  FORWARDING,
  KUBELET_SYSCTLS,
  NETWORK_SYSCTLS,
  NONLOCAL_BIND,
  sysctlKey,
  sysctlValue,
} from '../core/sysctls.ts';
import { checkRegistries } from './check-registries.ts';
import { checkApiServer } from './check-api-server.ts';
import { hostsWith } from './types.ts';
import type { Draft } from './check.ts';

const UNITS: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600, d: 86400 };

export function checkSettings(draft: Draft): void {
  const { etcd, certificates, network } = draft.cluster;
  if (etcd.electionTimeout < 5 * etcd.heartbeatInterval) {
    draft.mistake(
      ['etcd', 'electionTimeout'],
      `${String(etcd.electionTimeout)} ms is less than five heartbeats of ${String(etcd.heartbeatInterval)} ms: etcd does not start so`,
    );
  }
  if (certificates.renewBeforeDays >= certificates.leafDays)
    draft.mistake(
      ['certificates', 'renewBeforeDays'],
      `${String(certificates.renewBeforeDays)} is not less than leafDays ${String(certificates.leafDays)}: every run would renew`,
    );
  if (certificates.authorityDays <= certificates.leafDays)
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
}

function checkNamed(draft: Draft, path: readonly string[], items: readonly { readonly name: string }[]): void {
  if (draft.broken(...path)) return;
  for (const [index, item] of items.entries()) {
    const first = items.findIndex((other) => other.name === item.name);
    if (first < index)
      draft.mistake([...path, index, 'name'], `"${item.name}" is there already, at place ${String(first)}`);
  }
}

/** Whoever sits on the line of an http:// URL decides what comes: only what the inventory knows beforehand is fetched. */
function checkPlainHttp(draft: Draft): void {
  const { artifacts, versions, addons, network } = draft.cluster;
  if (draft.broken('artifacts') || draft.broken('versions')) return;
  const releases = [
    ['kubernetes', `kubernetes/${versions.kubernetes}/`],
    ['etcd', `etcd/${versions.etcd}/`],
    ['cniPlugins', `cni-plugins/${versions.cniPlugins}/`],
  ] as const;
  const pins = Object.keys(artifacts.sha256);
  for (const [name, release] of artifacts.download ? releases : []) {
    if (!artifacts.mirrors[name].startsWith('http:') || pins.some((key) => key.startsWith(release))) continue;
    draft.mistake(
      ['artifacts', 'mirrors', name],
      `http:// without a sha256: write artifacts.sha256 with ${release}linux-ARCH/FILE: SUM for each file, or use https://`,
    );
  }
  const unpinned = (url: string | undefined, sum: string | undefined): boolean =>
    url?.startsWith('http:') === true && sum === undefined;
  for (const [index, { source, sha256 }] of draft.broken('addons', 'manifests') ? [] : addons.manifests.entries())
    if (unpinned(source, sha256)) draft.mistake(['addons', 'manifests', index, 'source'], HTTP_MANIFEST);
  if (!draft.broken('network', 'calico') && unpinned(network.calico.manifest, network.calico.sha256))
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
    else if (sysctlKey(key) === NONLOCAL_BIND && !endpoint.external)
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
