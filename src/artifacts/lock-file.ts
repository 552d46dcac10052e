import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { McpkError } from '../core/errors.ts';
import { alone } from './alone.ts';
import { SafeFolder } from './safe-folder.ts';

const LIMIT = 16 * 2 ** 20;
const HINT = 'Take it out of the version control again as it was; without the file, the next fetch writes a new one.';

const NONE: ReadonlyMap<string, string> = new Map();
/** What was fetched is written down whatever ends the run, and others are done in a moment. */
const TO_ITS_END = { signal: new AbortController().signal, onWait: (): void => undefined };

/** The file beside the inventory that says which sha256 everything had that was fetched for it. */
export interface LockFile {
  path: string;
  /** name → sha256; undefined when there is no such file yet. */
  sums: ReadonlyMap<string, string> | undefined;
  /** Throws `invalid` when the file can't be written. */
  probe(): Promise<void>;
  /**
   * Writes what `merge` makes of the sums that stand there by then: another mcpk may have written it since it was read,
   * and none does meanwhile. Throws `invalid`, and what `merge` throws.
   */
  update(merge: (sums: ReadonlyMap<string, string>) => ReadonlyMap<string, string>): Promise<void>;
}

/** INVENTORY.lock of the first inventory that is a file; undefined where all of them are pipes. Throws `invalid`. */
export async function openLockFile(inventories: readonly string[]): Promise<LockFile | undefined> {
  const inventory = await firstFile(inventories);
  if (inventory === undefined) return undefined;
  const folder = new SafeFolder(dirname(resolve(inventory)));
  const name = `${basename(inventory)}.lock`;
  const path = join(dirname(inventory), name);
  const read = async (): Promise<Map<string, string> | undefined> => {
    const text = await folder.read(name, LIMIT).catch((cause: unknown) => {
      throw cause instanceof McpkError ? new McpkError(cause.code, cause.message, { cause, hint: HINT }) : cause;
    });
    return text === undefined ? undefined : parse(text, path);
  };
  const writing = async (work: () => Promise<void>): Promise<void> =>
    work().catch((cause: unknown) => {
      throw cause instanceof McpkError ? cause : unwritable(path, cause);
    });
  return {
    path,
    sums: await read(),
    probe: () => writing(() => folder.probe()),
    update: (merge) =>
      writing(() => alone(folder, TO_ITS_END, async () => folder.replace(name, format(merge((await read()) ?? NONE))))),
  };
}

async function firstFile(inventories: readonly string[]): Promise<string | undefined> {
  for (const file of inventories) if ((await stat(file).catch(() => undefined))?.isFile()) return file;
  return undefined;
}

function format(sums: ReadonlyMap<string, string>): string {
  const sorted = [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify({ version: 1, sha256: Object.fromEntries(sorted) }, undefined, 2)}\n`;
}

function parse(text: string, path: string): Map<string, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw wrong(path, 'is no JSON', cause);
  }
  const { version, sha256 } = (value ?? {}) as { version?: unknown; sha256?: unknown };
  if (version !== 1) throw wrong(path, 'is not of version 1');
  if (typeof sha256 !== 'object' || sha256 === null) throw wrong(path, 'has no "sha256"');
  return new Map(
    Object.entries(sha256).map(([name, sum]: [string, unknown]) => {
      if (typeof sum === 'string' && /^[0-9a-f]{64}$/.test(sum)) return [name, sum];
      throw wrong(
        path,
        `has no sha256 of ${JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name)} (64 hexadecimal digits)`,
      );
    }),
  );
}

function wrong(path: string, why: string, cause?: unknown): McpkError {
  return new McpkError('invalid', `${path} ${why}`, {
    cause,
    hint: HINT,
  });
}

function unwritable(path: string, cause: unknown): McpkError {
  const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
  return new McpkError(
    'invalid',
    `${path} cannot be written (${code}): what is fetched would not be held to next time`,
    {
      cause,
      hint: 'Run the command once where the file can be written and commit it, or write the sums into artifacts.sha256.',
    },
  );
}
