import { describe, expect, it } from 'vitest';
import { apiUrl, endpointUrl, vipInterface } from '../../src/cluster/endpoint.ts';
import type { HostFacts } from '../../src/cluster/facts.ts';
import type { Host } from '../../src/inventory/types.ts';
import { apiServerLeaves } from '../../src/states/leaves/api-server.ts';
import { LEAVES } from '../../src/states/leaves/names.ts';
import { hostFacts, labCluster } from '../states/cluster.ts';

function interfaces(...all: string[]): HostFacts['interfaces'] {
  return all.map((text) => {
    const [name = '', address = '', prefix] = text.split(/[ /]/);
    return { name, addresses: [{ address, prefix: Number(prefix) }], mtu: 1500 };
  });
}

/** m1 is 10.77.0.11, the VIP 10.77.0.100. */
describe('the VIP is carried by', () => {
  it.each<[string, string[], string, string | undefined]>([
    [
      'the interface of internalAddress, where another has the subnet too',
      ['eno1 10.77.0.5/24', 'eno2 10.77.0.11/24'],
      '',
      'eno2',
    ],
    ['it also where the other has a smaller one', ['eno1 10.77.0.99/28', 'eno2 10.77.0.11/24'], '', 'eno2'],
    [
      'the one with the subnet, where internalAddress is elsewhere',
      ['wg0 10.9.0.1/24', 'eno1 10.77.0.5/24'],
      '',
      'eno1',
    ],
    ['of two with the subnet that of the smaller one', ['eno1 10.0.0.5/8', 'eno2 10.77.0.5/24'], '', 'eno2'],
    [
      'the interface of internalAddress, where none has the subnet',
      ['eno1 10.1.0.5/24', 'eno2 10.77.0.11/32'],
      '',
      'eno2',
    ],
    ['the named one', ['eno1 10.77.0.5/24', 'eno2 10.77.0.11/24'], 'endpoint: { interface: eno1 }', 'eno1'],
    [
      'the one named for the host',
      ['eno1 10.77.0.5/24', 'eno2 10.77.0.11/24'],
      'endpoint: { interface: bond0 }\nhosts: [{ name: m1, vipInterface: eno1 }]',
      'eno1',
    ],
    ['none', ['eno1 10.1.0.5/24'], '', undefined],
  ])('%s', async (_name, has, over, carrier) => {
    const cluster = await labCluster(over);
    const facts = hostFacts('10.77.0.11', { interfaces: interfaces(...has) });
    expect(vipInterface(cluster, cluster.hosts[0] as Host, facts)).toBe(carrier);
  });
});

describe('an IPv6 address', () => {
  it('of the endpoint stands in brackets', async () => {
    const cluster = await labCluster('endpoint: { address: "2001:db8::100", external: true, port: 6443 }');
    expect(endpointUrl(cluster)).toBe('https://[2001:db8::100]:6443');
    const urls = cluster.hosts.map((host) => apiUrl(cluster, host));
    expect(urls).toContain('https://10.77.0.11:6443');
    expect(urls).toContain('https://[2001:db8::100]:6443');
  });

  it.each([
    ['endpoint.names', 'endpoint: { names: ["2001:db8::1", k8s.example.org] }'],
    ['a host', 'hosts: [{ name: m1, address: "2001:db8::1", internalAddress: 10.77.0.11 }]'],
    ['the endpoint', 'endpoint: { address: "2001:db8::1", external: true, port: 6443 }'],
  ])('of %s is an address in the certificate, not a name', async (_name, over) => {
    const cluster = await labCluster(over);
    const leaf = apiServerLeaves(cluster, cluster.hosts[0] as Host).find(
      ({ path }) => path === `${LEAVES.apiServer}.crt`,
    );
    expect(leaf?.ip).toContain('2001:db8::1');
    expect(leaf?.dns.filter((name) => /^[\d.:]+$|:/.test(name))).toEqual([]);
  });
});
