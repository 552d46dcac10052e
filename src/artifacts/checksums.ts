import { basename } from 'node:path';
import { McpkError } from '../core/errors.ts';
import type { SafeFolder } from './safe-folder.ts';

export const MIRROR_HINT = 'see whether artifacts.mirrors names a real mirror';

const LINE = /^([0-9a-f]{64})[ \t]+\*?(\S.*)$/;

export const SUMS = 'SHA256SUMS';
const SUMS_LIMIT = 1 << 20;

/** A sha256, who says so, and what to do when a file has another one. */
export interface Expected {
  sha256: string;
  by?: string;
  hint: string;
}

/** name → sha256 out of a folder's SHA256SUMS, as sha256sum writes it; empty when there is no such file. */
export async function readSums(folder: SafeFolder): Promise<Map<string, string>> {
  return parseSums((await folder.read(SUMS, SUMS_LIMIT)) ?? '');
}

export function parseSums(text: string): Map<string, string> {
  const sums = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, sum, name] = LINE.exec(line.trim()) ?? [];
    if (sum !== undefined && name !== undefined) sums.set(name.replace(/^\.\//, ''), sum);
  }
  return sums;
}

/** Adds to a folder's SHA256SUMS; a reader sees the old file or the new one. */
export async function addSums(folder: SafeFolder, added: ReadonlyMap<string, string>): Promise<void> {
  const sums = new Map([...(await readSums(folder)), ...added]);
  await folder.replace(SUMS, formatSums(sums));
}

/** As sha256sum writes it, by name. */
export function formatSums(sums: ReadonlyMap<string, string>): string {
  const lines = [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, sum]) => `${sum}  ${name}\n`);
  return lines.join('');
}

/**
 * The sum that upstream publishes for the file at `url`: a list like SHA256SUMS, or nothing but the sum. What is there
 * in its place is not shown: a mirror of somebody else's choice may lead to a page that is not for all to read.
 */
export function publishedSum(text: string, url: string, from: string): string {
  const sum = parseSums(text).get(basename(new URL(url).pathname)) ?? /^[0-9a-f]{64}$/.exec(text.trim())?.[0];
  if (sum !== undefined) return sum;
  throw new McpkError('fetch', `${from} has no sha256 of ${basename(url)}`, {
    details: [`what is there is ${text.length} characters of something else`],
    hint: MIRROR_HINT,
  });
}

export function checkSum(what: string, { sha256, by, hint }: Expected, actual: string): void {
  if (sha256 === actual) return;
  throw new McpkError('fetch', `${what}: wrong checksum`, {
    details: [`expected sha256 ${sha256}${by === undefined ? '' : ` (${by})`}`, `actual   sha256 ${actual}`],
    hint,
  });
}
