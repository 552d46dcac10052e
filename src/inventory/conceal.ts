import { isIP } from 'node:net';
import { Secret } from '../core/secret.ts';
import { formatPath, type Mistake } from './mistake.ts';
import { mistakeAt, type Entry, type Node, type Path, type ScalarNode } from './node.ts';
import { childSchema, type JsonSchema } from './schema.ts';

export interface Concealed {
  /** Scalars that are secrets know it. */
  node: Node;
  mistakes: Mistake[];
  /** What came from the environment and must not be shown, as it stands in the inventory: `${NAME}`. */
  hidden: Secret[];
}

const REFUSED =
  'takes only numbers, addresses, true and false from the environment: all users of the hosts can read it there; write out what is no secret';

type Use = 'plain' | 'hidden' | 'secret' | 'refused';

/**
 * Decides what becomes of the values that `${NAME}` stands for, by the setting in which they stand: one that can only be
 * a name, an address, a version, a number, a word or a local file is shown as any other; free text is a secret; what
 * everybody on a host gets to read takes only numbers and addresses from the environment. A URL stays text, as this
 * side asks it, but its parts from the environment are not shown, nor is what makes no path in the name of a file.
 */
export function conceal(root: Node, schema: JsonSchema): Concealed {
  const mistakes: Mistake[] = [];
  const used = new Map<Secret, Use>();
  const scalar = (node: ScalarNode, rule: JsonSchema | undefined, path: Path): ScalarNode => {
    const parts = node.from ?? [];
    if (parts.length === 0) return node;
    const use = useOf(node, rule, parts);
    for (const part of parts) used.set(part, use);
    if (use === 'refused') mistakes.push(mistakeAt(root, path, REFUSED));
    return use === 'secret' ? { ...node, secret: new Secret(String(node.value), formatPath(path)) } : node;
  };
  const visit = (node: Node, rule: JsonSchema | undefined, path: Path): Node => {
    if (node.kind === 'scalar') return scalar(node, rule, path);
    const below = (key: string | number): JsonSchema | undefined => childSchema(rule, key, schema);
    if (node.kind === 'list')
      return {
        ...node,
        items: node.items.map((item, index) => visit(item, itemOf(rule, below(index)), [...path, index])),
      };
    const entries = [...node.entries].map(([key, entry]): [string, Entry] => [
      key,
      { ...entry, node: visit(entry.node, below(key), [...path, key]) },
    ]);
    return { ...node, entries: new Map(entries) };
  };
  const node = visit(root, schema, []);
  return { node, mistakes, hidden: hiddenOf(used) };
}

function useOf(node: ScalarNode, rule: JsonSchema | undefined, parts: readonly Secret[]): Use {
  // What became a number or a boolean is one.
  if (typeof node.value !== 'string') return 'plain';
  if (rule?.['x-open'] === true) return parts.every((part) => isFigure(part.reveal())) ? 'plain' : 'refused';
  // Where anything may stand there is no rule.
  if (rule === undefined || rule['x-secret'] === true) return 'secret';
  if (rule.writeOnly === true || /^[a-z][a-z0-9+.-]*:\/\//i.test(node.value)) return 'hidden';
  return rule['x-path'] === true && !parts.every((part) => /^[~.]?\//.test(part.reveal())) ? 'hidden' : 'plain';
}

/** A list of files says so itself, for all that it holds. */
function itemOf(list: JsonSchema | undefined, item: JsonSchema | undefined): JsonSchema | undefined {
  return list?.['x-path'] === true ? { ...item, 'x-path': true } : item;
}

/** A number, a boolean, an address or a network: nobody's secret. */
function isFigure(text: string): boolean {
  const [address = '', prefix, ...more] = text.split('/');
  const isNetwork = isIP(address) !== 0 && more.length === 0 && (prefix === undefined || /^\d{1,3}$/.test(prefix));
  return isNetwork || /^(true|false|[-+]?\d{1,15}(\.\d{1,9})?)$/.test(text);
}

/** What is shown in one setting is no secret in another; what is as short as that would be found in other words. */
function hiddenOf(used: ReadonlyMap<Secret, Use>): Secret[] {
  const shown = new Set([...used].flatMap(([part, use]) => (use === 'plain' ? [part.label] : [])));
  const hidden = [...used.keys()].filter((part) => !shown.has(part.label) && isTelling(part.reveal()));
  return [...new Map(hidden.map((part) => [part.label, part])).values()];
}

/** Long enough, and no figure: found in a text it is this, and no other word. */
export function isTelling(text: string): boolean {
  return text.length > 3 && !(isFigure(text) && text.replace(/\D/g, '').length < 6) && isIP(text) === 0;
}
