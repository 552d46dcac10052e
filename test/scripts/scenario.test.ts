import { describe, expect, it } from 'vitest';
import { edited } from '../../scripts/scenario.ts';

const INVENTORY = `name: lab
hosts:
  - { name: w1, address: 10.77.0.21 }
  - { name: w2, address: 10.77.0.22 } # the second

versions:
  calico: 3.28.5 # the newest
haproxy:
  maxconn: 4000
`;

describe('what a scenario edits', () => {
  it.each([
    [
      'an entry of a host',
      'hosts:\n  - { name: w2, state: absent }\n',
      /w1, .*\n {2}- \{ name: w2, state: absent \}\n\nversions/,
    ],
    ['a setting that is there', 'versions:\n  calico: 3.30.0\n', /\nversions:\n {2}calico: 3\.30\.0\nhaproxy:/],
    ['a setting that is new', 'versions:\n  etcd: 3.7.3\n', /\nversions:\n {2}etcd: 3\.7\.3\n {2}calico: 3\.28\.5/],
    ['a setting of the last section', 'haproxy:\n  maxconn: 1\n', /\nhaproxy:\n {2}maxconn: 1\n$/],
    ['a section that is new', 'rollout:\n  pause: 5\n', /maxconn: 4000\n\nrollout:\n {2}pause: 5\n$/],
  ])('takes the place of what was there: %s', (_what, edit, after) => {
    expect(edited(INVENTORY, { edit })).toMatch(after);
  });

  it('leaves the same setting of other sections alone', () => {
    expect(edited(`${INVENTORY}\nversionsToo:\n  calico: mine\n`, { edit: 'versions:\n  calico: 3.30.0\n' })).toContain(
      'calico: mine',
    );
  });

  it('refuses what it would put nowhere', () => {
    expect(() => edited(INVENTORY, { edit: 'versions:\n    deep: 1\n' })).toThrow('neither an entry');
  });
});
