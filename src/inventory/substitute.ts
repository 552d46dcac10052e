import { mistakeAt, type Entry, type Node, type Path } from './node.ts';
import { printable, type Mistake } from './mistake.ts';
import { nearest } from './nearest.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `$${` (an escape), or `${…}` with what stands inside. */
const REFERENCE = /\$\$\{|\$\{([^}]*)(\}?)/g;

/**
 * Replaces `${NAME}` and `${NAME:-default}` in every string below `root`; `$${` stands for `${`.
 * As in a shell, the default also counts for a variable that is set but empty. A variable that is not set
 * is a mistake that names it.
 */
export function substitute(root: Node, env: Environment): { node: Node; mistakes: Mistake[] } {
  const mistakes: Mistake[] = [];
  const names = (): string[] => Object.keys(env);
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
    const value = replaceReferences(node.value, env, names, complain);
    return { ...node, value, text: value, substituted: true };
  };
  return { node: visit(root, []), mistakes };
}

function replaceReferences(
  text: string,
  env: Environment,
  names: () => string[],
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
    if (value !== undefined && (value !== '' || fallback === undefined)) return value;
    return fallback ?? complain(`the environment variable ${printable(name)} is not set`, nearest(name, names()));
  });
}
