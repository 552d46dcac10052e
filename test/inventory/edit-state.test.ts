import { describe, expect, it } from 'vitest';
import { withHostState } from '../../src/inventory/edit-state.ts';
import type { HostState } from '../../src/inventory/types.ts';

const one = (text: string, name = 'm3', state: HostState = 'absent'): string | undefined =>
  withHostState([{ file: 'a.yaml', text }], name, state)?.after;

describe('the state of a host is written', () => {
  it.each<[string, string, string]>([
    [
      'into braces, before what follows',
      'hosts:\n  - { name: m1, address: 10.0.0.1 }\n  - { name: m3, address: 10.0.0.3, roles: [master] } # the third\n',
      'hosts:\n  - { name: m1, address: 10.0.0.1 }\n  - { name: m3, state: absent, address: 10.0.0.3, roles: [master] } # the third\n',
    ],
    [
      'into a line of its own, as deep as the others',
      'hosts:\n- name: m3   # by the door\n  address: 10.0.0.3\n- name: w1\n',
      'hosts:\n- name: m3   # by the door\n  state: absent\n  address: 10.0.0.3\n- name: w1\n',
    ],
    [
      'where the name comes later',
      'hosts:\n    -   address: 10.0.0.3\n        name: "m3"\n',
      'hosts:\n    -   address: 10.0.0.3\n        name: "m3"\n        state: absent\n',
    ],
    [
      'at the end of a file without a last line break',
      'hosts:\n  - name: m3',
      'hosts:\n  - name: m3\n    state: absent',
    ],
    [
      'with the line breaks of the file',
      'hosts:\r\n  - name: m3\r\n    roles: [master]\r\n',
      'hosts:\r\n  - name: m3\r\n    state: absent\r\n    roles: [master]\r\n',
    ],
    ['with them where the last line has none', 'hosts:\r\n  - name: m3', 'hosts:\r\n  - name: m3\r\n    state: absent'],
    ['as JSON into JSON', '{"hosts":[{"name":"m3","x":1}]}', '{"hosts":[{"name":"m3", "state": "absent","x":1}]}'],
    ['as JSON over JSON', '{"hosts":[{"name":"m3","state":"gone"}]}', '{"hosts":[{"name":"m3","state":"absent"}]}'],
    [
      'over what was said before',
      "hosts: [{ name: m3, state: 'gone', roles: [x] }]\n",
      'hosts: [{ name: m3, state: absent, roles: [x] }]\n',
    ],
    [
      'into braces over several lines',
      'hosts: [{\n  name: m3,\n  a: 1\n  }]\n',
      'hosts: [{\n  name: m3, state: absent,\n  a: 1\n  }]\n',
    ],
    [
      'not into another one whose name begins so',
      'hosts:\n  - { name: m33 }\n  - { name: m3 }\n',
      'hosts:\n  - { name: m33 }\n  - { name: m3, state: absent }\n',
    ],
    [
      'beside what is not YAML to us',
      '# name: m3\nname: ${CLUSTER}\nhosts:\n  - { name: m3, labels: { "a: b": "}" } }\n',
      '# name: m3\nname: ${CLUSTER}\nhosts:\n  - { name: m3, state: absent, labels: { "a: b": "}" } }\n',
    ],
  ])('%s', (_title, before, after) => {
    expect(one(before)).toBe(after);
  });

  it.each(['hosts:\n  -\tname: m3\n\tx: 1\n', 'hosts: [{ name: m3 }]\n---\nhosts: []\n'])(
    'nowhere in what is no YAML of ours: %j',
    (text) => {
      expect(one(text)).toBeUndefined();
    },
  );

  it('nowhere when it is there', () => {
    expect(one('hosts: [{ name: m3, state: absent }]')).toBeUndefined();
    expect(one('hosts: [{ name: m3, state: absent }]', 'm3', 'gone')).toBe('hosts: [{ name: m3, state: gone }]');
  });

  it('into the file that counts, and its line is told', () => {
    const files = [
      { file: 'base.yaml', text: 'name: c\nhosts:\n  - { name: m3 }\n' },
      { file: 'site.yaml', text: 'hosts:\n  - { name: m3, labels: {} }\n' },
    ];
    expect(withHostState(files, 'm3', 'gone')).toMatchObject({
      file: 'base.yaml',
      line: 3,
      shown: '- { name: m3, state: gone }',
    });
    const later = [files[0]!, { file: 'site.yaml', text: 'hosts:\n  - { name: m3, state: absent }\n' }];
    expect(withHostState(later, 'm3', 'gone')?.file).toBe('site.yaml');
  });
});

it('nothing is changed where there is no such host', () => {
  expect(withHostState([{ file: 'site.yaml', text: 'hosts: [{ name: m1 }]' }], 'm3', 'gone')).toBeUndefined();
});

describe('it is refused, and what to write is told', () => {
  it.each<[string, string]>([
    ['where another host is made of the same words', 'hosts:\n  - &h { name: m3 }\n  - *h\n'],
    ['where the name is folded', 'hosts:\n  - name: >-\n      m3\n    a: 1\n'],
    ['where its state is an alias', 'x: &s absent\nhosts:\n  - { name: m3, state: *s }\n'],
    ['where its name is one', 'x: &n m3\nhosts:\n  - { name: *n }\n'],
  ])('%s', (_title, text) => {
    expect(() => one(text, 'm3', 'gone')).toThrowError(
      expect.objectContaining({ code: 'refused', hint: 'Write "state: gone" into it, then run: mcpk apply' }),
    );
  });
});
