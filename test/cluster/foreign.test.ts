import { describe, expect, it } from 'vitest';
import { foreignApiServers, foreignNodes } from '../../src/cluster/foreign.ts';
import { parseApiServers } from '../../src/cluster/services.ts';
import { httpAnswer } from '../engine/support/fake-reader.ts';
import { factsOf, hostFacts, labCluster, registered } from '../states/cluster.ts';

const cluster = await labCluster('hosts: [{ name: m3, state: gone }]');
const OWN = ['10.77.0.11', '10.77.0.12'];

describe('an API server of no host', () => {
  it('is refused, with the two ways out', () => {
    const [found, ...more] = foreignApiServers(cluster, factsOf(cluster, { apiServers: [...OWN, '10.77.0.99'] }));
    expect(more).toEqual([]);
    expect(found).toMatchObject({ code: 'refused' });
    expect(found?.message).toContain('10.77.0.99');
    expect(found?.hint).toMatch(/^Either .* Or .*state: absent.*state: gone/);
  });

  it('is none of a host that leaves, or is about to move', () => {
    expect(foreignApiServers(cluster, factsOf(cluster, { apiServers: [...OWN, '10.77.0.13'] }))).toEqual([]);
    const moving = hostFacts('10.77.0.11', {
      interfaces: [
        { name: 'eth0', mtu: 1500, addresses: [{ address: '10.77.0.11', prefix: 24 }] },
        { name: 'eth1', mtu: 1500, addresses: [{ address: '10.88.0.11', prefix: 24 }] },
      ],
    });
    const facts = factsOf(cluster, { apiServers: ['10.88.0.11'], hosts: new Map([['m1', moving]]) });
    expect(foreignApiServers(cluster, facts)).toEqual([]);
  });

  it.each([
    [
      'as the API lists them',
      { endpoints: [{ addresses: OWN }, { addresses: ['10.77.0.13'] }] },
      [...OWN, '10.77.0.13'],
    ],
    ['of an empty list', { endpoints: null }, undefined],
    ['without what is no address', { endpoints: [{ addresses: ['\u001b[2J', 7, '10.77.0.11'] }, {}] }, ['10.77.0.11']],
  ])('is known %s', (_title, body, addresses) => {
    const answer = { host: 'm1', exitCode: 0, stdout: '', stderr: '', ...httpAnswer(200, body) };
    expect(parseApiServers(answer)).toEqual(addresses);
  });
});

describe('nodes of no host', () => {
  const node = (name: string): [string, { name: string; ready: boolean; kubeletVersion: string }] => [
    name,
    { name, ready: true, kubeletVersion: 'v1.37.1' },
  ];

  it('are named, and left alone', () => {
    const told = (...names: string[]): string[] => {
      const nodes = new Map([...registered(cluster), ...names.map(node)]);
      return foreignNodes(cluster, factsOf(cluster, { nodes })).map(
        ({ code, message }) => `${String(code)}: ${message}`,
      );
    };
    expect(told()).toEqual([]);
    expect(told('x1')).toEqual(['warning: the node x1 is no host of the inventory: it is left alone']);
    expect(told('x1', 'x2')).toEqual(['warning: these nodes are no hosts of the inventory and are left alone: x1, x2']);
    expect(told('m3'), 'gone, not foreign').toEqual([]);
  });
});
