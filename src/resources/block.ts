/** Only the lines between these two are ours. */
function markers(name: string): { begin: string; end: string } {
  return { begin: `# BEGIN mcpk ${name}`, end: `# END mcpk ${name}` };
}

/** The lines between the markers, each with its line break; undefined when there is no whole block. */
export function readBlock(text: string, name: string): string | undefined {
  const found = locate(text, name);
  return found && found.inner;
}

/**
 * `text` with `content` between the markers: in place of the block that is there, else at the end.
 * Everything outside stays byte for byte, but that a missing line break at the end is added.
 */
export function writeBlock(text: string, name: string, content: string): string {
  const { begin, end } = markers(name);
  const block = `${begin}\n${closed(content)}${end}\n`;
  const found = locate(text, name);
  return found ? text.slice(0, found.from) + block + text.slice(found.to) : closed(text) + block;
}

/** A sed script that deletes the block. */
export function blockRemoval(name: string): string {
  const { begin, end } = markers(name);
  const exactly = (line: string): string => `/^${line.replace(/[.*[\]^$/\\]/g, '\\$&')}$/`;
  return `${exactly(begin)},${exactly(end)}d`;
}

function locate(text: string, name: string): { from: number; to: number; inner: string } | undefined {
  const { begin, end } = markers(name);
  const from = `\n${text}`.indexOf(`\n${begin}\n`);
  if (from < 0) return undefined;
  const start = from + begin.length + 1;
  // Searched from the line break before, so that an empty block is found.
  const stop = `${text}\n`.indexOf(`\n${end}\n`, start - 1);
  if (stop < 0) return undefined;
  return { from, to: Math.min(stop + end.length + 2, text.length), inner: text.slice(start, stop + 1) };
}

function closed(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
