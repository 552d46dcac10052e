import { expect, it } from 'vitest';

import { emptyReads } from '../../src/engine/wire/wire.ts';
import { KINDS, kindNamed, kindOf, ref } from '../../src/resources/kinds.ts';
import type { Resource } from '../../src/resources/types.ts';
import { cases as files } from './cases/files.ts';
import { cases as host } from './cases/host.ts';
import { cases as secrets } from './cases/secrets.ts';
import { cases as units } from './cases/units.ts';

const all: Resource[] = [...files, ...host, ...secrets, ...units].map((each) => each.wanted);

it('what a comparison looks at was asked for', () => {
  for (const resource of all) {
    const into = emptyReads();
    kindOf(resource).reads(resource, into);
    expect(Object.values(into).flat().length, ref(resource)).toBeGreaterThan(resource.kind === 'command' ? -1 : 0);
  }
});

it('no text of a private file is ever asked for', () => {
  const into = emptyReads();
  for (const resource of all) kindOf(resource).reads(resource, into);
  const asked = [...into.texts, ...into.differing.map((each) => each.path)];
  for (const path of ['/pki/server.key', '/p/current.pem', '/a/key']) expect(asked).not.toContain(path);
  expect(into.certificates).toContain('/p/current.pem');
});

const removals: [kind: string, id: string, ops: unknown, beside?: string[]][] = [
  ['file', '/etc/a', [{ op: 'remove', path: '/etc/a' }]],
  [
    'file',
    '/etc/hosts#hosts',
    [
      {
        op: 'run',
        argv: ['sed', '-i', '-e', '/^# BEGIN mcpk hosts$/,/^# END mcpk hosts$/d', '/etc/hosts'],
        keeps: ['/etc/hosts'],
      },
    ],
  ],
  ['directory', '/var/lib/etcd', [{ op: 'rmdir', path: '/var/lib/etcd' }]],
  ['link', '/usr/local/bin/x', [{ op: 'remove', path: '/usr/local/bin/x' }]],
  ['certificate', '/pki/a.crt', [{ op: 'remove', path: '/pki/a.crt' }, { op: 'remove', path: '/k/b' }], ['/k/b']], // prettier-ignore
  ['certificate', '/pki/a.crt', [{ op: 'remove', path: '/pki/a.crt' }]],
  ['certificate', '/a/break-glass.crt', [{ op: 'remove', path: '/a/break-glass.crt' }, { op: 'destroy', path: '/etc/kubernetes/admin/break-glass.key' }], ['/etc/kubernetes/admin/break-glass.key']], // prettier-ignore
  ['certificate', '/pki/pair.pem', [{ op: 'remove', path: '/pki/pair.pem' }]],
  ['sharedSecret', 'authority/cluster', []],
  ['clusterRecord', '/var/lib/mcpk/cluster.json', [{ op: 'remove', path: '/var/lib/mcpk/cluster.json' }]],
  ['package', 'haproxy', []],
];
it.each(removals)('%s %s leaves by exactly its own operations', (kind, id, ops, beside = []) => {
  expect(kindNamed(kind).remove(id, beside)).toEqual(ops);
});

it('a unit is stopped before it is disabled when it leaves', () => {
  expect(kindNamed('unit').remove('x.service', []).map((op) => op.op === 'unit' && op.action)).toEqual(['stop', 'disable']); // prettier-ignore
});

it('a name that is no kind is refused, also one that objects inherit', () => {
  for (const name of ['nonsense', 'constructor', '']) expect(() => kindNamed(name)).toThrow(RangeError);
  expect(Object.keys(KINDS)).toHaveLength(14);
});

it('files need their folders and their owner first, units their inputs and unit file', () => {
  const file = all.find((each) => each.kind === 'file')!;
  expect(
    kindOf({ ...file, path: '/etc/etcd/pki/x', owner: 'etcd' }).implied({
      ...file,
      path: '/etc/etcd/pki/x',
      owner: 'etcd',
    }),
  ).toEqual(['directory:/etc/etcd/pki', 'directory:/etc/etcd', 'directory:/etc', 'user:etcd']);
  const unit = units[0]!.wanted;
  expect(kindOf(unit).implied(unit)).toEqual([
    'file:/etc/x.conf',
    'file:/etc/x.reload',
    'file:/etc/x.live',
    'link:/usr/local/bin/x',
    'file:/etc/systemd/system/x.service',
  ]);
});
