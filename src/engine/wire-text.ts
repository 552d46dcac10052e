/** Framing that probe.sh and converge.sh share. */

/** Between the items of a list: paths are free of control characters. */
export const SEPARATOR = '\x1f';

/** Scripts work relative to the root, so that tests can run them in a scratch one. */
export function relative(path: string): string {
  return `.${path}`;
}

/** One tagged line for a list, none for an empty one. */
export function list(tag: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [`${tag} ${items.join(SEPARATOR)}`];
}

/** One argument, byte for byte: an `a` line, and a `+` line for each further line. A NUL cannot be an argument. */
export function argumentLines(argument: string): string[] {
  return argument.split('\n').map((line, index) => `${index === 0 ? 'a' : '+'} ${line}`);
}

/** Splits what `head -v` printed into path → bytes. */
export function splitTexts(raw: Buffer): Map<string, Buffer> {
  // latin1 keeps one character a byte, so that offsets are the buffer's.
  const text = raw.toString('latin1');
  const headers = [...text.matchAll(/(?:^|\n)==> \.(\/[^\n]*) <==\n/g)];
  return new Map(
    headers.map((header, index) => [
      Buffer.from(header[1]!, 'latin1').toString('utf8'),
      raw.subarray(header.index + header[0].length, headers[index + 1]?.index ?? raw.length),
    ]),
  );
}
