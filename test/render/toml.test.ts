import { describe, expect, it } from 'vitest';
import { toToml } from '../../src/render/toml.ts';

const CASES: { name: string; tree: Record<string, unknown>; toml: string }[] = [
  {
    name: 'containerd: plain keys first, then tables, in the order given',
    tree: {
      version: 3,
      plugins: {
        'io.containerd.cri.v1.images': { pinned_images: { sandbox: 'registry.k8s.io/pause:3.10.1' } },
        'io.containerd.cri.v1.runtime': {
          containerd: {
            runtimes: { runc: { runtime_type: 'io.containerd.runc.v2', options: { SystemdCgroup: true } } },
          },
          cni: { bin_dir: '/opt/cni/bin' },
          enable_selinux: false,
        },
      },
      imports: [],
    },
    toml: `version = 3
imports = []

[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "registry.k8s.io/pause:3.10.1"

[plugins."io.containerd.cri.v1.runtime"]
enable_selinux = false

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
SystemdCgroup = true

[plugins."io.containerd.cri.v1.runtime".cni]
bin_dir = "/opt/cni/bin"
`,
  },
  {
    name: 'hosts.toml',
    tree: {
      server: 'https://registry.k8s.io',
      host: { 'http://10.77.0.1:5000': { capabilities: ['pull', 'resolve'], skip_verify: true } },
    },
    toml: `server = "https://registry.k8s.io"

[host."http://10.77.0.1:5000"]
capabilities = ["pull", "resolve"]
skip_verify = true
`,
  },
  {
    name: 'strings are escaped',
    tree: { a: 'q" b\\ \n\t\u0001\u007f é', 'k"ey': 1 },
    toml: 'a = "q\\" b\\\\ \\n\\t\\u0001\\u007f é"\n"k\\"ey" = 1\n',
  },
  { name: 'lists of maps', tree: { a: [{ b: 1, c: { d: 2 } }, {}] }, toml: '[[a]]\nb = 1\n\n[a.c]\nd = 2\n\n[[a]]\n' },
  {
    name: 'mixed and nested lists in place',
    tree: { a: [[1, 'x'], [{ b: 1 }]] },
    toml: 'a = [[1, "x"], [{ b = 1 }]]\n',
  },
  { name: 'an empty table keeps its header', tree: { a: { b: {} } }, toml: '[a.b]\n' },
  { name: 'null and undefined are left out', tree: { a: null, b: undefined, c: { d: null } }, toml: '[c]\n' },
  { name: 'numbers', tree: { a: 1.5, b: -3 }, toml: 'a = 1.5\nb = -3\n' },
];

describe('toToml', () => {
  it.each(CASES)('$name', ({ tree, toml }) => {
    expect(toToml(tree)).toBe(toml);
  });

  it.each([
    [{ a: { b: Number.NaN } }, /a\.b: TOML has no way to write NaN/],
    [{ a: new Map() }, /a: .*a Map/],
    [{ a: [null] }, /a: .*null/],
  ])('refuses %j', (tree, message) => {
    expect(() => toToml(tree)).toThrow(message);
  });
});
