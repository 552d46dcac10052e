import type { OwnedEntry } from '../../cluster/facts.ts';
import { McpkError } from '../../core/errors.ts';
import { parseForeignJson } from '../../core/json.ts';
import { isMap } from '../../core/merge.ts';
import { PATHS } from '../../core/paths.ts';
import { isKind, kindNamed } from '../../resources/kinds.ts';
import type { Op } from '../../resources/types.ts';

const VERSION = 1;

/** What mcpk remembers of a thing that it owns, by the thing's ref. */
export type Ownership = Omit<OwnedEntry, 'ref'>;

/** The text of owned.json. */
export function ownedText(owned: ReadonlyMap<string, Ownership>): string {
  const entries = [...owned].map(([ref, entry]) => ({ ref, ...entry })).toSorted((a, b) => (a.ref < b.ref ? -1 : 1));
  return `${JSON.stringify({ version: VERSION, entries })}\n`;
}

/**
 * Reads owned.json of a host; an empty text is a host that has none. Throws `refused` for one that is damaged or of a
 * newer mcpk: guessing what is ours would remove or forget things.
 */
export function parseOwned(text: string, host: string): OwnedEntry[] {
  if (text === '') return [];
  const json = jsonOf(text);
  if (isMap(json) && typeof json['version'] === 'number' && json['version'] > VERSION)
    throw new McpkError('refused', `${host}: a newer mcpk wrote ${PATHS.owned} (version ${json['version']})`, {
      host,
      hint: 'Use that mcpk, or a newer one.',
    });
  const entries = isMap(json) && json['version'] === VERSION ? json['entries'] : undefined;
  if (Array.isArray(entries) && entries.every(isEntry)) return entries;
  throw new McpkError('refused', `${host}: ${PATHS.owned} is damaged, so what mcpk owns there is not known`, {
    host,
    hint: `Put back a copy, or move it away: then what is there stays, also what the inventory no longer describes.`,
  });
}

/** Entries that a newer mcpk must have written: they are left alone, and kept. */
export function strangers(owned: readonly OwnedEntry[]): string[] {
  return owned.map((entry) => entry.ref).filter((ref) => !isKind(ref.slice(0, ref.indexOf(':'))));
}

/** What takes an owned thing off its host. What another resource describes by now stays. */
export function removalOf(ref: string, owned: Ownership | undefined, described: ReadonlySet<string>): Op[] {
  const colon = ref.indexOf(':');
  const beside = (owned?.beside ?? []).filter((path) => !described.has(path));
  return kindNamed(ref.slice(0, colon)).remove(ref.slice(colon + 1), beside);
}

function jsonOf(text: string): unknown {
  try {
    return parseForeignJson(text);
  } catch {
    return undefined;
  }
}

function isEntry(value: unknown): value is OwnedEntry {
  if (!isMap(value)) return false;
  const { ref, hash, stage, beside = [] } = value;
  return (
    [ref, hash, stage].every((each) => typeof each === 'string') &&
    Array.isArray(beside) &&
    beside.every((each) => typeof each === 'string')
  );
}
