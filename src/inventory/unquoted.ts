import { lstatSync, realpathSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { InventoryError, type Mistake } from './mistake.ts';
import type { JsonSchema } from './schema.ts';

/** A file of an inventory: its name as the user gave it, where it lies, what it holds. */
export interface InventoryFile {
  readonly file: string;
  readonly path: string;
  readonly text: string;
}

/** What says nothing of the words of a file. */
const WORDLESS = /^(is empty|is nested too deeply|must be a map of settings, not a (list|scalar))$/;

/**
 * Mistakes quote the lines and words that are wrong. A repository that somebody else wrote may have a link to a private
 * file in the place of its inventory, and a wrong name may lead to one: of such a file only the place is told.
 */
export function withoutForeignWords(
  error: InventoryError,
  files: readonly InventoryFile[],
  schema: JsonSchema,
): InventoryError {
  const reasons = new Map(files.flatMap((each) => [[each.file, whyUnquoted(each, schema)] as const]));
  const told = new Set<string>();
  const mistakes = error.mistakes.flatMap((mistake): Mistake[] => {
    const why = reasons.get(mistake.file);
    if (why === undefined || WORDLESS.test(mistake.message)) return [mistake];
    if (told.has(mistake.file)) return [];
    told.add(mistake.file);
    const { file, line, column } = mistake;
    return [{ file, line, column, path: '', message: why }];
  });
  return told.size === 0 ? error : new InventoryError(mistakes, files.map(({ file }) => file)); // prettier-ignore
}

function whyUnquoted({ path, text }: InventoryFile, schema: JsonSchema): string | undefined {
  if (leadsAway(path))
    return 'something is wrong here; as the inventory is a link that leads out of its folder, what it holds is not shown: name the file itself with -i';
  const asOurs = text.replace(KIND, (line, kind: string) => line.replace(kind, 'Cluster'));
  if (asOurs !== text && !OTHER_KIND.test(asOurs)) return 'kind: must be Cluster, with a capital C and all else small';
  if (OTHER_KIND.test(text))
    return 'is no inventory: its apiVersion or kind is of something else; what it holds is not shown';
  const names = Object.keys(schema.properties ?? {});
  // A line of its own, in JSON too; YAML itself may be what is wrong.
  if (new RegExp(`^\\uFEFF?(\\{\\s*)?["']?(${names.join('|')})["']?\\s*:`, 'm').test(text)) return undefined;
  return 'is no inventory: no line begins with a setting, such as hosts: or network:; what it holds is not shown';
}

/** A kubeconfig, or what goes to an API: they begin with names that are settings too. */
const OTHER_KIND =
  /^\uFEFF?(\{\s*)?["']?(apiVersion["']?\s*:\s*["']?(?!mcpk\/)|kind["']?\s*:\s*["']?(?!Cluster\b))[\w./-]+/m;

/** Of ours, but for the case of its letters: `kind: cluster`. */
const KIND = /^\uFEFF?(?:\{\s*)?["']?kind["']?\s*:\s*["']?(cluster)\b/im;

function leadsAway(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink() && !realpathSync(path).startsWith(realpathSync(dirname(path)) + sep);
  } catch {
    // A pipe (`-i <(sops -d …)`) is a link that leads nowhere.
    return false;
  }
}
