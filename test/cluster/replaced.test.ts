import { describe, expect, it } from 'vitest';
import type { HostFacts, OwnedEntry } from '../../src/cluster/facts.ts';
import { replacedIs } from '../../src/cluster/replaced.ts';
import { hostFacts, labCluster } from '../states/cluster.ts';

const cluster = await labCluster();
const owned: OwnedEntry[] = [{ ref: 'unit:etcd.service', hash: 'h', stage: 'etcd' }];

describe('a host that is to be replaced', () => {
  it.each<[string, Partial<HostFacts>, string]>([
    ['a new machine is', {}, 'bare'],
    ['one on which that was begun goes on with it', { owned, unfinished: true }, 'begun'],
    ['one that was cut off before it laid anything is new', { unfinished: true }, 'bare'],
  ])('%s', (_title, own, is) => {
    expect(replacedIs(cluster, 'm1', hostFacts('10.77.0.11', own))).toBe(is);
  });

  it.each<[string, Partial<HostFacts>, RegExp, RegExp]>([
    ['that lives', { owned }, /no new machine: 1 things/, /node remove m1.* mcpk reset m1/],
    ['with its member of etcd', { owned, etcdData: true }, /and data of etcd in \/var\/lib\/etcd/, /node remove m1/],
    ['with old data of etcd', { etcdData: true }, /old data of etcd/, /Take \/var\/lib\/etcd\/member away/],
  ])('is none %s', (_title, own, message, hint) => {
    const look = (): unknown => replacedIs(cluster, 'm1', hostFacts('10.77.0.11', own));
    expect(look).toThrow(message);
    expect(look).toThrow(expect.objectContaining({ code: 'refused', host: 'm1', hint: expect.stringMatching(hint) as string })); // prettier-ignore
  });
});
