import { redact } from '../core/redact.ts';
import { readRegularFile, UnreadableFile } from '../core/read-file.ts';
import { printable, type Mistake } from './mistake.ts';
import { mistakeAt, type Entry, type Node, type Path, type ScalarNode } from './node.ts';
import { childSchema, type JsonSchema } from './schema.ts';

const MOST_BYTES = 256 * 1024;

/** Puts the text of a file in the place of its name, where the schema takes either (`x-contents`): the file's is of several lines. */
export function readContents(root: Node, schema: JsonSchema): { node: Node; mistakes: Mistake[] } {
  const mistakes: Mistake[] = [];
  const scalar = (node: ScalarNode, rule: JsonSchema | undefined, path: Path): ScalarNode => {
    const { value } = node;
    if (rule?.['x-contents'] !== true || typeof value !== 'string' || value.includes('\n')) return node;
    try {
      return { ...node, value: readRegularFile(value, MOST_BYTES).toString('utf8') };
    } catch (error) {
      if (!(error instanceof UnreadableFile)) throw error;
      mistakes.push(mistakeAt(root, path, `${printable(redact(value, node.from ?? []), 300)}: ${error.message}`));
      return node;
    }
  };
  const visit = (node: Node, rule: JsonSchema | undefined, path: Path): Node => {
    // Where there is no rule, none is below.
    if (rule === undefined) return node;
    if (node.kind === 'scalar') return scalar(node, rule, path);
    const below = (child: Node, key: string | number): Node =>
      visit(child, childSchema(rule, key, schema), [...path, key]);
    if (node.kind === 'list') return { ...node, items: node.items.map(below) };
    const entries = [...node.entries].map(([key, entry]): [string, Entry] => [
      key,
      { ...entry, node: below(entry.node, key) },
    ]);
    return { ...node, entries: new Map(entries) };
  };
  return { node: visit(root, schema, []), mistakes };
}
