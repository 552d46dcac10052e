import type { ClusterInput, GroupInput } from './input.ts';
import { nodeAt, type Node, type Path } from './node.ts';

const ROLES = ['master', 'etcd', 'worker'] as const;

/**
 * Input with the nulls by which a host or a group gives up what it would inherit: labels, taints, settings of ssh.
 * `root`: as the files have it, since `adapt` takes a null for a setting that is not given.
 */
export function withNulls(input: ClusterInput, root: Node): ClusterInput {
  const group = (role: (typeof ROLES)[number]): object => {
    const given = withOwn(input.groups?.[role] ?? {}, root, ['groups', role]);
    return Object.keys(given).length === 0 ? {} : { [role]: given };
  };
  return {
    ...input,
    groups: Object.assign({}, ...ROLES.map(group)) as NonNullable<ClusterInput['groups']>,
    hosts: (input.hosts ?? []).map((host, index) => host && withOwn(host, root, ['hosts', index])),
  };
}

function withOwn<T extends GroupInput>(owner: T, root: Node, path: Path): T {
  const wholes = (['labels', 'taints'] as const).filter((key) => isNull(nodeAt(root, [...path, key])));
  const maps = (['labels', 'ssh'] as const).flatMap((key) => {
    const nulls = nullsIn(nodeAt(root, [...path, key]));
    return nulls.length === 0 ? [] : [[key, { ...owner[key], ...Object.fromEntries(nulls) }] as const];
  });
  return { ...owner, ...Object.fromEntries(wholes.map((key) => [key, null])), ...Object.fromEntries(maps) };
}

function nullsIn(node: Node | undefined): (readonly [string, null])[] {
  if (node?.kind !== 'map') return [];
  return [...node.entries].flatMap(([key, entry]) => (isNull(entry.node) ? [[key, null] as const] : []));
}

function isNull(node: Node | undefined): boolean {
  return node?.kind === 'scalar' && node.value === null;
}
