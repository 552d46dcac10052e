import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { McpkError } from '../core/errors.ts';
import { NO_SUCH_FILE, readFileAtMost, UnreadableFile } from '../core/read-file.ts';
import { packageValidator } from '../core/package-validator.ts';
import type { Validator } from '../core/validate.ts';
import { adapt } from './adapt.ts';
import { check } from './check.ts';
import { complete } from './complete.ts';
import { conceal } from './conceal.ts';
import { readContents } from './contents.ts';
import { DEFAULT_FILE } from './default-file.ts';
import { deepFreeze } from './defaults.ts';
import { explain } from './explain.ts';
import { mergeFiles, twiceInOneFile } from './merge.ts';
import { formatMistake, InventoryError, printable, type Mistake } from './mistake.ts';
import { nodeAt, placeOf, toSource, toValue, type Node, type Path } from './node.ts';
import { parseYaml } from './parse.ts';
import { withNulls } from './nulls.ts';
import { prune } from './prune.ts';
import { readSchema, type JsonSchema } from './schema.ts';
import { substitute, type Environment } from './substitute.ts';
import type { Cluster } from './types.ts';
import { withoutForeignWords, type InventoryFile } from './unquoted.ts';

export interface LoadOptions {
  /** For `${NAME}`, the home and the defaults that depend on it. */
  env: Environment;
  /** Names of variables that `${NAME}` may use, beside those that begin with MCPK_. */
  allowed?: readonly string[];
  /** File names count from here; the working directory unless given. */
  directory?: string;
  /** Whether the files that it names (keys, manifests) are looked at: a mistake for each that can't be read. */
  files?: boolean;
  /** Gives other texts in place of those that were read. */
  rewrite?: (texts: readonly InventoryFile[]) => readonly InventoryFile[];
  schema?: JsonSchema;
  /** That of the published schema unless given. */
  validator?: Validator;
}

const MOST_BYTES = 4 * 1024 * 1024;

/**
 * Reads an inventory. Several files are merged in their order: maps key by key, hosts by name, other lists replaced,
 * `null` back to the default. Throws one {@link InventoryError} (exit code 10) with every mistake in it.
 */
export async function load(files: readonly string[], options: LoadOptions): Promise<Cluster> {
  if (files.length === 0)
    throw new McpkError('usage', 'no inventory was named', {
      hint: 'Name one with -i FILE, or write one with: mcpk init',
    });
  const read = files.map((file) => readText(file, resolve(options.directory ?? '.', file)));
  const unreadable = read.flatMap((result) => ('mistake' in result ? [result.mistake] : []));
  if (unreadable.length > 0) throw notThere(unreadable, files, options.directory);
  const found = read.flatMap((result) => ('text' in result ? [result] : []));
  const texts = options.rewrite?.(found) ?? found;
  return loadTexts(texts, options).catch((error: unknown) => {
    if (!(error instanceof InventoryError)) throw error;
    throw withoutForeignWords(error, texts, options.schema ?? readSchema());
  });
}

