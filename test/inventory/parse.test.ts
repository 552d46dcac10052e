import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InventoryError } from '../../src/inventory/mistake.ts';
import { cpuMs } from '../support/cpu.ts';
import { FIVE, ONE, loadYaml, mistakesOf } from './load-text.ts';
import { anyCharacter } from '../support/any-character.ts';

describe('YAML that cannot be read', () => {
  it.each([
    ['a: [1,\nb: 2\n', ['a.yaml:2:1: deficient indentation', '    b: 2', '    ^']],
    ['name: c\nname: d\n', ['a.yaml:2:1: duplicated mapping key', '    name: d', '    ^']],
    ['a: "x\u0000"', ['a.yaml:1:6: null byte is not allowed in input', '    a: "x\uFFFD"', '         ^']],
    ['a:\n\t- b', ['a.yaml:2:1: tab characters must not be used in indentation: take blanks', '    →- b', '    ^']],
    [
      'a: [{ b: ${MCPK_X} }]',
      [
        'a.yaml:1:11: between { } or [ ] a value with ${…} stands in quotes: "${MCPK_X}"',
        '    a: [{ b: ${MCPK_X} }]',
        '              ^',
      ],
    ],
    [
      'a: {\n  b: [~/${MCPK_X:-key}.pem, c] }',
      [
        'a.yaml:2:10: between { } or [ ] a value with ${…} stands in quotes: "~/${MCPK_X:-key}.pem"',
        '      b: [~/${MCPK_X:-key}.pem, c] }',
        '             ^',
      ],
    ],
    [
      'a: { b: "${X}" c }',
      ['a.yaml:1:16: missed comma between flow collection entries', '    a: { b: "${X}" c }', '                   ^'],
    ],
    ['a: b: c', ['a.yaml:1:5: bad indentation of a mapping entry', '    a: b: c', '        ^']],
    ['', ['a.yaml: is empty']],
    ['# nothing\n', ['a.yaml: is empty']],
    ['---\na: 1\n---\nb: 2\n', ['a.yaml:4:1: a second YAML document begins here; an inventory is one']],
    ['- a\n', ['a.yaml:1:1: must be a map of settings, not a list']],
    ['just text', ['a.yaml:1:1: must be a map of settings, not a scalar']],
    ['a: &x [*x]', ['a.yaml:1:8 a[0]: an alias stands inside what it refers to']],
    ['? [a]\n: b', ['a.yaml:1:3: a key must be a word']],
  ])('%j', async (yaml, lines) => {
    expect(await mistakesOf(yaml)).toEqual(lines);
  });

  it('of several files is told for each', async () => {
    expect((await mistakesOf(['a: [', 'b: ]'])).filter((line) => /^[ab]\.yaml:1/.test(line))).toHaveLength(2);
  });

  it('shows a window of a very long line', async () => {
    const lines = await mistakesOf(`a: "${'x'.repeat(1_000_000)}" b`);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(150);
  });

  it.each(['ssh: { <<: { user: x } }', 'pillar: { a: { <<: &x { b: 1 } } }'])(
    'knows no merge key: %s',
    async (yaml) => {
      expect(await mistakesOf(ONE + yaml)).toEqual([
        expect.stringMatching(
          /\["<<"\]: is a merge key, and YAML 1\.2 has none: write the settings out, or put what several hosts share into groups$/,
        ),
      ]);
      await expect(loadYaml(ONE + yaml.replace('<<', '"<<"').replace(/^ssh/, 'pillar'))).resolves.toBeDefined();
    },
  );

  it.each(['__proto__: 1', 'pillar: { __proto__: { admin: true } }'])('refuses the name in %s', async (yaml) => {
    expect((await mistakesOf(ONE + yaml)).join()).toContain('__proto__: is not a name that can be used');
  });
});

describe('hostile YAML', () => {
  it('with aliases that would grow without end is refused at once', async () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) =>
        `  a${String(level + 1)}: &a${String(level + 1)} [${Array(9)
          .fill(`*a${String(level)}`)
          .join(', ')}]`,
    );
    let lines: readonly string[] = [];
    const spent = await cpuMs(async () => {
      lines = await mistakesOf(`${ONE}pillar:\n  a0: &a0 x\n${levels.join('\n')}\n`);
    });
    expect(lines).toEqual([
      expect.stringMatching(
        /^a\.yaml:\d+:\d+ pillar\.a\d+\[\d\]: with its aliases written out, the file has more than 200,000 values$/,
      ),
    ]);
    expect(spent).toBeLessThan(2000);
  });

  it('nested a hundred thousand deep is refused without a stack trace', async () => {
    const lines = await mistakesOf(`a: ${'['.repeat(100_000)}`);
    expect(lines[0]).toMatch(/^a\.yaml:\d*:?\d*:? ?.*(nest|deep)/i);
  });

  it('never gives anything but a cluster or mistakes with places', async () => {
    const text = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.string({ unit: anyCharacter, maxLength: 40 }),
      fc.constantFrom(
        '${',
        '&a ',
        '*a',
        '? ',
        '- ',
        ': ',
        '[',
        '}',
        '|',
        '\n',
        '\u0000',
        '!!int ',
        '<<: ',
        '1e999',
        '~',
      ),
    );
    await fc.assert(
      // A carriage return by itself ends a line of YAML, too (YAML 1.2, 5.4).
      fc.asyncProperty(fc.nat(FIVE.length), fc.nat(30), text, async (at, cut, inserted) => {
        const yaml = FIVE.slice(0, at) + inserted + FIVE.slice(at + cut);
        const outcome: unknown = await loadYaml(yaml).catch((error: unknown) => error);
        if (!(outcome instanceof Error)) return;
        expect(outcome).toBeInstanceOf(InventoryError);
        const { mistakes } = outcome as InventoryError;
        expect(mistakes.length).toBeGreaterThan(0);
        for (const { line, column } of mistakes)
          expect([line <= yaml.split(/\r\n?|\n/).length, column >= 0]).toEqual([true, true]);
      }),
      { numRuns: 150, interruptAfterTimeLimit: 2500 },
    );
  });
});
