import { expect, it } from 'vitest';
import { McpkError, type FailureList } from '../../src/core/errors.ts';
import { throwAll } from '../../src/core/settled.ts';
import { Struck } from '../../src/core/struck.ts';

const ofFile = (thing: string, cause: string, reason: string, way = 'walk'): Struck =>
  new Struck('fetch', {
    cause,
    things: [thing],
    reasons: [reason],
    ways: [way],
    noun: 'file',
    message: (things, reasons) => `can't get ${things}: ${reasons}`,
    hint: (ways) => `Do this: ${ways}.`,
  });

/** What several errors are told as: message, details, hint. */
function told(errors: readonly McpkError[]): unknown[] {
  try {
    throwAll(errors);
    return [];
  } catch (error) {
    const all = error instanceof McpkError ? [error] : (error as FailureList).errors;
    return all.map(({ message, details, hint }) => [message, details, hint]);
  }
}

const HINT = 'Do this: walk.';

it.each<[string, McpkError[], unknown[]]>([
  ['one', [ofFile('a', 'DNS', 'no x')], [["can't get a: no x", [], HINT]]],
  [
    'several of one cause, beside others',
    [
      ofFile('a', 'DNS', 'no x'),
      ofFile('b', 'FULL', 'no room'),
      ofFile('c', 'DNS', 'no x'),
      new McpkError('fetch', 'e'),
    ],
    [
      ["can't get 2 files: no x", ['a', 'c'], HINT],
      ["can't get b: no room", [], HINT],
      ['e', [], undefined],
    ],
  ],
  ['the same thing twice', [ofFile('a', 'DNS', 'no x'), ofFile('a', 'DNS', 'no x')], [["can't get a: no x", [], HINT]]],
  [
    'what differs in a word, with another way out',
    [ofFile('a', 'DNS', 'no way to x at all'), ofFile('b', 'DNS', 'no way to y at all', 'run')],
    [["can't get 2 files: no way to x, y at all", ['a', 'b'], 'Do this: walk; run.']],
  ],
  [
    'what differs in more',
    [ofFile('a', 'DNS', 'no x'), ofFile('b', 'DNS', 'no way to y')],
    [["can't get 2 files: no x; no way to y", ['a', 'b'], HINT]],
  ],
])('each cause is told once, with all that it struck: %s', (_name, errors, wanted) => {
  expect(told(errors)).toEqual(wanted);
  // Those of some were told together already, as binaries are before manifests come to them.
  const [last, ...before] = errors.toReversed();
  if (last) expect(told([...Struck.together(before.toReversed()), last])).toEqual(wanted);
});
