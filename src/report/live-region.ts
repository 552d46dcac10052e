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
  let isHidden = false;
  // A signal may end the process at any moment: a hidden cursor must not outlive it.
  const showCursor = (): void => {
    isHidden = false;
    stream.write(SHOW_CURSOR);
  };
  process.once('exit', showCursor);

  const home = (): string => (drawn.length === 0 ? '\r' : `\r${ESC}${drawn.length}A`);
  const draw = (lines: readonly string[]): void => {
    // Also anew: what had the terminal meanwhile leaves it as it wants.
    if (!isHidden) stream.write(HIDE_CURSOR);
    isHidden = true;
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
      showCursor();
    },
    close() {
      process.off('exit', showCursor);
      stream.write(SHOW_CURSOR);
    },
  };
}
