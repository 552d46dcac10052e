import { isMap } from '../core/merge.ts';
import type { ClusterInput, GroupInput } from './input.ts';
import { nodeAt, type Node, type Path } from './node.ts';

const ROLES = ['master', 'etcd', 'worker'] as const;

/**
 * Input with the nulls by which a host or a group gives up what it would inherit: all of it, a part or one setting.
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
  const given = INHERITED.map(([key, depth]) => [key, withNullsOf(owner[key], nodeAt(root, [...path, key]), depth)]);
  return { ...owner, ...(Object.fromEntries(given.filter(([, value]) => value !== undefined)) as Partial<T>) };
}

/** What is inherited, and how many maps deep a null is taken for a setting that is not given. */
const INHERITED = [
  ['labels', 1],
  ['taints', 0],
  ['ssh', 1],
  ['kubelet', 2],
  ['kubeProxy', 2],
  ['pillar', 0],
] as const;

function withNullsOf(value: unknown, node: Node | undefined, depth: number): unknown {
  if (node?.kind === 'scalar' && node.value === null) return null;
  if (depth === 0 || node?.kind !== 'map' || !(value === undefined || isMap(value))) return value;
  const given = [...node.entries].map(
    ([key, entry]) => [key, withNullsOf(value?.[key], entry.node, depth - 1)] as const,
  );
  return { ...value, ...Object.fromEntries(given.filter(([, each]) => each !== undefined)) };
}
