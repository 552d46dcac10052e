import { Secret } from '../../../src/core/secret.ts';
import { sha256 } from '../../../src/resources/identity.ts';
import type { DirectoryResource, FileResource, LinkResource } from '../../../src/resources/types.ts';
import { fileState, known, type Case } from '../case.ts';

const file: FileResource = {
  kind: 'file',
  path: '/etc/a',
  content: 'new\n',
  mode: '0644',
  owner: 'root',
  group: 'root',
};
const secret: FileResource = { ...file, content: new Secret('hunter2', 'password'), mode: '0600' };
const hosts: FileResource = { ...file, path: '/etc/hosts', content: '10.0.0.1 m1\n', block: 'hosts' };
const directory: DirectoryResource = {
  kind: 'directory',
  path: '/etc/cni',
  mode: '0755',
  owner: 'root',
  group: 'root',
  exclusive: true,
};
const link: LinkResource = { kind: 'link', path: '/usr/local/bin/etcd', target: '/var/lib/mcpk/store/abc' };
const right = fileState({ sha256: sha256('new\n') });
const folder = fileState({ type: 'directory', mode: '0755' });
const block = '# BEGIN mcpk hosts\n10.0.0.1 m1\n# END mcpk hosts\n';
const { path, mode, owner, group } = file;
const joined: FileResource = {
  ...file,
  content: 'a: 1\nstate: existing\nb: 2\n',
  readOnce: '^(joins|state): .*$',
};
const asRead = sha256('a: 1\n\nb: 2\n');

