import { dirname } from 'node:path';
import { readRegularFile, UnreadableFile } from '../core/read-file.ts';
import { untilChanged } from '../core/until-changed.ts';
import { includedFiles } from './ssh-config-include.ts';
import type { Looked } from './ssh-config-include.ts';

/** Of one ssh_config with all that it includes: each host of a run reads it anew, and nothing else is done meanwhile. */
const MOST_BYTES = 2 * 2 ** 20;
const MOST_LINES = 20_000;
const LONGEST_LINE = 2 ** 14;
/** Files that include others several times would multiply without an end. */
const MOST_FILES = 256;
const DEEPEST_INCLUDE = 16;

/** Where something is written: a file and its line, from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** `Host …` or `Match …`: what follows counts only where it holds. */
export interface Block extends Place {
  readonly kind: 'host' | 'match';
  readonly words: readonly string[];
}

/** One option of an ssh_config. */
export interface Line extends Place {
  /** As written. */
  readonly option: string;
  /** All behind it. */
  readonly rest: string;
  /** All must hold: the block that it stands in, and those around the `Include` that brought its file. */
  readonly blocks: readonly Block[];
}

/** What can't be used in an ssh_config, and where. */
export class ConfigMistake extends Error {
  readonly place: Place;

  constructor(place: Place, why: string, cause?: unknown) {
    super(why, { cause });
    // Nothing else of the line: see {@link textLines}.
    this.place = { file: place.file, line: place.line };
  }
}

/** Options of a file in their order, those of included files in place of the `Include`. Throws {@link ConfigMistake}. */
export function readLines(file: string): Line[] {
  return linesOf(file, {
    blocks: [],
    depth: 0,
    from: { file, line: 0 },
    seen: { files: 0, bytes: 0, lines: 0, names: 0 },
  });
}

interface Around {
  blocks: readonly Block[];
  depth: number;
  /** The `Include`. */
  from: Place;
  seen: Seen;
}

interface Seen extends Looked {
  files: number;
  bytes: number;
  lines: number;
}

function linesOf(file: string, { blocks, depth, from, seen }: Around): Line[] {
  seen.files += 1;
  if (seen.files > MOST_FILES) throw new ConfigMistake(from, `Include: more than ${MOST_FILES} files`);
  if (depth > DEEPEST_INCLUDE) throw new ConfigMistake(from, 'Include: files include each other');
  let inside = blocks;
  return textLines(file, from, seen).flatMap((text, index): Line[] => {
    const place = { file, line: index + 1 };
    const line = lineOf(text, { ...place, blocks: inside });
    if (line === undefined) return [];
    const kind = line.option.toLowerCase();
    if (kind === 'host' || kind === 'match') {
      // The next one ends it; those around the file stay.
      inside = [...blocks, { ...place, kind, words: wordsOf(line) }];
      return [{ ...line, blocks: inside }];
    }
    if (kind !== 'include') return [line];
    return wordsOf(line)
      .flatMap((pattern) => filesOf(pattern, place, seen))
      .flatMap((included) => linesOf(included, { blocks: inside, depth: depth + 1, from: place, seen }));
  });
}

function lineOf(text: string, place: Omit<Line, 'option' | 'rest'>): Line | undefined {
  if (text.length > LONGEST_LINE) throw new ConfigMistake(place, `a line of more than ${LONGEST_LINE} characters`);
  const content = text.trim();
  if (content === '' || content.startsWith('#')) return undefined;
  const option = /^[^\s="]+/.exec(content)?.[0] ?? '';
  const rest = content.slice(option.length).trimStart();
  return { ...place, option, rest: rest.startsWith('=') ? rest.slice(1).trimStart() : rest };
}

/** The arguments of an option, as OpenSSH splits them: quotes of both kinds, `\` before them, `#` begins a comment. */
export function wordsOf(line: Line): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let open = '';
  for (let at = 0; at < line.rest.length; at += 1) {
    const char = line.rest.charAt(at);
    const next = line.rest.charAt(at + 1);
    if (char === '\\' && (/["'\\]/.test(next) || (open === '' && next === ' '))) {
      word = (word ?? '') + next;
      at += 1;
    } else if (open === char) open = '';
    else if (open === '' && (char === '"' || char === "'")) {
      open = char;
      word ??= '';
    } else if (open === '' && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (open === '' && char === '#' && word === undefined) break;
    else word = (word ?? '') + char;
  }
  if (open !== '') throw new ConfigMistake(line, `${line.option}: a quote that does not end`);
  return word === undefined ? words : [...words, word];
}

const readText = untilChanged((file) => readRegularFile(file, MOST_BYTES).toString('utf8'));

/** Its name is not told: it is a word of a file that may be private, and the place leads to it. */
function textLines(file: string, from: Place, seen: Seen): string[] {
  try {
    const text = readText(file);
    const lines = text.split('\n');
    seen.bytes += text.length;
    seen.lines += lines.length;
    if (seen.bytes <= MOST_BYTES && seen.lines <= MOST_LINES) return lines;
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    throw new ConfigMistake(from, from.line === 0 ? error.message : `Include: a file of it ${error.message}`, error);
  }
  const all = from.line === 0 ? 'has' : 'Include: all files together have';
  throw new ConfigMistake(from, `${all} more than ${MOST_LINES} lines, or ${MOST_BYTES / 2 ** 20} MiB`);
}

function filesOf(pattern: string, place: Place, seen: Seen): string[] {
  try {
    return includedFiles(pattern, dirname(place.file), seen);
  } catch (error) {
    throw new ConfigMistake(place, `Include: ${(error as Error).message}`, error);
  }
}
