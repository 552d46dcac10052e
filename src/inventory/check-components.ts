import { flagProblems, type NodeServices } from '../core/cluster-flags.ts';
import { podsOnNode } from '../core/pods-on-node.ts';
import { revealed } from '../core/secret.ts';
import { checkVersions } from '../core/versions.ts';
import type { FreeText } from './types.ts';
import { checkOwnFlags } from './check-own-flags.ts';
import type { Draft } from './check.ts';
import type { Path } from './node.ts';

/** What would keep a part of Kubernetes, or containerd, from starting or from working. */
export function checkComponents(draft: Draft): void {
  const nodes = nodeServices(draft);
  if (!draft.broken('versions')) {
    const { versions } = draft.cluster;
    for (const { path, message, hint } of checkVersions(versions)) draft.mistake(path, `${message}: ${hint}`);
    for (const { path, message, hint } of flagProblems(draft.cluster, nodes))
      draft.mistake(path, `${message}: ${hint}`);
  }
  checkOwnFlags(draft, nodes);
  checkPods(draft, nodes);
  checkFolders(draft);
  for (const name of ['http', 'https'] as const) checkProxy(draft, name, draft.cluster.proxy[name]);
}

/** kubelet and kube-proxy where they were written: for the cluster, groups and hosts. */
function nodeServices(draft: Draft): NodeServices[] {
  const groups = (['master', 'etcd', 'worker'] as const).map((role): Path => ['groups', role]);
  const owners = [...groups, ...draft.cluster.hosts.map((host) => draft.host(host))];
  return [{ ...draft.cluster, path: [] }, ...owners.map((path) => ({ ...draft.written(path), path }))];
}

/** With `bridge` each pod has an address of its node's part, and with none left it does not start. */
function checkPods(draft: Draft, nodes: readonly NodeServices[]): void {
  const { network } = draft.cluster;
  if (network.plugin !== 'bridge' || draft.broken('network')) return;
  const most = podsOnNode(network.nodePrefix);
  const places = nodes.flatMap(
    ({ path, kubelet }) =>
      [
        [[...path, 'kubelet', 'config', 'maxPods'], kubelet?.config?.['maxPods']],
        [[...path, 'kubelet', 'extraArgs', 'max-pods'], kubelet?.extraArgs?.['max-pods']],
      ] as const,
  );
  for (const [path, value] of places)
    if (Number(value) > most)
      draft.mistake(
        path,
        `a node's part of podCidr (network.nodePrefix: ${String(network.nodePrefix)}) has addresses for ${String(most)} pods, not for ${String(value)}`,
      );
}

const PATH = /^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9_.,:=@+~-]+)+$/;

/** Both services may write into folders of theirs alone, which mcpk lays: those that it knows of. */
function checkFolders(draft: Draft): void {
  const { apiServer, etcd } = draft.cluster;
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
