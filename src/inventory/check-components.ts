import { containerdRoot } from '../core/containerd-root.ts';
import { flagProblems, nodeProblems } from '../core/cluster-flags.ts';
import { kubeletSetting } from '../core/kubelet-setting.ts';
import { podsOnNode } from '../core/pods-on-node.ts';
import { revealed } from '../core/secret.ts';
import { checkVersions } from '../core/versions.ts';
import type { FreeText, Host } from './types.ts';
import { checkOwnFlags } from './check-own-flags.ts';
import type { Draft } from './check.ts';
import type { Path } from './node.ts';

/** What would keep a part of Kubernetes, or containerd, from starting or from working. */
export function checkComponents(draft: Draft): void {
  if (!draft.broken('versions')) {
    const { versions } = draft.cluster;
    for (const problem of [...checkVersions(versions), ...flagProblems(draft.cluster)])
      draft.mistake(problem.path, inOne(problem));
    checkNodes(draft, (host) =>
      nodeProblems(host, versions.kubernetes).map((each) => ({ path: each.path, message: inOne(each) })),
    );
  }
  checkOwnFlags(draft);
  checkPods(draft);
  checkFolders(draft);
  for (const name of ['http', 'https'] as const) checkProxy(draft, name, draft.cluster.proxy[name]);
}

function inOne({ message, hint }: { message: string; hint: string }): string {
  return `${message}: ${hint}`;
}

/**
 * What is wrong with the settings that a node has of the cluster, its groups and itself together, told where it was
 * written, once.
 */
function checkNodes(draft: Draft, problems: (host: Host) => { path: Path; message: string }[]): void {
  const nodes = draft.cluster.hosts.filter(({ roles }) => roles.includes('master') || roles.includes('worker'));
  const found = nodes.flatMap((host) =>
    problems(host).map(({ path, message }) => {
      const owner = ownersOf(draft, host).find((each) => draft.given(...each, ...path)) ?? [];
      return { path: [...owner, ...path], message };
    }),
  );
  const once = new Map(found.map((each) => [JSON.stringify(each), each]));
  for (const { path, message } of once.values()) draft.mistake(path, message);
}

/** Where settings of a host may be written, besides for the cluster: nearest first, as its roles are. */
function ownersOf(draft: Draft, host: Host): Path[] {
  return [draft.host(host), ...host.roles.map((role): Path => ['groups', role])];
}

/** With `bridge` each pod has an address of its node's part, and with none left it does not start. */
function checkPods(draft: Draft): void {
  const { network } = draft.cluster;
  if (network.plugin !== 'bridge' || draft.broken('network')) return;
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
  for (const place of ['config', 'extraArgs'] as const) {
    const { 'wal-dir': wal } = etcd[place];
    if (typeof wal === 'string' && !PATH.test(wal))
      draft.mistake(['etcd', place, 'wal-dir'], `"${wal}" is not an absolute path without blanks and ..`);
  }
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
