/** A host's JSON: many times what a right answer has, and no more than is read within the time of a sign of life. */
const MOST_CHARACTERS = 6 * 1024 * 1024;
const DEEPEST = 64;
/** What JSON.parse takes its time for, in units of one plain value: texts, of which names are the dearest, and maps. */
const MOST_WORK = 1_600_000;
const WORK_OF = { text: 6, container: 2, value: 1 } as const;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** Reads JSON that a host made. Throws Error on what is no JSON, and on what would take too long or nests too deep. */
export function parseForeignJson(text: string): unknown {
  if (text.length > MOST_CHARACTERS) throw new Error(`JSON of ${String(text.length)} characters`);
  checkWork(text);
  return JSON.parse(text);
}

function checkWork(text: string): void {
  let work = 0;
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case QUOTE:
        at = endOfText(text, at);
        work += WORK_OF.text;
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth += 1;
        work += WORK_OF.container;
        if (depth > DEEPEST) throw new Error(`JSON that nests deeper than ${String(DEEPEST)} times`);
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1;
        break;
      case COMMA:
        work += WORK_OF.value;
        break;
    }
    if (work > MOST_WORK) throw new Error('JSON of too many parts');
  }
}

/** Where the text that begins at `start` has its closing quote. */
function endOfText(text: string, start: number): number {
  for (let at = start + 1; ; at += 1) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let backslashes = 0;
    while (text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return at;
  }
}
