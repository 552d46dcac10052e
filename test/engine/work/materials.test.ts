import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../src/core/secret.ts';
import { createMaterials, type MaterialsInput } from '../../../src/engine/work/materials.ts';
import { makeShared } from '../../../src/pki/shared.ts';
import type {
  CertificateResource,
  Materials,
  SecretRecipe,
  SharedSecretResource,
  SharedState,
} from '../../../src/resources/types.ts';
import { fakeFleet } from '../support/fake-fleet.ts';

const ACCESS = { mode: '0600', owner: 'root', group: 'root' };
const ABSENT: SharedState = { state: 'absent', hashes: {}, texts: {} };
const KEYPAIR: SecretRecipe = { type: 'keypair', keyAlgorithm: 'ecdsa-p256' };
const AUTHORITY: SecretRecipe = { type: 'authority', commonName: 'a', days: 10, keyAlgorithm: 'ecdsa-p256' };
const MEMBERS = ['m1', 'm2', 'm3'];

function placed(id: string, recipe: SecretRecipe, items: readonly string[]): Placed {
  const files = items.map((item) => ({ item, path: `/${id}/${item}`, ...ACCESS }));
  const worker = files.filter(({ item }) => item === 'bundle');
  const at = (host: string, holder: boolean, of = files): Placed[number] => ({
    host,
    resource: { kind: 'sharedSecret', id, recipe, files: of, holder },
  });
  // A worker comes first: it is no holder, and nothing can be fetched from it.
  return [at('w1', false, worker), ...MEMBERS.map((host) => at(host, true))];
}

type Placed = { host: string; resource: SharedSecretResource }[];

/** Materials over hosts that only have `contents`, by path; `read` remembers who was asked for what. */
function materialsOf(
  secrets: Record<string, Placed>,
  shared: Record<string, SharedState>,
  contents: Record<string, string> = {},
  now = new Date(),
): { materials: Materials; read: string[] } {
  const read: string[] = [];
  const fleet = fakeFleet({
    read: (host, path) => {
      read.push(`${host}:${path}`);
      const text = contents[path];
      return text === undefined
        ? Promise.reject(new Error(`${path} is not there`))
        : Promise.resolve(Buffer.from(text));
    },
  });
  const input: MaterialsInput = {
    fleet,
    shared: new Map(Object.entries(shared)),
    secrets: new Map(Object.entries(secrets)),
    now: () => now,
    signal: new AbortController().signal,
  };
  return { materials: createMaterials(input), read };
}

function plain(value: string | Secret): string {
  return value instanceof Secret ? value.reveal() : value;
}

function leafOf(path: string): CertificateResource {
  return {
    kind: 'certificate',
    path,
    keyPath: `${path}.key`,
    authority: 'ca',
    subject: { CN: path, O: [] },
    dns: [],
    ip: [],
    usages: ['client'],
    days: 1,
    renewBeforeDays: 0,
    keyAlgorithm: 'ecdsa-p256',
    owner: 'root',
    group: 'root',
  };
}

