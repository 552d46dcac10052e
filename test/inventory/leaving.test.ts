import { describe, expect, it } from 'vitest';
import { hostsWith } from '../../src/inventory/types.ts';
import { FIVE, loadYaml, mistakesOf } from './load-text.ts';

/** FIVE with a state for one of its hosts. */
function leaving(name: string, state: string): string {
  return FIVE.replace(`name: ${name},`, `name: ${name}, state: ${state},`);
}

const names = (hosts: readonly { name: string }[]): string[] => hosts.map(({ name }) => name);

describe('a host that leaves', () => {
  it.each(['absent', 'gone'])('is no host of the cluster any more: %s', async (state) => {
    const cluster = await loadYaml(leaving('m3', state));
    expect(names(cluster.hosts)).toEqual(['m1', 'm2', 'w1', 'w2']);
    expect(names(hostsWith(cluster, 'etcd'))).toEqual(['m1', 'm2']);
    expect(cluster.leaving).toMatchObject([{ name: 'm3', state, roles: ['master', 'etcd'], source: 'a.yaml:6' }]);
  });

  it('keeps its address', async () => {
    const other = `${leaving('w1', 'gone')}  - { name: w3, address: 10.0.0.11, roles: [worker] }\n`;
    expect(await mistakesOf(other)).toContain(
      'a.yaml:9:26 hosts[5].address: "10.0.0.11" is the address of w1 too (a.yaml:7)',
    );
  });

  it('does not decide who else carries etcd', async () => {
    const apart = FIVE.replace(
      'name: w1, address: 10.0.0.11, roles: [worker]',
      'name: e1, address: 10.0.0.21, roles: [etcd]',
    );
    const left = apart.replace('name: e1,', 'name: e1, state: absent,');
    expect(await mistakesOf(left)).toEqual(['a.yaml:4:3 hosts: no host that stays has the role etcd']);
  });

  it('can not be the last master', async () => {
    const none = ['m1', 'm2', 'm3'].reduce(
      (text, name) => text.replace(`name: ${name},`, `name: ${name}, state: gone,`),
      FIVE,
    );
    expect(await mistakesOf(none)).toContain('a.yaml:4:3 hosts: no host has the role master');
  });
});
