import { mistakeAt, type Entry, type ListNode, type MapNode, type Node, type Path } from './node.ts';
import type { Mistake } from './mistake.ts';

/**
 * Puts a later file over an earlier one: maps are merged key by key, the hosts by name, all else (other lists too)
 * is replaced. `null` stays, so that it can put a setting back to its default.
 */
export function mergeFiles(below: Node, over: Node): Node {
  return mergeNodes(below, over, []);
}

/** Hosts that one file names twice: merging would hide the second. */
export function twiceInOneFile(root: Node): Mistake[] {
  const hosts = root.kind === 'map' ? root.entries.get('hosts')?.node : undefined;
  const seen = new Set<string>();
  return (hosts?.kind === 'list' ? hosts.items : []).flatMap((host, index) => {
    const name = nameOf(host);
    if (name === undefined) return [];
    if (seen.has(name))
      return [mistakeAt(root, ['hosts', index, 'name'], `another host is called ${JSON.stringify(name)} too`)];
    seen.add(name);
    return [];
  });
}

function mergeNodes(below: Node, over: Node, path: Path): Node {
  if (below.kind === 'map' && over.kind === 'map') return mergeMaps(below, over, path);
  if (path.length === 1 && path[0] === 'hosts' && below.kind === 'list' && over.kind === 'list')
    return mergeHosts(below, over);
  return over;
}

function mergeMaps(below: MapNode, over: MapNode, path: Path): MapNode {
  const entries = new Map<string, Entry>(below.entries);
  for (const [key, entry] of over.entries) {
    const earlier = entries.get(key);
    entries.set(
      key,
      earlier === undefined ? entry : { key: entry.key, node: mergeNodes(earlier.node, entry.node, [...path, key]) },
    );
  }
  return { ...over, entries };
}

function mergeHosts(below: ListNode, over: ListNode): ListNode {
  const items = [...below.items];
  for (const host of over.items) {
    const name = nameOf(host);
    const index = name === undefined ? -1 : items.findIndex((item) => nameOf(item) === name);
    const earlier = items[index];
    if (earlier === undefined) items.push(host);
    else items[index] = mergeNodes(earlier, host, ['hosts', index]);
  }
  return { ...over, items };
}

function nameOf(host: Node): string | undefined {
  const name = host.kind === 'map' ? host.entries.get('name')?.node : undefined;
  return name?.kind === 'scalar' && typeof name.value === 'string' ? name.value : undefined;
}
