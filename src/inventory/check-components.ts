import { PATHS } from '../core/paths.ts';
import { containerdRoot } from '../core/containerd-root.ts';
import { controlPlaneProblems, nodeProblems, type KnownSettings, type SettingProblem } from '../core/cluster-flags.ts';
import { kubeletSetting } from '../core/kubelet-setting.ts';
import { podsOnNode } from '../core/pods-on-node.ts';
import { revealed } from '../core/secret.ts';
import { checkVersions, CONTAINERD_OF_UPSTREAM, isRelease } from '../core/versions.ts';
import type { FreeText, Host } from './types.ts';
import type { Draft } from './check.ts';
import { nearest } from './nearest.ts';
import type { Path } from './node.ts';

/** What would keep a part of Kubernetes, or containerd, from starting or from working. */
export function checkComponents(draft: Draft): void {
  const known = knownSettings(draft);
  for (const problem of [...checkVersions(known.versions), ...controlPlaneProblems(draft.cluster, known)])
    tell(draft, problem);
  checkNodes(draft, (host) => nodeProblems(host, known));
  checkPods(draft);
  checkRuntime(draft);
  checkFolders(draft);
  for (const name of ['http', 'https'] as const) checkProxy(draft, name, draft.cluster.proxy[name]);
}

function knownSettings(draft: Draft): KnownSettings {
  const { versions, network } = draft.cluster;
  return {
    versions: Object.fromEntries(Object.entries(versions).filter(([name]) => !draft.broken('versions', name))),
    ...(draft.broken('network', 'serviceCidr') ? {} : { serviceCidr: network.serviceCidr }),
    ...(draft.broken('network', 'podCidr') ? {} : { podCidr: network.podCidr }),
    ...(draft.broken('network', 'domain') ? {} : { domain: network.domain }),
  };
}

type Problem = Pick<SettingProblem, 'message' | 'hint' | 'among' | 'word'> & { path: Path };

function tell(draft: Draft, { path, message, hint, among, word = String(path.at(-1)) }: Problem): void {
  if (among === undefined) {
    draft.mistake(path, hint === undefined ? message : `${message}: ${hint}`);
    return;
  }
  const near = nearest(word, among);
  draft.warn(path, near === undefined ? message : `${message}; did you mean ${near}?`);
}

/**
 * What is wrong with the settings that a node has of the cluster, its groups and itself together, told where it was
 * written, once.
 */
function checkNodes(draft: Draft, problems: (host: Host) => Problem[]): void {
  const nodes = draft.cluster.hosts.filter(({ roles }) => roles.includes('master') || roles.includes('worker'));
  const found = nodes.flatMap((host) =>
    problems(host).map((problem) => {
      const owner = ownersOf(draft, host).find((each) => draft.given(...each, ...problem.path)) ?? [];
      return { ...problem, path: [...owner, ...problem.path] };
    }),
  );
  const once = new Map(found.map((each) => [JSON.stringify(each), each]));
  for (const problem of once.values()) tell(draft, problem);
}

/** Where settings of a host may be written, besides for the cluster: nearest first, as its roles are. */
function ownersOf(draft: Draft, host: Host): Path[] {
  return [draft.host(host), ...host.roles.map((role): Path => ['groups', role])];
}

/** With `bridge` each pod has an address of its node's part, and with none left it does not start. */
function checkPods(draft: Draft): void {
  const { network } = draft.cluster;
  if (network.plugin !== 'bridge' || draft.broken('network', 'nodePrefix')) return;
  const most = podsOnNode(network.nodePrefix);
  checkNodes(draft, ({ kubelet }) => {
    const value = kubeletSetting(kubelet, 'maxPods');
    if (!(Number(value) > most)) return [];
    const flag = kubelet.extraArgs['max-pods'] ?? undefined;
    return [
      {
        path: flag === undefined ? ['kubelet', 'config', 'maxPods'] : ['kubelet', 'extraArgs', 'max-pods'],
        message: `a node's part of podCidr (network.nodePrefix: ${String(network.nodePrefix)}) has addresses for ${String(most)} pods, not for ${String(value)}`,
      },
    ];
  });
}

