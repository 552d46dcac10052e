import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { McpkError } from '../../../src/core/errors.ts';
import { ownedText, parseOwned, removalOf, ofUnknownKind, type Ownership } from '../../../src/engine/plan/owned.ts';
import { anyCharacter } from '../../support/any-character.ts';

describe('owned.json', () => {
  const text = fc.string({ unit: anyCharacter }).map((each) => each.toWellFormed());
  const ownership: fc.Arbitrary<Ownership> = fc.record(
    { hash: text, stage: text, beside: fc.array(text) },
    { requiredKeys: ['hash', 'stage'] },
  );

  it('gives back all that was written into it', () => {
    fc.assert(
      fc.property(fc.dictionary(text, ownership, { noNullPrototype: true }), (owned) => {
        const entries = parseOwned(ownedText(new Map(Object.entries(owned))), 'm1');
        expect(Object.fromEntries(entries.map(({ ref, ...entry }) => [ref, entry]))).toEqual(owned);
      }),
    );
  });

  it('of any other text is refused with the name of its host, never guessed at', () => {
    const json = fc.json({ maxDepth: 3 });
    const almost = fc.jsonValue().map((entries) => JSON.stringify({ version: 1, entries }));
    fc.assert(
      fc.property(fc.oneof(fc.string({ minLength: 1 }), json, almost), (damaged) => {
        try {
          for (const entry of parseOwned(damaged, 'm1')) expect(typeof entry.ref).toBe('string');
        } catch (error) {
          expect(error).toBeInstanceOf(McpkError);
          expect(error).toMatchObject({ code: 'refused', host: 'm1', hint: expect.any(String) as string });
        }
      }),
    );
  });

  it('of a newer mcpk may name kinds that are not known', () => {
    const refs = ['file:/a', 'firewall:x', 'constructor:y', 'nothing', ''];
    expect(ofUnknownKind(refs.map((ref) => ({ ref, hash: '', stage: '' })))).toEqual(refs.slice(1));
  });
});

describe('a certificate that leaves', () => {
  const owned: Ownership = { hash: '', stage: 's', beside: ['/pki/a.key'] };
  it.each<[string, Ownership | undefined, string[], string[]]>([
    ['takes the key with it that it was laid down with', owned, [], ['/pki/a.crt', '/pki/a.key']],
    ['leaves a key that another resource describes by now', owned, ['/pki/a.key'], ['/pki/a.crt']],
    ['leaves a neighbouring key that is not known to be ours', { hash: '', stage: 's' }, [], ['/pki/a.crt']],
    ['leaves all but itself when nothing is known of it', undefined, [], ['/pki/a.crt']],
  ])('%s', (_what, ownership, described, paths) => {
    expect(removalOf('certificate:/pki/a.crt', ownership, new Set(described))).toEqual(
      paths.map((path) => ({ op: 'remove', path })),
    );
  });
});
