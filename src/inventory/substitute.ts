import { Secret } from '../core/secret.ts';
import { mistakeAt, type Entry, type Node, type Path } from './node.ts';
import { printable, type Mistake } from './mistake.ts';
import { nearest } from './nearest.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Variables of this prefix are there for inventories. */
const OWN_PREFIX = 'MCPK_';

/** `$${` (an escape), or `${…}` with what stands inside. */
const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;

/**
 * Replaces `${NAME}` and `${NAME:-default}` in every string below `root`; `$${` stands for `${`.
 * As in a shell, the default also counts for a variable that is set but empty. A variable that is not set
 * is a mistake that names it, and so is one that is set but is neither an `MCPK_…` nor in `allowed`: whoever wrote the
 * inventory may be somebody else than who runs mcpk, and decides where a value goes.
 */
export function substitute(
  root: Node,
  env: Environment,
  allowed: readonly string[] = [],
): { node: Node; mistakes: Mistake[] } {
  const mistakes: Mistake[] = [];
  const variables = { env, allows: (name: string): boolean => name.startsWith(OWN_PREFIX) || allowed.includes(name) };
  const visit = (node: Node, path: Path): Node => {
    if (node.kind === 'list') return { ...node, items: node.items.map((item, index) => visit(item, [...path, index])) };
    if (node.kind === 'map') {
      const entries = [...node.entries].map(([key, entry]): [string, Entry] => [
        key,
        { ...entry, node: visit(entry.node, [...path, key]) },
      ]);
      return { ...node, entries: new Map(entries) };
    }
    if (typeof node.value !== 'string' || !node.value.includes('${')) return node;
    const complain = (message: string, suggestion?: string): string => {
      mistakes.push(mistakeAt(root, path, message, { suggestion }));
      return '';
    };
    const from: Secret[] = [];
    const value = replaceReferences(node.value, { ...variables, from }, complain);
    return { ...node, value, text: value, substituted: true, ...(from.length === 0 ? {} : { from }) };
  };
  return { node: visit(root, []), mistakes };
}

interface Variables {
  readonly env: Environment;
  readonly allows: (name: string) => boolean;
  /** Gets what was taken of the environment. */
  readonly from: Secret[];
}

function replaceReferences(
  text: string,
  { env, allows, from }: Variables,
  complain: (message: string, suggestion?: string) => string,
): string {
  return text.replace(REFERENCE, (whole: string, inside: string | undefined, end: string | undefined) => {
    if (inside === undefined) return '${';
    if (end !== '}') return complain('`${` has no closing `}`; write `$${` for a plain `${`');
    const [, name, fallback] = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inside) ?? [];
    if (name === undefined)
      return complain(
        `${JSON.stringify(printable(whole))} is neither \${NAME} nor \${NAME:-default}; write \`$\${\` for a plain \`\${\``,
      );
    const value = Object.hasOwn(env, name) ? env[name] : undefined;
    if (value !== undefined && !allows(name)) return complain(notAllowed(name));
    if (value !== undefined && (value !== '' || fallback === undefined)) {
      if (value !== '') from.push(new Secret(value, `\${${name}}`));
      return value;
    }
    // Only names that may be used: what else the environment has is nobody's business here.
    const known = (): string[] => Object.keys(env).filter(allows);
    return fallback ?? complain(notSet(name, allows(name)), nearest(name, known()));
  });
}

function notSet(name: string, isAllowed: boolean): string {
  const shown = printable(name);
  const also = isAllowed ? '' : `, and would not be allowed here: allow it with --env ${shown} or in MCPK_ENV`;
  return `the environment variable ${shown} is not set${also}`;
}

function notAllowed(name: string): string {
  const shown = printable(name);
  return `the environment variable ${shown} is not allowed here: allow it with --env ${shown} or in MCPK_ENV, or give the value as ${OWN_PREFIX}…`;
}
