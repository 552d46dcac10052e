/** Lines that are not empty, one at a time: a host may send a million of them. */
export function* linesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length;) {
    const next = text.indexOf('\n', from);
    const end = next < 0 ? text.length : next;
    if (end > from) yield text.slice(from, end);
    from = end + 1;
  }
}

/** A line's two sides of the first `at`. */
export function cut(line: string, at: string): [string, string] {
  const index = line.indexOf(at);
  return index < 0 ? [line, ''] : [line.slice(0, index), line.slice(index + at.length)];
}
