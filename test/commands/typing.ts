import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, vi, type MockInstance } from 'vitest';

export interface Typing {
  /** What is typed, on a terminal or in a pipe; whether stderr is a terminal too. */
  typed(text: string, isTTY: boolean, stderrIsTTY?: boolean): void;
  readonly stderr: MockInstance<typeof process.stderr.write>;
}

/** Stands in for the terminal in each test of a file. */
export function typing(): Typing {
  const real = { stdin: process.stdin, isTTY: process.stderr.isTTY };
  let stderr: Typing['stderr'];
  beforeEach(() => {
    stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  });
  afterEach(() => {
    Object.defineProperty(process, 'stdin', { value: real.stdin, configurable: true });
    process.stderr.isTTY = real.isTTY;
  });
  return {
    typed(text, isTTY, stderrIsTTY = isTTY) {
      const stream = Object.assign(new PassThrough(), { isTTY });
      stream.end(text);
      Object.defineProperty(process, 'stdin', { value: stream, configurable: true });
      process.stderr.isTTY = stderrIsTTY;
    },
    get stderr() {
      return stderr;
    },
  };
}
