import { LONG_ANSWER } from '../../core/answer.ts';
import type { SessionRecord } from '../../transport/types.ts';
import { CONVERGE_TAGS, type Tag } from './wire-tags.ts';

/** Between the items of a list: paths are free of control characters. */
export const SEPARATOR = '\x1f';

/** Scripts work relative to the root, so that tests can run them in a scratch one. */
export function relative(path: string): string {
  return `.${path}`;
}

/** One line of a request. */
export function tagged(tag: Tag, rest = ''): string {
  return `${tag} ${rest}`;
}

/** One tagged line for a list, none for an empty one. */
export function list(tag: Tag, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [tagged(tag, items.join(SEPARATOR))];
}

/** One argument, byte for byte: a line of its own, and one for each further line of it. A NUL cannot be an argument. */
export function argumentLines(argument: string): string[] {
  const { argument: first, goesOn } = CONVERGE_TAGS;
  return argument.split('\n').map((line, index) => tagged(index === 0 ? first : goesOn, line));
}

/** The body of the record of this kind, empty where there is none. A long one gets a turn of its own (`inTurns`). */
export function* bodyOf(records: readonly SessionRecord[], kind: string): Generator<undefined, Buffer> {
  const body = records.find((record) => record.kind === kind)?.body ?? Buffer.alloc(0);
  if (body.length > LONG_ANSWER) yield;
  return body;
}

/**
 * Splits what `head -v` printed of the `asked` paths into path → bytes; each is there once. What only looks like the head
 * of another file is text of the one that it stands in.
 */
export function splitTexts(raw: Buffer, asked: Iterable<string>): Map<string, Buffer> {
  // latin1 keeps one character a byte, so that offsets are the buffer's.
  const text = raw.toString('latin1');
  const paths = new Map([...asked].map((path) => [Buffer.from(relative(path)).toString('latin1'), path]));
  const found = new Map<string, Buffer>();
  let open = '';
  let start = 0;
  for (let at = text.startsWith(HEAD) ? 0 : text.indexOf(NEXT_HEAD); at >= 0;) {
    const from = at + (text[at] === '\n' ? NEXT_HEAD : HEAD).length;
    // Without a line break behind this one there is no further head either, as those begin with one.
    const end = text.indexOf('\n', from);
    if (end < 0) break;
    const path = text.startsWith(HEAD_END, end - HEAD_END.length)
      ? paths.get(text.slice(from, end - HEAD_END.length))
      : undefined;
    const counts = path !== undefined && path !== open && !found.has(path);
    if (counts) {
      if (open !== '') found.set(open, raw.subarray(start, at));
      open = path;
      start = end + 1;
    }
    // The line break behind a head that counts belongs to it; behind any other text the next head may begin with it.
    at = text.indexOf(NEXT_HEAD, counts ? start : end);
  }
  if (open !== '') found.set(open, raw.subarray(start));
  return found;
}

const HEAD = '==> ';
const NEXT_HEAD = `\n${HEAD}`;
const HEAD_END = ' <==';
