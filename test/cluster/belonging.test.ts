import { describe, expect, it } from 'vitest';
import { hostsOfOthers, knownAuthority } from '../../src/cluster/belonging.ts';
import type { Facts } from '../../src/cluster/facts.ts';
import { recordText } from '../../src/core/cluster-record.ts';
import { PATHS } from '../../src/core/paths.ts';
import { certificates } from '../../src/states/certificates.ts';
import { contextOf, factsOf, hostFacts, labCluster } from '../states/cluster.ts';

const OURS = '0a'.repeat(32);
const OTHER = 'f1'.repeat(32);
const cluster = await labCluster();
const of = (name: string, authority = OURS): string => recordText({ cluster: name, authority });

/** By host what its record says; the others have none. */
function facts(records: Readonly<Record<string, string>>): Facts {
  const seen = factsOf(cluster);
  const hosts = [...seen.hosts].map(([name, own]) => {
    const text = records[name];
    return [name, text === undefined ? own : { ...own, files: { [PATHS.clusterRecord]: text } }] as const;
  });
  return { ...seen, hosts: new Map(hosts) };
}

interface Case {
  name: string;
  records: Record<string, string>;
  /** What is said; none: all belong to it. */
  says?: string[];
  /** A way out. */
  hint?: string;
}

describe('hosts of a cluster', () => {
  const all = Object.fromEntries(cluster.hosts.map(({ name }) => [name, of('lab')]));
  const cases: Case[] = [
    { name: 'are bare, or of a time before they said whose they are', records: {} },
    { name: 'say so', records: all },
    { name: 'are joined by bare ones', records: { m1: of('lab'), m2: of('lab') } },
    {
      name: 'have another name, as the inventory is of another cluster',
      records: { m1: of('prod'), m2: of('prod'), m3: of('prod') },
      says: ['m1, m2, m3 belong to the cluster prod (authority 0a0a0a0a0a0a), and the inventory is of lab'],
      hint: `Where prod is to be called lab from now on: mcpk exec -- rm ${PATHS.clusterRecord}`,
    },
    {
      name: 'are not one that an address leads to by mistake',
      records: { ...all, w1: of('prod', OTHER) },
      says: [
        'w1 belongs to the cluster prod (authority f1f1f1f1f1f1), and the inventory is of lab (authority 0a0a0a0a0a0a: m1, m2, m3, w2)',
      ],
      hint: 'right the addresses',
    },
    {
      name: 'are not those of another cluster of the same name',
      records: { ...all, w2: of('lab', OTHER) },
      says: [
        'w2 belongs to another cluster of the name lab (authority f1f1f1f1f1f1), not to this one (authority 0a0a0a0a0a0a: m1, m2, m3, w1)',
      ],
      hint: 'mcpk reset w2',
    },
    {
      name: 'are known by their masters where there are as many of another one',
      records: { w1: of('lab', OTHER), w2: of('lab', OTHER), m1: of('lab') },
      says: [
        'w1, w2 belong to another cluster of the name lab (authority f1f1f1f1f1f1), not to this one (authority 0a0a0a0a0a0a: m1)',
      ],
    },
    {
      name: 'can be read',
      records: { ...all, m2: '{"cluster":"lab"}\n' },
      says: [`${PATHS.clusterRecord} can't be read, so of which cluster it is is not known`],
      hint: 'Put back',
    },
    {
      name: 'say nothing that looks like ours',
      records: { m1: of('\u001b[2Jlab'), m2: '['.repeat(100_000) },
      says: Array.from(
        { length: 2 },
        () => `${PATHS.clusterRecord} can't be read, so of which cluster it is is not known`,
      ),
    },
  ];
  it.each(cases)('$name', ({ records, says = [], hint = '' }) => {
    const found = hostsOfOthers(cluster, facts(records));
    expect(found.map(({ message }) => message)).toEqual(says);
    for (const problem of found) expect(problem.code).toBe('refused');
    if (says.length > 0) expect(found[0]?.hint).toContain(hint);
  });

  it('are told by the authority that was written down first, whatever they have by now', () => {
    const states = certificates.states(contextOf(cluster, 'w1', facts({ m2: of('lab', OTHER) })));
    expect(states).toContainEqual({
      kind: 'clusterRecord',
      cluster: 'lab',
      authority: 'authority/cluster',
      known: OTHER,
    });
    expect(knownAuthority(cluster, facts({ m1: of('prod') }))).toBeUndefined();
  });

  it('with etcd alone say so too', async () => {
    const apart = await labCluster('hosts: [{ name: w1, roles: [etcd] }]');
    const seen = factsOf(apart, {}, hostFacts('10.77.0.21'));
    expect(certificates.states(contextOf(apart, 'w1', seen))).toContainEqual(
      expect.objectContaining({ kind: 'clusterRecord' }),
    );
  });
});
