import { dirname, isAbsolute, join, resolve as resolvePath } from 'node:path';
import { childSchema, typesOf, type JsonSchema } from './schema.ts';
import type { Entry, Node, ScalarNode } from './node.ts';

export interface AdaptOptions {
  schema: JsonSchema;
  /** The user's home, for `~`. */
  home: string;
  /** Relative names of inventory files count from here. */
  directory: string;
}

/**
 * Fits what was read to what the schema asks for, before it is checked: `null` where no null is allowed means "not
 * given" (so an empty section is none, and a later file can put a setting back to its default); text stays text;
 * a number from the environment becomes one; files become absolute.
 */
export function adapt(node: Node, options: AdaptOptions): Node {
  return adaptNode(node, options.schema, options) ?? node;
}

function adaptNode(node: Node, schema: JsonSchema | undefined, options: AdaptOptions): Node | undefined {
  if (schema === undefined) return node;
  if (node.kind === 'scalar') return adaptScalar(node, schema, options);
  if (node.kind === 'list') {
    const inherited =
      schema['x-path'] === true && schema.items !== undefined ? { ...schema.items, 'x-path': true } : undefined;
    const items = node.items.map((item, index) => {
      const child = inherited ?? childSchema(schema, index, options.schema);
      return item.kind === 'scalar' && item.value === null ? item : (adaptNode(item, child, options) ?? item);
    });
    return { ...node, items };
  }
  const entries = [...node.entries].flatMap(([key, entry]): [string, Entry][] => {
    const child = adaptNode(entry.node, childSchema(schema, key, options.schema), options);
    return child === undefined ? [] : [[key, { ...entry, node: child }]];
  });
  return { ...node, entries: new Map(entries) };
}

function adaptScalar(node: ScalarNode, schema: JsonSchema, options: AdaptOptions): ScalarNode | undefined {
  const types = typesOf(schema);
  if (node.value === null) return types.length === 0 || types.includes('null') ? node : undefined;
  if (schema['x-text'] === true && typeof node.value !== 'string') return { ...node, value: node.text };
  if (typeof node.value !== 'string') return node;
  if (node.substituted === true && node.plain && !types.includes('string'))
    return { ...node, value: typed(node.value, types) };
  return schema['x-path'] === true ? { ...node, value: toFile(node, node.value, options) } : node;
}

function typed(value: string, types: readonly string[]): string | number | boolean {
  if (types.includes('boolean') && (value === 'true' || value === 'false')) return value === 'true';
  const numeric = types.includes('number') || types.includes('integer');
  return numeric && /^-?(0|[1-9]\d{0,17})(\.\d{1,18})?$/.test(value) ? Number(value) : value;
}

function toFile(node: ScalarNode, value: string, options: AdaptOptions): string {
  // A text in the place of a file, where either may stand, is one already.
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(value) || value === '' || value.includes('\n')) return value;
  const file = expandHome(value, options.home);
  return isAbsolute(file) ? file : resolvePath(options.directory, dirname(node.source.file), file);
}

export function expandHome(file: string, home: string): string {
  return file === '~' || file.startsWith('~/') ? join(home, file.slice(1)) : file;
}
