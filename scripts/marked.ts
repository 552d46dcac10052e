/** `text` with `body` between two lines; throws when it does not have them. */
export function replaceBetween(text: string, [begin, end]: readonly [string, string], body: string): string {
  const from = text.indexOf(`${begin}\n`);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the document has no place for ${begin}: this line, then ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${body}\n${text.slice(to)}`;
}