export const cases: Case[] = [
  {
    name: 'a file that is absent is created',
    wanted: { ...file, validate: ['haproxy', '-c', '-f', '{}'] },
    gives: {
      result: 'change',
      verb: 'create',
      reasons: ['absent'],
      hash: sha256('new\n'),
      diff: { before: '', after: 'new\n' },
    },
    ops: [{ op: 'write', path, mode, owner, group, content: 'new\n', validate: ['haproxy', '-c', '-f', '{}'] }],
  },
  {
    name: 'a file with other content is updated, with a diff',
    wanted: file,
    seen: { paths: { '/etc/a': fileState({ sha256: 'x' }) }, texts: { '/etc/a': 'old\n' } },
    gives: { verb: 'update', reasons: ['content differs'], diff: { before: 'old\n', after: 'new\n' } },
  },
  {
    name: 'a line that is read only once changes, and nobody has to read it anew',
    wanted: joined,
    seen: { paths: { '/etc/a': fileState({ sha256: asRead }) }, texts: { '/etc/a': 'a: 1\nstate: new\nb: 2\n' } },
    gives: {
      verb: 'update',
      reasons: ['content differs in what is read only once: nothing restarts for it'],
      unread: true,
      hash: sha256('a: 1\nstate: existing\nb: 2\n'),
      readAs: asRead,
    },
    ops: [{ op: 'write', path, mode, owner, group, content: 'a: 1\nstate: existing\nb: 2\n' }],
  },
  {
    name: 'with another line beside it that changes, it has to be read anew',
    wanted: joined,
    seen: { paths: { '/etc/a': fileState({ sha256: 'x' }) }, texts: { '/etc/a': 'a: 0\nstate: new\nb: 2\n' } },
    gives: { reasons: ['content differs'], readAs: asRead },
    without: ['unread'],
  },
  {
    name: 'with a line that is read only once it is right as it is',
    wanted: joined,
    seen: { paths: { '/etc/a': fileState({ sha256: sha256('a: 1\nstate: existing\nb: 2\n') }) } },
    gives: { result: 'unchanged', hash: sha256('a: 1\nstate: existing\nb: 2\n'), readAs: asRead },
  },
  {
    name: 'a file that is right is left alone',
    wanted: file,
    seen: { paths: { '/etc/a': right } },
    gives: { result: 'unchanged', hash: sha256('new\n') },
  },
  {
    name: 'another mode and owner are mended without writing',
    wanted: { ...file, group: 'etcd' },
    seen: { paths: { '/etc/a': { ...right, mode: '0600' } } },
    gives: { verb: 'update', reasons: ['mode 0600 → 0644', 'group root → etcd'], accessOnly: true },
    without: ['diff'],
    ops: [{ op: 'access', path, mode, owner, group: 'etcd' }],
  },
  {
    name: 'a link in place of a file is replaced',
    wanted: file,
    seen: { paths: { '/etc/a': fileState({ type: 'link', target: '/b' }) } },
    gives: { verb: 'update', reasons: ['a link is there, not a file'] },
    without: ['accessOnly'],
    ops: [{ op: 'write', path, mode, owner, group, content: 'new\n' }],
  },
  {
    name: 'a secret has no diff and no hash to guess from',
    wanted: secret,
    seen: { paths: { '/etc/a': fileState({ mode: '0600', sha256: 'x' }) } },
    gives: { reasons: ['content differs'], hash: `secret:${sha256('/etc/a\nhunter2').slice(0, 4)}` },
    without: ['diff'],
  },
  {
    name: 'a secret that is right is left alone',
    wanted: secret,
    seen: { paths: { '/etc/a': fileState({ mode: '0600', sha256: sha256('hunter2') }) } },
    gives: 'unchanged',
  },
  {
    name: 'a block is added to what is there, which keeps its mode',
    wanted: hosts,
    seen: { paths: { '/etc/hosts': fileState({ mode: '0664' }) }, texts: { '/etc/hosts': '127.0.0.1 localhost' } },
    gives: { reasons: ['its block is absent'], diff: { before: '', after: '10.0.0.1 m1\n' } },
    ops: [{ op: 'write', path: '/etc/hosts', mode: '0664', owner, group, content: `127.0.0.1 localhost\n${block}` }],
  },
  {
    name: 'a block that is right makes the rest of the file nobody’s business',
    wanted: hosts,
    seen: { paths: { '/etc/hosts': fileState({ mode: '0664' }) }, texts: { '/etc/hosts': `a\n${block}b\n` } },
    gives: 'unchanged',
  },
  {
    name: 'a block with other lines is replaced in its place',
    wanted: hosts,
    seen: { paths: { '/etc/hosts': fileState() }, texts: { '/etc/hosts': `a\n${block.replace('m1', 'm2')}b\n` } },
    gives: { reasons: ['content differs'], diff: { before: '10.0.0.1 m2\n', after: '10.0.0.1 m1\n' } },
    ops: [{ op: 'write', path: '/etc/hosts', mode, owner, group, content: `a\n${block}b\n` }],
  },
  { name: 'a directory that is absent is created', wanted: directory, gives: { verb: 'create', reasons: ['absent'] } },
  {
    name: 'foreign entries of an exclusive directory go; what mcpk laid there and exceptions stay',
    wanted: { ...directory, except: ['calico.conflist'] },
    seen: {
      paths: { '/etc/cni': folder },
      listings: { '/etc/cni': ['00-stranger', '10-ours', '20-now', 'calico.conflist'] },
    },
    owned: { 'file:/etc/cni/10-ours': 'h' },
    before: [known({ ...file, path: '/etc/cni/20-now' }, 'h')],
    gives: {
      verb: 'update',
      reasons: ['00-stranger is not described by any stage'],
      removes: ['/etc/cni/00-stranger'],
    },
    ops: [
      { op: 'mkdir', path: '/etc/cni', mode: '0755', owner, group },
      { op: 'remove', path: '/etc/cni/00-stranger' },
    ],
  },
  {
    name: 'a directory that is not exclusive may hold anything',
    wanted: { ...directory, exclusive: false },
    seen: { paths: { '/etc/cni': folder }, listings: { '/etc/cni': ['x'] } },
    gives: 'unchanged',
  },
  {
    name: 'a link elsewhere is led to its target',
    wanted: link,
    seen: { paths: { [link.path]: fileState({ type: 'link', mode: '0777', target: '/old' }) } },
    gives: { verb: 'update', reasons: ['leads to /old'], hash: link.target },
    ops: [{ op: 'link', path: link.path, target: link.target }],
  },
  {
    name: 'a link that is right is left alone',
    wanted: link,
    seen: { paths: { [link.path]: fileState({ type: 'link', target: link.target }) } },
    gives: 'unchanged',
  },
];
