import type { Secret } from '../core/secret.ts';
import { formatPath, type Mistake } from './mistake.ts';

/** A file of the inventory, for the place of what was read from it. */
export interface Source {
  /** As the user named it. */
  readonly file: string;
  readonly text: string;
  /** Offsets at which lines begin. */
  readonly lines: readonly number[];
}

export type Path = readonly (string | number)[];

interface Placed {
  readonly source: Source;
  readonly offset: number;
}

/** YAML as read, with places kept, so that a mistake found after merging still names its file and line. */
export type Node = MapNode | ListNode | ScalarNode;

export interface MapNode extends Placed {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
}

export interface Entry {
  /** Where the key stands. */
  readonly key: Placed;
  readonly node: Node;
}

export interface ListNode extends Placed {
  readonly kind: 'list';
  readonly items: readonly Node[];
}

export interface ScalarNode extends Placed {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As it stands in the file: `1.10`, where the value is 1.1. */
  readonly text: string;
  /** Neither quoted nor a block: YAML decided its type by its looks. */
  readonly plain: boolean;
  /** Holds values of the environment: never shown in a message. */
  readonly substituted?: boolean;
  /** The values of the environment in it; each one's label is the `${NAME}` that stood there. */
  readonly from?: readonly Secret[];
  /** The whole value, where it must not be shown. */
  readonly secret?: Secret;
}

export function toSource(file: string, text: string): Source {
  const lines = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) lines.push(at + 1);
  return { file, text, lines };
}

/** The line that holds an offset, and the column in it; both from 1. */
export function placeOf({ source, offset }: Placed): { file: string; line: number; column: number } {
  let low = 0;
  let high = source.lines.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((source.lines[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return { file: source.file, line: low + 1, column: offset - (source.lines[low] ?? 0) + 1 };
}

/** The node at a path; undefined where the path leads nowhere. */
export function nodeAt(root: Node, path: Path): Node | undefined {
  return path.reduce<Node | undefined>((node, part) => (node === undefined ? undefined : childOf(node, part)), root);
}

/** A mistake at a path, or at its nearest ancestor that stands in a file. */
export function mistakeAt(
  root: Node,
  path: Path,
  message: string,
  more: { suggestion?: string | undefined; key?: boolean } = {},
): Mistake {
  let placed: Placed = root;
  let node: Node | undefined = root;
  for (const [index, part] of path.entries()) {
    const last = index === path.length - 1;
    if (last && more.key === true && node.kind === 'map') placed = node.entries.get(String(part))?.key ?? placed;
    node = childOf(node, part);
    if (node === undefined) break;
    if (!last || more.key !== true) placed = node;
  }
  return {
    ...placeOf(placed),
    path: formatPath(path),
    message,
    ...(more.suggestion === undefined ? {} : { suggestion: more.suggestion }),
  };
}

/** The plain value below a node. Maps have no prototype trouble: `__proto__` is refused when YAML is read. */
export function toValue(node: Node, valueOf: (scalar: ScalarNode) => unknown = ({ value }) => value): unknown {
  switch (node.kind) {
    case 'scalar':
      return valueOf(node);
    case 'list':
      return node.items.map((item) => toValue(item, valueOf));
    case 'map':
      return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toValue(entry.node, valueOf)]));
  }
}

function childOf(node: Node, part: string | number): Node | undefined {
  if (node.kind === 'map') return node.entries.get(String(part))?.node;
  return node.kind === 'list' ? node.items[Number(part)] : undefined;
}
