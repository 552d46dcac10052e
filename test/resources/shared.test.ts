import { describe, expect, it } from 'vitest';

import { identityOfFiles, sha256 } from '../../src/resources/identity.ts';
import { resolveShared, type SharedHost } from '../../src/resources/shared.ts';
import type { CertificateResource, SharedSecretResource } from '../../src/resources/types.ts';
import { emptyObserved, fileState } from './case.ts';

const root = { owner: 'root', group: 'root' };
const authority = (holder: boolean): SharedSecretResource => ({
  kind: 'sharedSecret',
  id: 'authority/cluster',
  recipe: { type: 'authority', commonName: 'x', days: 1, keyAlgorithm: 'ecdsa-p256' },
  holder,
  files: [
    ...(holder ? [{ item: 'key', path: '/key', mode: '0600', ...root }, { item: 'cert', path: '/cert', mode: '0600', ...root }] : []), // prettier-ignore
    { item: 'bundle', path: '/bundle', mode: '0644', ...root },
  ],
});
const leaf = (path: string) =>
  ({ kind: 'certificate', path, keyPath: `${path}.key`, authority: 'authority/cluster' }) as CertificateResource;

/** Paths with the text that lies there. */
function host(
  name: string,
  files: Record<string, string>,
  more: Partial<SharedHost> & { holder?: boolean } = {},
): SharedHost {
  const paths = Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path, fileState({ sha256: sha256(text) })]),
  );
  return {
    host: name,
    resources: [authority(more.holder ?? true), leaf('/leaf'), leaf('/other')],
    observed: { ...emptyObserved(), paths, texts: files },
    ...more,
  };
}
const whole = { '/key': 'K', '/cert': 'C', '/bundle': 'C' };
const owned = (files: Record<string, string>): ReadonlyMap<string, string> =>
  new Map([
    [
      'sharedSecret:authority/cluster',
      identityOfFiles(new Map(Object.entries(files).map(([path, text]) => [path, sha256(text)]))),
    ],
  ]);

describe('a shared secret', () => {
  const cases: { name: string; hosts: SharedHost[]; state?: object; problems?: string[] }[] = [
    {
      name: 'that nobody has is absent',
      hosts: [host('m1', {}), host('m2', {})],
      state: { state: 'absent', hashes: {}, texts: {} },
    },
    {
      name: 'that all have is held; private items are known by hash only',
      hosts: [host('m1', whole), host('m2', whole)],
      state: {
        state: 'held',
        from: 'm1',
        hashes: { key: sha256('K'), cert: sha256('C'), bundle: sha256('C') },
        texts: { cert: 'C', bundle: 'C' },
      },
    },
    {
      name: 'that one has comes from it',
      hosts: [host('m1', {}), host('m2', whole)],
      state: { state: 'held', from: 'm2' },
    },
    {
      name: 'comes from the host that has most of it',
      hosts: [host('m1', { '/cert': 'C' }), host('m2', whole)],
      state: { from: 'm2' },
    },
    {
      name: 'that differs between holders names them',
      hosts: [host('m1', whole), host('m2', { ...whole, '/key': 'L' }), host('m3', whole)],
      problems: [
        `authority/cluster differs (key): m1, m3 have ${sha256('K').slice(0, 8)}…; m2 has ${sha256('L').slice(0, 8)}…`,
      ],
    },
    {
      name: 'of which one holder changed since mcpk wrote it is that of the others',
      hosts: [
        host('m1', { ...whole, '/key': 'edited' }, { owned: owned(whole) }),
        host('m2', whole, { owned: owned(whole) }),
      ],
      state: { state: 'held', from: 'm2', hashes: { key: sha256('K'), cert: sha256('C'), bundle: sha256('C') } },
    },
    {
      name: 'is not what a host that only trusts it has',
      hosts: [host('m1', whole), host('w1', { '/bundle': 'old' }, { holder: false })],
      state: { from: 'm1', hashes: { key: sha256('K'), cert: sha256('C'), bundle: sha256('C') } },
    },
    {
      name: 'whose bundle is gone everywhere has its own certificate as bundle',
      hosts: [host('m1', { '/key': 'K', '/cert': 'C' })],
      state: { hashes: { key: sha256('K'), cert: sha256('C'), bundle: sha256('C') } },
    },
    {
      name: 'of which a private item is gone everywhere is a problem',
      hosts: [host('m1', { '/cert': 'C', '/bundle': 'C' }), host('m2', { '/leaf': 'L' })],
      problems: ['authority/cluster is incomplete: m1 has a part of it, but key is on none of m1, m2'],
    },
    {
      name: 'that is not whole and on which nothing rests is made anew',
      hosts: [host('m1', { '/key': 'K' }), host('m2', {})],
      state: { state: 'absent', hashes: {} },
    },
    {
      name: 'that nobody has is not made under leaves that it signed: all of them are named',
      hosts: [host('m1', {}), host('m2', { '/leaf': 'L', '/other': 'O' })],
      problems: ['authority/cluster is on no host, but m2 has /leaf, /other, which it signed'],
    },
    {
      name: 'that nobody has is not made beside data of etcd',
      hosts: [host('m1', {}, { etcdData: true })],
      problems: ['authority/cluster is on no host, but etcd has data on m1'],
    },
  ];
  it.each(cases)('$name', ({ hosts, state, problems = [] }) => {
    const resolved = resolveShared(hosts);
    expect(resolved.problems.map(({ message }) => message)).toEqual(problems);
    if (state) expect(resolved.states.get('authority/cluster')).toMatchObject(state);
  });
});
