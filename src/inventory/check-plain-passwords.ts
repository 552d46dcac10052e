import type { Draft } from './check.ts';
import type { Node, Path } from './node.ts';
import { childSchema, type JsonSchema } from './schema.ts';

const PLAIN = 'stands there for all who read the file: write ${MCPK_PASSWORD} instead, and give mcpk that variable';

/** Passwords that are written out: whoever keeps the inventory in git, or sends it on, gives them away. */
export function checkPlainPasswords(draft: Draft, root: Node, schema: JsonSchema): void {
  const visit = (node: Node, rule: JsonSchema | undefined, path: Path): void => {
    if (node.kind === 'list')
      for (const [index, item] of node.items.entries()) visit(item, childSchema(rule, index, schema), [...path, index]);
    else if (node.kind === 'map')
      for (const [key, entry] of node.entries) visit(entry.node, childSchema(rule, key, schema), [...path, key]);
    else if (rule?.writeOnly === true && typeof node.value === 'string' && node.from === undefined)
      draft.warn(path, PLAIN);
  };
  visit(root, schema, []);
}
