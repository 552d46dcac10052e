import { describe, expect, it } from 'vitest';
import { screenAfter, textOf } from '../../scripts/screen.ts';

const text = (output: string): string[] => textOf(screenAfter(output)).split('\n');

describe('screenAfter', () => {
  it.each([
    ['lines', 'a\r\nb\r\n', ['a', 'b']],
    ['a line written over', 'abc\rx', ['xbc']],
    ['a region drawn again', 'one\r\ntwo\r\n\u001b[2A\u001b[2Knew\r\n\u001b[0J', ['new']],
    [
      'what stands above a region',
      'kept\r\nlive\r\n\r\u001b[1A\u001b[0Jabove\r\n\u001b[2Klive\r\n',
      ['kept', 'above', 'live'],
    ],
    ['a question with its answer', '\u001b[1G\u001b[0JGo on? [y/N] \u001b[14Gy\r\n', ['Go on? [y/N] y']],
    ['what is written at a column', 'abc\u001b[2Gx', ['axc']],
    ['nothing of a hidden cursor', '\u001b[?25lx\u001b[?25h', ['x']],
  ])('shows %s', (_, output, lines) => expect(text(output)).toEqual(lines));

  it('keeps colors apart', () => {
    const [line = []] = screenAfter('\u001b[1m\u001b[32ma\u001b[39m\u001b[22mb');
    expect(line.map((cell) => cell.style)).toEqual(['bold green', '']);
  });
});
