import { describe, expect, it } from 'vitest';
import { McpkError } from '../../src/core/errors.ts';
import { renderError } from '../../src/report/error-text.ts';
import { eventLine } from '../../src/report/event-line.ts';
import { clean, cleanLines, PLAIN } from '../../src/report/theme.ts';
import { wrap } from '../../src/report/wrap.ts';

describe('clean', () => {
  it.each([
    ['a line break', 'all is well\n✔ etcd 3/3', 'all is well ✔ etcd 3/3'],
    ['a carriage return', 'bad\rgood', 'badgood'],
    ['separators of lines and paragraphs', 'a\u2028b\u2029c', 'a b c'],
    ['marks that turn the text around', '\u202egnorw\u202c \u2066x\u2069 \u200e\u200f\u061c', 'gnorw x '],
    ['what shows nothing', 'ad\u200bmin\ufeff\u2060', 'admin'],
    ['colors', '\u001b[1;31mred\u001b[0m \u009b1mbold', 'red bold'],
    ['a title, with either end', '\u001b]0;t\u0007a\u001b]2;t\u001b\\b', 'ab'],
    ['a link', '\u001b]8;;http://x\u001b\\here\u001b]8;;\u001b\\', 'here'],
    ['a title that does not end', '\u001b]0;all of it', '0;all of it'],
    ['a sequence that does not end', '\u001b[31', '31'],
    ['a reset of the terminal', 'a\u001bcb', 'ab'],
    ['a tab', 'a\tb', 'a    b'],
    ['nothing of what people write', 'Grüße, 東京 ✔ €', 'Grüße, 東京 ✔ €'],
  ])('takes %s', (_name, text, cleaned) => expect(clean(text)).toBe(cleaned));

  it('cuts what nobody reads in a line', () => expect(clean('a'.repeat(100_000))).toMatch(/^a{8192}…$/));

  it('keeps lines apart where several are shown', () =>
    expect(cleanLines('one\n\u001b[2Jtwo\r\n')).toEqual(['one', 'two']));
});

describe('a host prints no line that looks like ours', () => {
  const message = 'unknown flag\n✔ etcd  3/3   1.0 s\n\u001b[1A\u001b[2Kgone';

  it('in a warning', () => {
    const line = eventLine({ at: 0, type: 'warning', message }, PLAIN, false);
    expect(line).toBe('! unknown flag ✔ etcd  3/3   1.0 s gone');
  });

  it('in what failed: its lines stand below, indented', () => {
    const failed = { at: 0, type: 'resource', stage: 'etcd', host: 'm1', ref: 'unit:x', verb: 'start', ms: 1 } as const;
    const line = eventLine({ ...failed, status: 'failed', message }, PLAIN, true);
    expect(line?.split('\n').slice(1)).toEqual(['      ✔ etcd  3/3   1.0 s', '      gone']);
    expect(eventLine({ ...failed, status: 'failed', message }, PLAIN, false)).toMatch(/^✖ etcd m1.*unknown flag$/);
  });

  it('in an error', () => {
    const text = renderError(new McpkError('stage', 'failed', { details: [message], hint: message }), PLAIN);
    expect(text.split('\n').filter((line) => line.startsWith('✔'))).toEqual([]);
    expect(text).not.toContain('\u001b');
  });
});

it('wrap keeps all characters but blanks at the edge', () => {
  const text = `${'ab '.repeat(40)}${'x'.repeat(200)} 𝄞𝄞`;
  const lines = wrap({ ...PLAIN, columns: 30 }, text, 2);
  expect(lines.every((line) => [...line].length <= 30)).toBe(true);
  expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
});
