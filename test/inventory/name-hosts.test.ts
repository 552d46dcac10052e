import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostsNamer } from '../../src/inventory/name-hosts.ts';
import { select } from '../../src/inventory/targeting.ts';
import type { Cluster, Role } from '../../src/inventory/types.ts';
import { cpuMs } from '../support/cpu.ts';

type Named = Parameters<typeof hostsNamer>[0][number];
const nameHosts = (hosts: readonly Named[], names: readonly string[]): string => hostsNamer(hosts)(names);

function named(name: string, roles: Role[], labels: Record<string, string> = {}): Named {
  return { name, roles, labels };
}

const numbered = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const HOSTS: Named[] = [
  ...numbered(3).map((n) => named(`m${String(n)}`, ['master', 'etcd'], { zone: `z${String(n)}` })),
  ...numbered(12).map((n) => named(`w${String(n)}`, ['worker'], n < 7 ? { pool: 'gpu' } : { pool: 'general' })),
  named('db-east', ['worker']),
];
const names = (pattern: RegExp): string[] => HOSTS.map(({ name }) => name).filter((name) => pattern.test(name));

describe('several hosts in few words', () => {
  it.each<[string, RegExp]>([
    ['all', /./],
    ['m2', /^m2$/],
    ['db-east', /east/],
    ['m*', /^m/],
    ['m1, m2', /^m[12]$/],
    ['w*', /^w/],
    ['w?', /^w\d$/],
    ['m1, m2, m3, w1', /^m|^w1$/],
    ['role:worker', /^w|^db/],
    ['role:worker and not w2', /^w(?!2$)|^db/],
    ['w* and not w2', /^w(?!2$)/],
    ['label:pool=gpu', /^w[1-6]$/],
    ['all and not w3', /^(?!w3$)/],
    ['m1, w1, w11', /^[mw]1$|^w11$/],
    ['m*, label:pool=gpu, db-east', /^m|^w[1-6]$|^db/],
  ])('%s', (words, pattern) => {
    expect(nameHosts(HOSTS, names(pattern))).toBe(words);
  });

  it('a name that others begin with is left out where it is not meant: * may be nothing', () => {
    const hosts = ['b.a', 'b.a.100', 'b.a.101', 'b.a.222'].map((name) => named(name, ['worker']));
    expect(nameHosts(hosts, ['b.a.100', 'b.a.101', 'b.a.222'])).toBe('b.a.*');
  });

  it('of five hosts four are named, and a star in front is left to what is long without it', () => {
    const five = ['m1', 'm2', 'm3', 'w1', 'w2'].map((name) =>
      named(name, [name.startsWith('m') ? 'master' : 'worker']),
    );
    expect(nameHosts(five, ['m1', 'm2', 'm3', 'w1'])).toBe('m1, m2, m3, w1');
    const sites = numbered(8).flatMap((n) => ['.a', '.b'].map((site) => named(`n${String(n)}${site}`, ['worker'])));
    const inA = sites.map(({ name }) => name).filter((name) => name.endsWith('.a'));
    expect(nameHosts(sites, inA.slice(0, 4))).toBe('n1.a, n2.a, n3.a, n4.a');
    expect(nameHosts(sites, inA)).toBe('*a');
  });

  it('names that the inventory does not have stand as they are', () => {
    expect(nameHosts(HOSTS, ['m1', 'api'])).toBe('m1, api');
    expect(nameHosts(HOSTS, [])).toBe('');
  });

  it('hosts that are called like a word of the language are said to be names', () => {
    const words = ['and', 'all', 'w1'].map((name) => named(name, ['worker']));
    expect(nameHosts(words, ['all'])).toBe('name:all');
    expect(nameHosts(words, ['and', 'all'])).toBe('a*');
    expect(select({ hosts: words, leaving: [] } as unknown as Cluster, 'name:all')).toEqual([words[1]]);
    expect(select({ hosts: words, leaving: [] } as unknown as Cluster, 'all')).toEqual(words);
  });
});

describe('what is printed', () => {
  const name = fc.oneof(
    fc.stringMatching(/^[a-c]{1,2}-?[0-2]{1,2}$/),
    fc.stringMatching(/^[ab](\.[ab0-1]){1,2}$/),
    fc.constantFrom('and', 'or', 'not', 'all', 'role', 'm1'),
  );
  const host = fc.record({
    name,
    roles: fc.subarray<Role>(['master', 'etcd', 'worker'], { minLength: 1 }),
    labels: fc.dictionary(
      fc.constantFrom('zone', 'example.org/rack', 'pool'),
      fc.constantFrom('a', 'b', '', 'a.b', 'a*', 'x y', 'a,b', '(a)'),
    ),
  });
  const chosen = fc
    .uniqueArray(host, { selector: (each) => each.name, minLength: 1, maxLength: 24 })
    .chain((hosts) => fc.tuple(fc.constant(hosts), fc.subarray(hosts, { minLength: 1 })));

  it('selects exactly those hosts, and is never longer than their names', () => {
    fc.assert(
      fc.property(chosen, ([hosts, wanted]) => {
        const listed = wanted.map((each) => each.name);
        const words = nameHosts(hosts, listed);
        const found = select({ hosts, leaving: [] } as unknown as Cluster, words).map((each) => each.name);
        expect(found, words).toEqual(listed);
        const plain = listed.map((each) => (['and', 'or', 'not', 'all'].includes(each) ? `name:${each}` : each));
        expect(words.length).toBeLessThanOrEqual(Math.max('all'.length, plain.join(', ').length));
      }),
      { numRuns: 500 },
    );
  });

  it('takes little time for a thousand hosts of which any are meant', async () => {
    const hosts = numbered(1000).map((n) => named(`worker-${String(n).padStart(4, '0')}`, ['worker']));
    const some = hosts.filter((_, index) => (index * 7919) % 10 < 4).map((each) => each.name);
    expect(await cpuMs(() => nameHosts(hosts, some))).toBeLessThan(1500);
  });
});
