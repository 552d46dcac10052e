import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deepMerge, layer } from '../../src/core/merge.ts';

const CASES: {
  name: string;
  base: Record<string, unknown>;
  over: Record<string, unknown>;
  merged: Record<string, unknown>;
}[] = [
  {
    name: 'maps go together key by key',
    base: { a: { x: 1, y: 2 } },
    over: { a: { y: 3 } },
    merged: { a: { x: 1, y: 3 } },
  },
  { name: 'a list is replaced', base: { a: [1, 2] }, over: { a: [3] }, merged: { a: [3] } },
  {
    name: 'null removes a key',
    base: { a: 1, b: { c: 1, d: 2 } },
    over: { a: null, b: { c: null } },
    merged: { b: { d: 2 } },
  },
  { name: 'undefined leaves a key', base: { a: 1 }, over: { a: undefined }, merged: { a: 1 } },
  {
    name: 'a map replaces a scalar, without its nulls',
    base: { a: 1 },
    over: { a: { b: 2, c: null } },
    merged: { a: { b: 2 } },
  },
  { name: 'a scalar replaces a map', base: { a: { b: 1 } }, over: { a: 'x' }, merged: { a: 'x' } },
];

const tree = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 3 }),
  fc.letrec((tie) => ({
    node: fc.oneof(
      { maxDepth: 3 },
      fc.integer(),
      fc.array(fc.integer(), { maxLength: 2 }),
      fc.dictionary(fc.string({ maxLength: 2 }), tie('node')),
    ),
  })).node,
) as fc.Arbitrary<Record<string, unknown>>;

describe('deepMerge', () => {
  it.each(CASES)('$name', ({ base, over, merged }) => {
    expect(deepMerge(base, over)).toEqual(merged);
  });

  it('keeps the order of the base, new keys last', () => {
    expect(Object.keys(deepMerge({ b: 1, a: 2 }, { c: 3, a: 4 }))).toEqual(['b', 'a', 'c']);
  });

  it('reaches no prototype through a key of that name', () => {
    const merged = deepMerge({}, JSON.parse('{"__proto__": {"polluted": true}}') as Record<string, unknown>);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(Object.hasOwn(merged, '__proto__')).toBe(true);
  });

  it('gives the same when merged with itself, and with nothing', () => {
    fc.assert(
      fc.property(tree, (value) => {
        expect(deepMerge(value, value)).toEqual(value);
        expect(deepMerge(value, {})).toEqual(value);
        expect(deepMerge({}, value)).toEqual(value);
      }),
    );
  });

  it('changes neither side', () => {
    fc.assert(
      fc.property(tree, tree, (base, over) => {
        const before = JSON.stringify([base, over]);
        deepMerge(base, over);
        expect(JSON.stringify([base, over])).toBe(before);
      }),
    );
  });

  it('lets three layers be merged in either grouping', () => {
    fc.assert(
      fc.property(tree, tree, tree, (a, b, c) => {
        expect(deepMerge(deepMerge(a, b), c)).toEqual(deepMerge(a, deepMerge(b, c)));
      }),
    );
  });
});

describe('layer', () => {
  it('keeps what is to be removed from what it is put upon later', () => {
    const cluster = { a: null, b: { c: 1, d: 2 }, e: 3, f: [1] };
    const host = { b: { c: null, g: 4 }, e: undefined, f: [2] };
    expect(layer(cluster, host)).toEqual({ a: null, b: { c: null, d: 2, g: 4 }, e: 3, f: [2] });
    expect(deepMerge({ a: 9, b: { c: 9, h: 9 } }, layer(cluster, host))).toEqual({
      b: { h: 9, d: 2, g: 4 },
      e: 3,
      f: [2],
    });
    expect(cluster.b).toEqual({ c: 1, d: 2 });
  });
});
