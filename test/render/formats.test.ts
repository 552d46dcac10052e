import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/secret.ts';
import {
  environmentFile,
  flagArguments,
  haproxyWord,
  systemdArgument,
  systemdEnvironment,
  toYaml,
} from '../../src/render/formats.ts';

/** As JSON has it: no number is minus zero. */
const asJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('toYaml', () => {
  it('keeps the order of keys and leaves out undefined', () => {
    expect(toYaml({ b: 1, a: undefined, c: { z: [], d: {} } })).toBe('b: 1\nc:\n  z: []\n  d: {}\n');
  });

  it.each([
    'yes',
    'no',
    'on',
    'off',
    'y',
    'n',
    '1_000',
    '017',
    '1:30',
    '0x1F',
    '1e3',
    '~',
    '',
    '2020-01-01',
    '=',
    '<<',
    'null',
  ])('quotes %j, which a YAML 1.1 reader takes for something else', (text) => {
    expect(toYaml({ a: text })).toBe(`a: '${text}'\n`);
  });

  it('never folds a long line', () => {
    const long = 'word '.repeat(100).trim();
    expect(toYaml({ a: long })).toBe(`a: ${long}\n`);
  });

  it('is read back as it was', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })).map(asJson), (value) => {
        expect(load(toYaml(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 100 },
    );
  });
});

/** systemd.service(5): quotes, C escapes, specifiers `%%`, variables `$$`. */
it.each([
  ['--name=etcd-1.example:2379/x,y', '--name=etcd-1.example:2379/x,y'],
  ['', '""'],
  ['a b', '"a b"'],
  ['a"b\\c', '"a\\"b\\\\c"'],
  ['100%', '"100%%"'],
  ['$HOME', '"$$HOME"'],
  ['a\nb\t', '"a\\nb\\t"'],
  [';', '";"'],
  ["it's", '"it\'s"'],
])('systemd argument %j is written %s', (value, written) => {
  expect(systemdArgument(value)).toBe(written);
});

it.each([
  ['A', 'plain', 'A=plain'],
  ['A', '', '"A="'],
  ['A', 'x y', '"A=x y"'],
  ['A', '50% of $x', '"A=50%% of $x"'],
])('systemd environment %s=%j is written %s', (name, value, written) => {
  expect(systemdEnvironment(name, value)).toBe(written);
});

it.each(['plain', '', 'a b', '"', "it's", '$HOME ${HOME} `id` $(id)', 'back\\slash\\', '#;=', 'a\tb', '%h'])(
  'an environment file gives %j back as a shell reads it',
  (value) => {
    const script = `${environmentFile({ B: value, A: '1' })}printf %s "$A$B"`;
    expect(spawnSync('sh', ['-c', script], { encoding: 'utf8', env: {} }).stdout).toBe(`1${value}`);
  },
);

it.each([
  () => environmentFile({ A: 'x\nB="y"' }),
  () => environmentFile({ 'A B': 'x' }),
  () => toYaml({ a: [new Secret('x', 's')] }),
  () => systemdEnvironment('A B', 'x'),
  () => systemdEnvironment('A\nExecStart', 'x'),
  () => systemdArgument('a\0'),
  () => systemdArgument('a\rb'),
  () => haproxyWord('a\nb'),
])('refuses what can not be written (%#)', (work) => {
  expect(work).toThrow(/can't|no place/);
});

it.each([
  ['m1', 'm1'],
  ['10.0.0.1:6443', '10.0.0.1:6443'],
  ['', '""'],
  ['a b', '"a b"'],
  ['a#b', '"a#b"'],
  ['"$x\\', '"\\"\\$x\\\\"'],
])('HAProxy word %j is written %s', (value, written) => {
  expect(haproxyWord(value)).toBe(written);
});

it('sorts flags, repeats lists, leaves out what is null', () => {
  expect(flagArguments({ b: true, a: 1, l: ['x', 'y'], n: null, u: undefined, e: [] })).toEqual([
    '--a=1',
    '--b=true',
    '--l=x',
    '--l=y',
  ]);
});