const PATH = /^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9_.,:=@+~-]+)+$/;

/** Of the two kinds of versions the one that goes with where containerd comes from. */
function checkRuntime(draft: Draft): void {
  const { containerd, versions } = draft.cluster;
  if (draft.broken('containerd', 'source') || draft.broken('versions', 'containerd')) return;
  if (containerd.source === undefined || versions.containerd === undefined) return;
  if (isRelease(versions.containerd) === (containerd.source === 'upstream')) return;
  draft.mistake(
    ['versions', 'containerd'],
    containerd.source === 'upstream'
      ? `"${versions.containerd}" is a version of a package, and containerd.source is upstream: write one such as ${CONTAINERD_OF_UPSTREAM}`
      : `"${versions.containerd}" is a release of upstream, and containerd.source is package: write it as dpkg does, such as 1.7.24~ds1-6+deb13u1`,
  );
}

/** API server and etcd may write into folders of theirs alone, which mcpk lays: those that it knows of. */
function checkFolders(draft: Draft): void {
  const { apiServer, etcd } = draft.cluster;
  const images = containerdRoot(draft.cluster);
  if (!PATH.test(images))
    draft.mistake(['containerd', 'config', 'root'], `"${images}" is not an absolute path without blanks and ..`);
  const log = apiServer.extraArgs['audit-log-path'];
  if (typeof log === 'string' && log !== '-' && !log.startsWith(`${apiServer.audit.directory}/`))
    draft.mistake(
      ['apiServer', 'extraArgs', 'audit-log-path'],
      `"${log}" is not below ${apiServer.audit.directory} (apiServer.audit.directory), where alone the API server may write`,
    );
  checkOwn(draft, ['etcd', 'dataDirectory'], etcd.dataDirectory);
  for (const place of ['config', 'extraArgs'] as const) {
    const { 'wal-dir': wal } = etcd[place];
    if (typeof wal === 'string' && !PATH.test(wal))
      draft.mistake(['etcd', place, 'wal-dir'], `"${wal}" is not an absolute path without blanks and ..`);
    else if (typeof wal === 'string') checkOwn(draft, ['etcd', place, 'wal-dir'], wal);
  }
}

/** What else there is on a host: what lies in them, and what they lie in, is not etcd's alone. */
const OF_OTHERS = [
  ...Object.values(PATHS),
  '/var/log/journal',
  '/usr/bin',
  '/home',
  '/root',
  '/boot',
  '/tmp',
  '/dev',
  '/proc',
  '/sys',
];

/** A folder of a component's own is given to its user, and goes with the host. */
function checkOwn(draft: Draft, path: Path, folder: string): void {
  if (draft.broken(...path)) return;
  const other = OF_OTHERS.find((each) => each === folder || each.startsWith(`${folder}/`));
  if (other === undefined) return;
  const what = other === folder ? 'is' : `has ${other} in it, and is`;
  draft.mistake(path, `"${folder}" ${what} not for etcd alone: name a folder of its own, as /var/lib/etcd`);
}

/** A `/`, `?` or `#` ends the name of the host: `http://user:12/ab@proxy:3128` is a proxy called user. */
function checkProxy(draft: Draft, name: string, url: FreeText | undefined): void {
  const path = ['proxy', name];
  if (url === undefined || draft.broken(...path)) return;
  const text = revealed(url);
  if (/^https?:\/\/[^/?#]*[/?#].*@/.test(text))
    draft.mistake(
      path,
      'has an @ behind the first /, ? or #, which ends the name of the proxy: in a password write %2F, %3F and %23 for them',
    );
  else if (!URL.canParse(text)) draft.mistake(path, 'is not a URL such as http://user:password@proxy.example.org:3128');
}
