import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { McpkError } from '../core/errors.ts';

export const MIRROR_HINT = 'see whether artifacts.mirrors names a real mirror';

const LINE = /^([0-9a-f]{64})[ \t]+\*?(\S.*)$/;

/** name → sha256 out of a folder's SHA256SUMS, as sha256sum writes it; empty when there is no such file. */
export async function readSums(directory: string): Promise<Map<string, string>> {
  try {
    return parseSums(await readFile(join(directory, 'SHA256SUMS'), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    throw error;
  }
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
export async function addSums(directory: string, added: ReadonlyMap<string, string>): Promise<void> {
  const sums = new Map([...(await readSums(directory)), ...added]);
  const lines = [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, sum]) => `${sum}  ${name}\n`);
  await replaceFile(join(directory, 'SHA256SUMS'), lines.join(''));
}

export async function replaceFile(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}.new`;
  await writeFile(beside, text);
  await rename(beside, path);
}

/** The sum that upstream publishes for the file at `url`: a list like SHA256SUMS, or nothing but the sum. */
export function publishedSum(text: string, url: string, from: string): string {
  const sum = parseSums(text).get(basename(new URL(url).pathname)) ?? /^[0-9a-f]{64}$/.exec(text.trim())?.[0];
  if (sum !== undefined) return sum;
  throw new McpkError('stage', `${from} has no sha256 of ${basename(url)}`, {
    details: [`it begins with ${JSON.stringify(text.slice(0, 80))}`],
    hint: MIRROR_HINT,
  });
}

export async function hashFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal });
  return hash.digest('hex');
}

export function checkSum(what: string, expected: string, actual: string, hint: string): void {
  if (expected === actual) return;
  throw new McpkError('stage', `${what}: wrong checksum`, {
    details: [`expected sha256 ${expected}`, `actual   sha256 ${actual}`],
    hint,
  });
}
