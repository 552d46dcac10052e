import fc from 'fast-check';
import { expect, it } from 'vitest';
import { editDistance, meantSetting, nearest } from '../../src/inventory/nearest.ts';

it.each([
  ['masterr', 'master'],
  ['Master', 'master'],
  ['amster', 'master'],
  ['wroker', 'worker'],
  ['etc', 'etcd'],
  ['wor', 'worker'],
  ['Mas', 'master'],
  ['wo', undefined],
  ['x', undefined],
  ['', undefined],
  ['kubernetes', undefined],
  ['m'.repeat(255), undefined],
])('the nearest role to %s is %s', (word, expected) => {
  expect(nearest(word, ['master', 'etcd', 'worker'])).toBe(expected);
});

it.each([
  ['becomePass', 'becomePassword'],
  ['become', 'become'],
  ['bec', undefined],
])('of several that begin with %s none is meant but %s', (word, expected) => {
  expect(nearest(word, ['become', 'becomePassword', 'port'])).toBe(expected);
});

it.each([
  ['no', 'noProxy'],
  ['no_proxy', 'noProxy'],
  ['NO_PROXY', 'noProxy'],
  ['httpProxy', 'http'],
  ['https_proxy', 'https'],
  ['htp', 'http'],
  ['socks', undefined],
  ['ip', undefined],
])('the setting of a proxy that %s means is %s', (word, setting) => {
  expect(meantSetting(word, ['http', 'https', 'noProxy'])).toBe(setting);
});

it.each([
  ['ip', 'address'],
  ['hostname', 'name'],
  ['keyFile', undefined],
])('the setting of a host that %s means is %s', (word, setting) => {
  expect(meantSetting(word, ['name', 'address', 'internalAddress', 'roles'])).toBe(setting);
});

it('the distance is none only to itself, the same both ways, and at most the longer length', () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b);
      expect(distance === 0).toBe(a === b);
      expect(distance).toBe(editDistance(b, a));
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});
