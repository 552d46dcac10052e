import { expect, it } from 'vitest';
import { sha256 } from '../../../src/resources/identity.ts';
import type { Change, FileResource, Ref, Resource, UnitResource } from '../../../src/resources/types.ts';
import { unitDigests } from '../../../src/resources/unit-digests.ts';
import { convergeHost } from '../../../src/engine/work/converge.ts';
import { emptyObserved } from '../../../src/engine/wire/wire.ts';
import { CHANGE, runOf } from '../support/fake-run.ts';

const FILE: FileResource = {
  kind: 'file',
  path: '/etc/x.yaml',
  content: 'a: 1\njoins: m1\n',
  mode: '0644',
  owner: 'root',
  group: 'root',
  readOnce: '^joins: .*$',
};
const UNIT: UnitResource = {
  kind: 'unit',
  name: 'x.service',
  enabled: true,
  state: 'running',
  inputs: [{ ref: 'file:/etc/x.yaml', on: 'restart' }],
};

it('a start is stamped with what its unit goes on reading: lines that are read only once may change then', async () => {
  const { means, sent } = runOf({ etcd: { batches: [['m1']] } });
  const readAs = sha256('a: 1\n\n');
  const changes: [Ref, Resource, Change][] = [
    ['file:/etc/x.yaml', FILE, { ...CHANGE, hash: sha256(String(FILE.content)), readAs }],
    ['unit:x.service', UNIT, { ...CHANGE, verb: 'start' }],
  ];
  means.comparisons.byHost.set(
    'm1',
    new Map(changes.map(([ref, resource, comparison]) => [ref, { stage: 'etcd', resource, comparison }])),
  );
  means.observed.set('m1', emptyObserved());
  const items = changes.map(([ref, { kind }, comparison]) => ({ ref, title: ref, kind, comparison }));
  await convergeHost(means, 'etcd', { host: 'm1', items });
  const stampOf = (hash: string): string =>
    unitDigests(UNIT, (ref) => (ref === 'file:/etc/x.yaml' ? hash : '')).restart;
  expect(sent[0]?.body).toContain(stampOf(readAs));
  expect(sent[0]?.body).not.toContain(stampOf(sha256(String(FILE.content))));
});

it('what goes along with a stage stays owned by the one that describes it', async () => {
  const { means } = runOf({ nodes: { batches: [['m1']] } });
  const change: Change = { ...CHANGE, hash: 'h' };
  means.comparisons.byHost.set(
    'm1',
    new Map([['file:/etc/x.yaml', { stage: 'runtime', resource: FILE, comparison: change }]]),
  );
  means.observed.set('m1', emptyObserved());
  const items = [{ ref: 'file:/etc/x.yaml', title: '', kind: 'file', comparison: change }];
  await convergeHost(means, 'nodes', { host: 'm1', items });
  expect([...(means.owned.get('m1') ?? [])]).toEqual([['file:/etc/x.yaml', { hash: 'h', stage: 'runtime' }]]);
});
