import type { ViewStream } from './view.ts';

const ESC = '\u001b[';
const HIDE_CURSOR = `${ESC}?25l`;
const SHOW_CURSOR = `${ESC}?25h`;

/** The last lines of a terminal, drawn again and again; what is written above them stays. */
export interface LiveRegion {
  draw(lines: readonly string[]): void;
  /** One line or several. */
  above(text: string): void;
  clear(): void;
  close(): void;
}

export function liveRegion(stream: ViewStream): LiveRegion {
  let drawn: readonly string[] = [];
  // A signal may end the process at any moment: a hidden cursor must not outlive it.
  const showCursor = (): void => void stream.write(SHOW_CURSOR);
  process.once('exit', showCursor);
  stream.write(HIDE_CURSOR);

  const home = (): string => (drawn.length === 0 ? '\r' : `\r${ESC}${drawn.length}A`);
  const draw = (lines: readonly string[]): void => {
    const text = lines.map((line) => `${ESC}2K${line}\n`).join('');
    stream.write(`${home()}${text}${ESC}0J`);
    drawn = lines;
  };
  return {
    draw,
    above(text) {
      const kept = drawn;
      stream.write(`${home()}${ESC}0J${text}\n`);
      drawn = [];
      draw(kept);
    },
    clear() {
      stream.write(`${home()}${ESC}0J`);
      drawn = [];
    },
    close() {
      process.off('exit', showCursor);
      stream.write(SHOW_CURSOR);
    },
  };
}
