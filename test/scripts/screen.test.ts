import { describe, expect, it } from 'vitest';
import { screenAfter } from '../../scripts/screen.ts';

const text = (output: string): string[] => screenAfter(output).map((line) => line.map((cell) => cell.text).join(''));

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
    ['nothing of a hidden cursor', '\u001b[?25lx\u001b[?25h', ['x']],
  ])('shows %s', (_, output, lines) => expect(text(output)).toEqual(lines));

  it('keeps colors apart', () => {
    const [line = []] = screenAfter('\u001b[1m\u001b[32ma\u001b[39m\u001b[22mb');
    expect(line.map((cell) => cell.style)).toEqual(['bold green', '']);
  });
});
