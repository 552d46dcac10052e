import { describe, expect, it } from 'vitest';
import { comparable, sharedFile, stripped, unsaid, type Shown } from '../../bench/peers/comparable.ts';
import { inventory } from '../../bench/peers/folder.ts';
import type { Resource } from '../../src/resources/types.ts';

const access = { owner: 'root', group: 'root', mode: '0644' };
const file = (path: string, more: object = {}): Resource => ({
  kind: 'file',
  path,
  content: 'a\n',
  ...access,
  ...more,
});
const unit = (name: string, refs: readonly string[]): Resource =>
  ({
    kind: 'unit',
    name,
    enabled: true,
    state: 'running',
    inputs: refs.map((ref) => ({ ref, on: 'restart' })),
  }) as Resource;

const shown = (hosts: Record<string, Resource[]>): Shown => ({
  stages: [{ name: 'one', hosts: Object.entries(hosts).map(([host, resources]) => ({ host, resources })) }],
});

describe('what is part of a race', () => {
  const cases: { name: string; resource: Resource; running: boolean; bare: boolean }[] = [
    { name: 'a file', resource: file('/etc/a'), running: true, bare: true },
    {
      name: 'a file with a secret, as JSON names it',
      resource: file('/etc/a', { content: { secret: 'token' } }),
      running: false,
      bare: false,
    },
    {
      name: 'a package',
      resource: { kind: 'package', name: 'socat', units: [], hold: false },
      running: true,
      bare: true,
    },
    { name: 'a unit of files', resource: unit('a', ['file:/etc/a', 'package:a']), running: true, bare: true },
    { name: 'a unit with a binary', resource: unit('a', ['link:/usr/local/bin/a']), running: true, bare: false },
    { name: 'a unit with a certificate', resource: unit('a', ['certificate:/a.crt']), running: true, bare: false },
    { name: 'a kernel module', resource: { kind: 'kernelModule', name: 'overlay' }, running: false, bare: false },
    { name: 'a command', resource: { kind: 'command', id: 'a', argv: ['a'], title: 'a' }, running: false, bare: false },
    { name: 'an object', resource: { kind: 'kubeObject', id: 'a', object: {} }, running: false, bare: false },
  ];
  it.each(cases)('$name', ({ resource, running, bare }) => {
    expect([unsaid(resource, 'running') === undefined, unsaid(resource, 'bare') === undefined]).toEqual([
      running,
      bare,
    ]);
  });

  it('counts what is left out by its reason, and has no host without work', () => {
    const race = comparable(
      shown({
        m1: [unit('a', ['certificate:/a']), unit('b', ['link:/b']), file('/etc/a')],
        api: [{ kind: 'kubeObject', id: 'a', object: {} }],
      }),
      'bare',
    );
    expect([...race.hosts.keys()]).toEqual(['m1']);
    expect([...race.leftOut]).toEqual([
      ['units that need a binary or a certificate to start', 2],
      ['objects in the API', 1],
    ]);
  });

  it('takes a marked block for no file of its own', () => {
    const work = comparable(shown({ m1: [file('/etc/hosts', { block: 'hosts' })] }), 'bare').hosts.get('m1');
    expect(work).toMatchObject({ files: [], blocks: [{ path: '/etc/hosts', name: 'hosts', content: 'a\n' }] });
  });
});

it('finds the file to change: on every host, and read by no unit', () => {
  const tree = shown({
    m1: [file('/etc/only-m1'), file('/etc/unit'), file('/etc/free'), unit('a', ['file:/etc/unit'])],
    w1: [file('/etc/unit'), file('/etc/free')],
  });
  expect(sharedFile(tree, comparable(tree, 'running'))).toBe('/etc/free');
});

it('takes from mcpk what the peers are spared', () => {
  expect(stripped(file('/etc/a', { validate: ['a', '{}'], requires: ['package:a'] }))).toEqual(file('/etc/a'));
  expect(stripped(unit('a', ['file:/etc/a']))).toEqual(unit('a', []));
  expect(stripped({ kind: 'package', name: 'a', units: ['a.service'], hold: true })).toEqual({
    kind: 'package',
    name: 'a',
    units: ['a.service'],
    hold: false,
  });
});

describe('the inventory of the peers', () => {
  const sysctl: Resource = { kind: 'sysctl', key: 'net.ipv4.ip_forward', value: '1' };

  it('names the file that keeps a sysctl, and carries no content', () => {
    const kept = file('/etc/sysctl.d/90-mcpk.conf', { content: 'net.ipv4.ip_forward = 1\n' });
    const { hosts } = comparable(shown({ m1: [sysctl, kept] }), 'bare');
    expect(inventory(hosts)).toMatchObject({
      all: {
        hosts: {
          m1: {
            work: {
              files: [{ path: '/etc/sysctl.d/90-mcpk.conf', ...access }],
              sysctls: [{ key: 'net.ipv4.ip_forward', value: '1', file: '/etc/sysctl.d/90-mcpk.conf' }],
            },
          },
        },
      },
    });
    expect(JSON.stringify(inventory(hosts))).not.toContain('content');
  });

  it('refuses a sysctl that no file keeps', () => {
    const { hosts } = comparable(shown({ m1: [sysctl] }), 'bare');
    expect(() => inventory(hosts)).toThrow('net.ipv4.ip_forward');
  });
});
