import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quote } from '../../src/core/quote.ts';

const CASES: { argv: string[]; line: string }[] = [
  { argv: ['systemctl', 'show', '--property=Id', 'etcd.service'], line: "systemctl show '--property=Id' etcd.service" },
  { argv: ['echo', "it's"], line: "echo 'it'\\''s'" },
  { argv: ['A=1', '~', ''], line: "'A=1' '~' ''" },
  { argv: ['a\nb', '$(x)', '*'], line: "'a\nb' '$(x)' '*'" },
];

/** What a POSIX shell makes of the lines, in one start of it. */
function throughShell(lists: readonly string[][]): string[][] {
  const script = lists.map((argv) => `printf '%s\\0' ${quote(argv)}; printf '\\0\\1\\0'`).join('\n');
  const output = execFileSync('/bin/sh', [], { input: script }).toString();
  return output
    .split('\0\u0001\0')
    .slice(0, -1)
    .map((part) => part.split('\0').slice(0, -1));
}

describe('quote', () => {
  it.each(CASES)('writes $line', ({ argv, line }) => {
    expect(quote(argv)).toBe(line);
  });

  it('comes through /bin/sh unchanged, whatever the words are', () => {
    const word = fc.string({
      unit: fc.oneof(fc.constantFrom(...'\'"\\$`!*?[]{}()<>|&;#~=% \t\n-'), fc.string({ minLength: 1, maxLength: 1 })),
    });
    const printable = word.filter((text) => !/[\0\u0001]/.test(text));
    const lists = fc.sample(fc.array(printable, { minLength: 1, maxLength: 5 }), { numRuns: 200, seed: 1 });
    expect(throughShell(lists)).toEqual(lists);
  });

  it('refuses NUL', () => {
    expect(() => quote(['a\0b'])).toThrow(/NUL/);
  });
});
