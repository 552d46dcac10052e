import { whyUnreadable } from '../core/read-file.ts';
import type { Draft } from './check.ts';
import { printable } from './mistake.ts';
import { nodeAt, type Node, type Path } from './node.ts';

/** Files of this machine that a run would read: a mistake for each that is not there, or may not be read. */
export function checkFiles(draft: Draft, root: Node): void {
  const { addons, hosts, network } = draft.cluster;
  const groups = ['master', 'etcd', 'worker'].map((role): Path => ['groups', role]);
  const owners: Path[] = [[], ...groups, ...hosts.map((host) => draft.host(host))];
  const files: Path[] = [
    ...addons.manifests.map((_, index): Path => ['addons', 'manifests', index, 'source']),
    ...(network.plugin === 'calico' ? [['network', 'calico', 'manifest']] : []),
    ...owners.map((owner): Path => [...owner, 'ssh', 'configFile']),
    ...owners.flatMap((owner) => itemsAt(root, [...owner, 'ssh', 'identityFiles'])),
  ];
  for (const path of files) {
    const node = nodeAt(root, path);
    const file = node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
    if (file === undefined || /^https?:\/\//i.test(file) || draft.broken(...path)) continue;
    const why = whyUnreadable(file);
    if (why !== undefined) draft.mistake(path, `${printable(file, 300)}: ${why}`);
  }
}

function itemsAt(root: Node, path: Path): Path[] {
  const node = nodeAt(root, path);
  return node?.kind === 'list' ? node.items.map((_, index): Path => [...path, index]) : [];
}