describe('a secret that no host has', () => {
  it('is made once, however many ask for its items at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('private', 'public'), { minLength: 1, maxLength: 10 }),
        async (wanted) => {
          const { materials, read } = materialsOf({ sa: placed('sa', KEYPAIR, ['private', 'public']) }, { sa: ABSENT });
          const given = await Promise.all(wanted.map((item) => materials.item('sa', item)));
          const later = await Promise.all(wanted.map((item) => materials.item('sa', item)));
          expect(later.map(plain)).toEqual(given.map(plain));
          expect(new Set(given.map(plain)).size).toBe(new Set(wanted).size);
          expect(read).toEqual([]);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('is not the secret of another name', async () => {
    const recipe: SecretRecipe = { type: 'encryption-config', resources: ['secrets'] };
    const secrets = { a: placed('a', recipe, ['config']), b: placed('b', recipe, ['config']) };
    const { materials } = materialsOf(secrets, { a: ABSENT, b: ABSENT });
    const [a, b] = await Promise.all([materials.item('a', 'config'), materials.item('b', 'config')]);
    expect(plain(a)).not.toBe(plain(b));
    expect([a, b].map((each) => each instanceof Secret)).toEqual([true, true]);
  });

  it('signs every leaf with one authority', async () => {
    const secrets = { ca: placed('ca', AUTHORITY, ['cert', 'key', 'bundle']) };
    const { materials } = materialsOf(secrets, { ca: ABSENT });
    const [cert, one, two] = await Promise.all([
      materials.item('ca', 'cert'),
      materials.leaf(leafOf('one')),
      materials.leaf(leafOf('two')),
    ]);
    const authority = new X509Certificate(plain(cert));
    for (const leaf of [one, two]) expect(new X509Certificate(leaf.cert).verify(authority.publicKey)).toBe(true);
    expect(one.key.reveal()).not.toBe(two.key.reveal());
  });
});

describe('a secret that a host has', () => {
  const held = (more: Partial<SharedState>): SharedState => ({
    state: 'held',
    from: 'm2',
    hashes: {},
    texts: {},
    ...more,
  });
  const CONTENTS = { '/sa/private': 'PRIVATE', '/sa/public': 'PUBLIC' };

  it.each<[string, Partial<SharedState>, string, string[], string]>([
    ['is fetched from the host that can give it, once', {}, 'private', ['m2:/sa/private'], 'PRIVATE'],
    ['gives what was read as text without asking again', { texts: { public: 'SEEN' } }, 'public', [], 'SEEN'],
  ])('%s', async (_name, more, item, reads, text) => {
    const { materials, read } = materialsOf(
      { sa: placed('sa', KEYPAIR, ['private', 'public']) },
      { sa: held(more) },
      CONTENTS,
    );
    const given = await Promise.all(Array.from({ length: 5 }, () => materials.item('sa', item)));
    given.push(await materials.item('sa', item));
    expect(given.map(plain)).toEqual(Array.from({ length: 6 }, () => text));
    expect(read).toEqual(reads);
  });

  it('stays a Secret on its way', async () => {
    const { materials } = materialsOf({ sa: placed('sa', KEYPAIR, ['private']) }, { sa: held({}) }, CONTENTS);
    expect(JSON.stringify(await materials.item('sa', 'private'))).toBe('{"secret":"sa private"}');
  });

  it('is fetched from another holder when the one that gives it does not describe it', async () => {
    const { materials, read } = materialsOf(
      { sa: placed('sa', KEYPAIR, ['private']) },
      { sa: held({ from: 'gone' }) },
      CONTENTS,
    );
    expect(plain(await materials.item('sa', 'private'))).toBe('PRIVATE');
    expect(read).toEqual(['m1:/sa/private']);
  });

  it('is never made anew when it cannot be fetched', async () => {
    const { materials, read } = materialsOf({ sa: placed('sa', KEYPAIR, ['private']) }, { sa: held({}) });
    await expect(materials.item('sa', 'private')).rejects.toThrow('/sa/private is not there');
    expect(read).toEqual(['m2:/sa/private']);
  });

  it('signs leaves with the key that its holder has, fetched once', async () => {
    const made = await makeShared(AUTHORITY, new Date());
    const { materials, read } = materialsOf(
      { ca: placed('ca', AUTHORITY, ['cert', 'key', 'bundle']) },
      { ca: held({ texts: { cert: plain(made['cert']!), bundle: plain(made['bundle']!) } }) },
      { '/ca/key': plain(made['key']!) },
    );
    const leaves = await Promise.all(['one', 'two', 'three'].map((name) => materials.leaf(leafOf(name))));
    const authority = new X509Certificate(plain(made['cert']!));
    expect(leaves.map((leaf) => new X509Certificate(leaf.cert).verify(authority.publicKey))).toEqual([
      true,
      true,
      true,
    ]);
    expect(read).toEqual(['m2:/ca/key']);
  });
});

it('a secret of which nobody knows whether a host has it is not made anew', async () => {
  const { materials, read } = materialsOf({ sa: placed('sa', KEYPAIR, ['private']) }, {});
  await expect(materials.item('sa', 'private')).rejects.toThrow(
    expect.objectContaining({ code: 'refused', message: expect.stringContaining('not made anew') as string }),
  );
  expect(read).toEqual([]);
});

describe('a mistake of ours', () => {
  it.each<[string, SharedState, string, string, RegExp]>([
    ['a secret that no stage describes', ABSENT, 'other', 'private', /no stage describes the shared secret other/],
    ['an item that is not made', ABSENT, 'sa', 'nothing', /sa has no item nothing/],
    [
      'an item that no host keeps',
      { ...ABSENT, state: 'held' },
      'sa',
      'nothing',
      /no host keeps the item nothing of sa/,
    ],
  ])('is said as such: %s', async (_name, state, id, item, message) => {
    const { materials } = materialsOf({ sa: placed('sa', KEYPAIR, ['private']) }, { sa: state });
    await expect(materials.item(id, item)).rejects.toThrow(
      expect.objectContaining({ code: 'unexpected', message: expect.stringMatching(message) as string }),
    );
  });
});
