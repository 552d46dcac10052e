import { describe, expect, it } from 'vitest';
import { loadScripts } from '../../../src/engine/wire/scripts.ts';
import { CONVERGE_TAGS, OPERATIONS, PROBE_TAGS } from '../../../src/engine/wire/wire-tags.ts';

const scripts = loadScripts();

/** The letters of all `'X ')`, `'X '*)` and `'X '* | 'Y '*)` of a script's cases. */
function tagsOf(script: string): string[] {
  const patterns = [...script.matchAll(/^ *('. '\*?(?: \| '. '\*?)*)\)/gm)].map(([, pattern]) => pattern!);
  return patterns.flatMap((pattern) => [...pattern.matchAll(/'(.) '/g)].map(([, tag]) => tag!));
}

describe('one table of tags', () => {
  it.each([
    ['probe', PROBE_TAGS],
    ['converge', CONVERGE_TAGS],
  ] as const)('has those that %s knows, and no other', (name, tags) => {
    expect([...new Set(tagsOf(scripts[name]))].sort()).toEqual(Object.values(tags).sort());
  });

  it('gives no letter two meanings', () => {
    const meanings = new Set([PROBE_TAGS, CONVERGE_TAGS].flatMap((tags) => Object.entries(tags).map(String)));
    expect(new Set([...meanings].map((meaning) => meaning.at(-1))).size).toBe(meanings.size);
  });

  it('has the operations that converge knows, and no other', () => {
    const [, cases = ''] = /^operate\(\) \{\n(.*?)^\}/ms.exec(scripts.converge) ?? [];
    const known = [...cases.matchAll(/^ +([a-z-]+)\) /gm)].map(([, name]) => name!);
    expect(known.sort()).toEqual(OPERATIONS.toSorted());
  });
});
