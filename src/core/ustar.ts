/** Headers of POSIX ustar archives (IEEE Std 1003.1, pax), of regular files alone. */

import { McpkError } from './errors.ts';

export const BLOCK_BYTES = 512;

/** Eleven octal digits. */
export const LARGEST_FILE = 8 ** 11 - 1;

const MAGIC = 'ustar\u000000';

export interface UstarFile {
  /** ASCII; folders are before a `/`. */
  name: string;
  size: number;
}

/** Characters of a name. */
const LONGEST_NAME = 100;

/** The block before a file's bytes: root's. Throws `invalid` for a name of more than 100 characters. */
export function ustarHeader({ name, size }: UstarFile, modified: Date, mode = 0o600): Buffer {
  if (name.length > LONGEST_NAME)
    throw new McpkError('invalid', `${name} is longer than an archive can name (${LONGEST_NAME} characters)`);
  const block = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;
  block.write(name, 0, LONGEST_NAME, 'latin1');
  block.write(octal(mode, 7), 100, 'latin1');
  block.write(octal(0, 7), 108, 'latin1');
  block.write(octal(0, 7), 116, 'latin1');
  block.write(octal(size, 11), 124, 'latin1');
  block.write(octal(Math.floor(modified.getTime() / 1000), 11), 136, 'latin1');
  block.write('0', 156, 'latin1');
  block.write(MAGIC, 257, 'latin1');
  block.write(`${sumOf(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return block;
}

/** Undefined for a block that is no header of a regular file, or that is not as it was written. */
export function parseUstarHeader(block: Buffer): UstarFile | undefined {
  if (block.length !== BLOCK_BYTES || block.toString('latin1', 257, 265) !== MAGIC) return undefined;
  if (octalOf(block.subarray(148, 156)) !== sumOf(block) || block.toString('latin1', 156, 157) !== '0')
    return undefined;
  const size = octalOf(block.subarray(124, 136));
  const [name = ''] = block.toString('latin1', 0, LONGEST_NAME).split('\0');
  return size === undefined ? undefined : { name, size };
}

/** Bytes that a file takes behind its header. */
export function inBlocks(size: number): number {
  return Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
}

function octalOf(field: Buffer): number | undefined {
  const [, digits] = /^([0-7]+)[\0 ]/.exec(field.toString('latin1')) ?? [];
  return digits === undefined ? undefined : Number.parseInt(digits, 8);
}

/** Of all bytes of the block, with blanks in place of the sum itself. */
function sumOf(block: Buffer): number {
  let sum = 0;
  for (const [index, byte] of block.entries()) sum += index >= 148 && index < 156 ? 0x20 : byte;
  return sum;
}