/** As {@link load}, from texts that are at hand. */
export async function loadTexts(
  texts: readonly { file: string; text: string }[],
  options: LoadOptions,
): Promise<Cluster> {
  const files = texts.map(({ file }) => file);
  const parsed = texts.map(({ file, text }) => parseYaml(toSource(file, text)));
  const mistakes = parsed.flatMap((result) => result.mistakes);
  const nodes = parsed.flatMap((result) => (result.node?.kind === 'map' ? [result.node] : []));
  const [first, ...rest] = nodes;
  if (first === undefined || nodes.length < texts.length) throw new InventoryError(mistakes, files);
  mistakes.push(...nodes.flatMap(twiceInOneFile));
  const substituted = substitute(rest.reduce<Node>(mergeFiles, first), options.env, options.allowed);
  mistakes.push(...substituted.mistakes);

  const schema = options.schema ?? readSchema();
  const home = options.env['HOME'] ?? homedir();
  const adapted = adapt(substituted.node, { schema, home, directory: options.directory ?? process.cwd() });
  const read = readContents(adapted, schema);
  const { node: root, hidden, ...concealed } = conceal(read.node, schema);
  mistakes.push(...read.mistakes, ...concealed.mistakes);
  const validate = options.validator ?? (await packageValidator('cluster'));
  const value = toValue(root);
  const found = explain(validate(value), root, schema);
  const unset = new Set(substituted.mistakes.map((mistake) => mistake.path));
  // What the schema says of a value with an unset variable in it only repeats that mistake.
  mistakes.push(
    ...found.flatMap(({ at: _at, meant: _meant, ...mistake }) => (unset.has(mistake.path) ? [] : [mistake])),
  );

  const usable = prune(
    toValue(root, (scalar) => scalar.secret ?? scalar.value),
    found,
  );
  const wrong: readonly Path[] = found.flatMap(({ at, meant }) => meant ?? [at]);
  const input = withNulls(usable.input, substituted.node);
  const { cluster, places } = complete(input, {
    schema,
    env: options.env,
    home,
    files,
    sourceOf: (index) => sourceOf(root, index),
  });
  const checked = check({
    cluster,
    root,
    input,
    places,
    schema,
    wrong,
    cut: usable.cut,
    files: options.files ?? false,
  });
  mistakes.push(...checked.mistakes.filter((mistake) => !mistakes.some((other) => other.path === mistake.path)));
  if (mistakes.length > 0) throw new InventoryError(mistakes, files);
  return deepFreeze({
    ...cluster,
    ...(checked.warnings.length === 0 ? {} : { warnings: checked.warnings }),
    ...(hidden.length === 0 ? {} : { hidden }),
  });
}

/** Nothing in them is to be corrected: the file is to be named, or written. */
function notThere(unreadable: readonly Mistake[], files: readonly string[], directory = '.'): InventoryError {
  const nameless = files.length === 1 && files[0] === DEFAULT_FILE && unreadable[0]?.message === NO_SUCH_FILE;
  const [only, ...others] = unreadable.flatMap(formatMistake);
  const message = nameless ? `no inventory: there is no ${DEFAULT_FILE} in this folder` : only;
  const wrong = unreadable.length === 1 ? unreadable[0] : undefined;
  const other = wrong?.message === NO_SUCH_FILE ? otherEnding(wrong.file) : undefined;
  return new InventoryError(unreadable, files, {
    hint:
      other !== undefined && existsSync(resolve(directory, other))
        ? `There is a file ${printable(other, 300)}: name it with -i`
        : 'Name an inventory with -i FILE, or write one with: mcpk init',
    // One is its own headline.
    ...(message !== undefined && others.length === 0 ? { message } : {}),
  });
}

/** `mcpk.yml` for `mcpk.yaml`, and the other way round. */
function otherEnding(file: string): string {
  return file.replace(/\.(ya?ml)$/, (_, ending: string) => (ending === 'yml' ? '.yaml' : '.yml'));
}

function sourceOf(root: Node, index: number): string {
  const { file, line } = placeOf(nodeAt(root, ['hosts', index]) ?? root);
  return `${printable(file, 300)}:${String(line)}`;
}

function readText(file: string, path: string): InventoryFile | { mistake: Mistake } {
  const refuse = (message: string): { mistake: Mistake } => ({
    mistake: { file, line: 0, column: 0, path: '', message },
  });
  try {
    // All of it, a byte order mark too: what is written back is compared with the file.
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    const bytes = readFileAtMost(path, MOST_BYTES);
    if (isUtf16(bytes)) return refuse('is UTF-16 text: save it as UTF-8');
    return { file, path, text: decoder.decode(bytes) };
  } catch (error) {
    return refuse(error instanceof UnreadableFile ? error.message : 'is not UTF-8 text: save it as UTF-8');
  }
}

/** By its mark, or by the empty half of an ASCII letter. */
function isUtf16(bytes: Buffer): boolean {
  const [first, second] = bytes;
  return bytes.length > 1 && (first === 0 || second === 0 || (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)); // prettier-ignore
}
