import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { load } from '../../src/inventory/load.ts';
import { readSchema } from '../../src/inventory/schema.ts';
import { cpuMs } from '../support/cpu.ts';
import { errorOf } from './judge.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mcpk-inventories-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const HEAD = 'name: c\nhosts:\n  - { name: m1, address: 10.0.0.1, roles: [master] }\n';
const host = (name: string): string => `name: c\nhosts:\n  - { name: ${name}, address: 10.0.0.1, roles: [master] }\n`;
const bomb = (levels: number): string =>
  [
    'pillar:',
    '  a0: &a0 lol',
    ...Array.from(
      { length: levels },
      (_, at) =>
        `  a${String(at + 1)}: &a${String(at + 1)} [${Array(9)
          .fill(`*a${String(at)}`)
          .join(', ')}]`,
    ),
  ].join('\n');

/** What the error's details must say; each text is a whole inventory file. */
const CASES: [what: string, text: string | Buffer, says: RegExp][] = [
  ['nothing', '', /^i\.yaml: is empty$/],
  ['a comment', '# name: c\n', /^i\.yaml: is empty$/],
  ['blanks', '   \n\n\t', /^i\.yaml/],
  ['a BOM and nothing', '\uFEFF', /^i\.yaml: is empty$/],
  ['a list', '- name: c\n', /^i\.yaml:1:1:? must be a map of settings, not a list$/],
  ['a number', '42\n', /^i\.yaml:1:1:? must be a map of settings, not a scalar$/],
  ['JSON cut in two', '{"name": "c", "hosts": [', /^i\.yaml:1:/],
  [
    'not UTF-8',
    Buffer.from([0x6e, 0x61, 0x6d, 0x65, 0x3a, 0x20, 0xff, 0xfe]),
    /^i\.yaml: is not UTF-8 text: save it as UTF-8$/,
  ],
  ['UTF-16', Buffer.from(HEAD, 'utf16le'), /^i\.yaml: is UTF-16 text: save it as UTF-8$/],
  ['UTF-16 with its mark', Buffer.from(`\uFEFF${HEAD}`, 'utf16le'), /^i\.yaml: is UTF-16 text: save it as UTF-8$/],
  ['a NUL', 'name: a\0b\n', /^i\.yaml:1:\d+/],
  ['control characters', 'name: "a\u0007b"\n', /^i\.yaml:1:\d+/],
  ['a program', Buffer.from('7f454c4602010100000000000000000002003e00', 'hex'), /^i\.yaml/],
  ['tabs to indent', 'name: c\nhosts:\n\t- name: m1\n', /^i\.yaml:3:/],
  ['a quote that is not closed', 'name: "c\n', /^i\.yaml:/],
  ['two documents', `${HEAD}---\n${HEAD}`, /^i\.yaml:\d+:\d+:? a second YAML document begins here/],
  ['a tag of a language', 'name: !!js/function "function(){}"\n', /^i\.yaml:1:/],
  ['a tag of Python', 'name: !!python/object/apply:os.system [id]\n', /^i\.yaml:1:/],
  ['a merge key', `<<: { name: x }\n${HEAD}`, /^i\.yaml:1:1 \[\"<<\"\]: is a merge key/],
  ['an alias of nothing', 'name: *nobody\n', /^i\.yaml:1:/],
  ['an alias of itself', 'pillar: &a { b: *a }\n', /^i\.yaml:1:\d+.*alias stands inside/],
  [
    'a thousand million laughs',
    `${HEAD}${bomb(11)}\n`,
    /^i\.yaml:\d+:\d+ pillar\.a\d+\[\d\]: with its aliases written out/,
  ],
  ['a hundred thousand open lists', `pillar: ${'['.repeat(100_000)}`, /^i\.yaml.*(nest|deep)/i],
  ['a hundred thousand open maps', `pillar: ${'{a: '.repeat(100_000)}`, /^i\.yaml.*(nest|deep)/i],
  [
    'ten thousand levels by indenting',
    `${HEAD}${Array.from({ length: 1500 }, (_, at) => `${' '.repeat(at)}a:`).join('\n')}`,
    /^i\.yaml.*(nest|deep|not a setting)/i,
  ],
  ['a key twice', `${HEAD}ssh: { port: 1, port: 2 }\n`, /^i\.yaml:4:\d+.*(twice|duplicat)/i],
  ['a section twice', `${HEAD}ssh: { port: 1 }\nssh: { port: 2 }\n`, /^i\.yaml:5:\d+.*(twice|duplicat)/i],
  ['a prototype', `${HEAD}__proto__: { polluted: true }\n`, /^i\.yaml:4:1 __proto__: is not a name that can be used$/],
  [
    'a constructor',
    `${HEAD}constructor: { prototype: { polluted: true } }\n`,
    /^i\.yaml:4:1 constructor: is not a setting/,
  ],
  ['a map for a key', `${HEAD}? { a: b }\n: c\n`, /^i\.yaml:4:\d+:? a key must be a word$/],
  [
    'a number without end',
    `${HEAD}ssh: { port: ${'9'.repeat(400)} }\n`,
    /^i\.yaml:4:14 ssh\.port: must be a whole number, not \"9+…\"$/,
  ],
  ['a number that is none', `${HEAD}ssh: { port: .nan }\n`, /^i\.yaml:4:14 ssh\.port: /],
  ['a number below zero', `${HEAD}ssh: { port: -1 }\n`, /^i\.yaml:4:14 ssh\.port: -1 is not between/],
  ['half a number', `${HEAD}ssh: { port: 22.5 }\n`, /^i\.yaml:4:14 ssh\.port: must be a whole number/],
  [
    'a time out of hand',
    `${HEAD}ssh: { connectTimeout: 99999999999 }\n`,
    /^i\.yaml:4:\d+ ssh\.connectTimeout: .* is not between/,
  ],
  [
    'a host called by a command',
    host("'$(reboot)'"),
    /^i\.yaml:3:13 hosts\[0\]\.name: "\$\(reboot\)" is not a DNS name/,
  ],
  ['a host called by backticks', host("'`id`'"), /^i\.yaml:3:13 hosts\[0\]\.name: /],
  ['a host called by an option', host("'-oProxyCommand=id'"), /^i\.yaml:3:13 hosts\[0\]\.name: /],
  ['a host called by a path', host("'../../etc'"), /^i\.yaml:3:13 hosts\[0\]\.name: /],
  [
    'a host with a line break',
    host('"m1\\nm2"'),
    /^i\.yaml:3:13 hosts\[0\]\.name: "m1.m2" is not a DNS name|hosts\[0\]\.name/,
  ],
  ['a host with blanks', host("'m 1'"), /^i\.yaml:3:13 hosts\[0\]\.name: /],
  ['a host that only looks like m1 (Cyrillic)', host('м1'), /^i\.yaml:3:13 hosts\[0\]\.name: "м1" is not a DNS name/],
  ['a host in full width', host('ｍ１'), /^i\.yaml:3:13 hosts\[0\]\.name: /],
  ['a host written from right to left', host('"m\\u202e1"'), /^i\.yaml:3:13 hosts\[0\]\.name: /],
  ['a host with a joiner of no width', host('"m\\u200d1"'), /^i\.yaml:3:13 hosts\[0\]\.name: /],
  [
    'a name of 255 characters',
    host('m'.repeat(255)),
    /^i\.yaml:3:13 hosts\[0\]\.name: "m+…" is longer than 63 characters$/,
  ],
  [
    'a name of a million',
    host('m'.repeat(1_000_000)),
    /^i\.yaml:3:13 hosts\[0\]\.name: "m+…" is longer than 63 characters$/,
  ],
  ['a cluster of 255 characters', HEAD.replace('name: c', `name: ${'c'.repeat(255)}`), /^i\.yaml:1:7 name: /],
  ['an address with a command', HEAD.replace('10.0.0.1', "'10.0.0.1;reboot'"), /^i\.yaml:3:\d+ hosts\[0\]\.address: /],
  ['an address with an option', HEAD.replace('10.0.0.1', "'-v'"), /^i\.yaml:3:\d+ hosts\[0\]\.address: /],
  ['a user with an option', `${HEAD}ssh: { user: '-oProxyCommand=id' }\n`, /^i\.yaml:4:14 ssh\.user: /],
  ['a user with a command', `${HEAD}ssh: { user: 'root; id' }\n`, /^i\.yaml:4:14 ssh\.user: /],
  [
    'an interface with a command',
    `${HEAD}endpoint: { address: 10.0.0.9, interface: 'eth0; id' }\n`,
    /^i\.yaml:4:\d+ endpoint\.interface: /,
  ],
  ['a version with a path', `${HEAD}versions: { etcd: '../../../3.7.3' }\n`, /^i\.yaml:4:19 versions\.etcd: /],
  [
    'a version with a command',
    `${HEAD}versions: { kubernetes: '1.37.1 $(id)' }\n`,
    /^i\.yaml:4:25 versions\.kubernetes: /,
  ],
  [
    'an image with a command',
    `${HEAD}addons: { coredns: { image: 'x$(id)' } }\n`,
    /^i\.yaml:4:\d+ addons\.coredns\.image: /,
  ],
  ['a sysctl with a path', `${HEAD}system: { sysctls: { '../../etc/passwd': x } }\n`, /^i\.yaml:4:\d+ system\.sysctls/],
  [
    'a sysctl with a line break',
    `${HEAD}system: { sysctls: { kernel.x: "1\\n2" } }\n`,
    /^i\.yaml:4:\d+ system\.sysctls/,
  ],
  ['a flag with dashes', `${HEAD}kubelet: { extraArgs: { '--config=/x': y } }\n`, /^i\.yaml:4:\d+ kubelet\.extraArgs/],
  [
    'a flag with a line break',
    `${HEAD}kubelet: { extraArgs: { v: "2\\nExecStartPre=/bin/id" } }\n`,
    /^i\.yaml:4:\d+ kubelet\.extraArgs\.v: /,
  ],
  [
    'a data folder that leads out',
    `${HEAD}etcd: { dataDirectory: /var/lib/../../etc }\n`,
    /^i\.yaml:4:\d+ etcd\.dataDirectory: /,
  ],
  [
    'a data folder with a line break',
    `${HEAD}etcd: { dataDirectory: "/var/lib/x\\ny" }\n`,
    /^i\.yaml:4:\d+ etcd\.dataDirectory: /,
  ],
  ['a data folder that is relative', `${HEAD}etcd: { dataDirectory: etcd }\n`, /^i\.yaml:4:\d+ etcd\.dataDirectory: /],
  [
    'a data folder with two names',
    `${HEAD}etcd: { dataDirectory: /var/lib//etcd/ }\n`,
    /^i\.yaml:4:\d+ etcd\.dataDirectory: /,
  ],
  [
    'a name server with a command',
    `${HEAD}addons: { coredns: { forward: ['1.1.1.1 { }'] } }\n`,
    /^i\.yaml:4:\d+ addons\.coredns\.forward\[0\]: /,
  ],
  ['a proxy with a line break', `${HEAD}proxy: { http: "http://x\\nEnvironment=Y" }\n`, /^i\.yaml:4:\d+ proxy\.http: /],
  ['a time server with a command', `${HEAD}system: { ntpServers: ['x; id'] }\n`, /^i\.yaml:4:\d+ system\./],
  [
    'a package with an option',
    `${HEAD}system: { packages: ['--reinstall'] }\n`,
    /^i\.yaml:4:\d+ system\.packages\[0\]: /,
  ],
  ['a registry with a path', `${HEAD}registries: [{ name: '../../x' }]\n`, /^i\.yaml:4:\d+ registries\[0\]\.name: /],
  [
    'a manifest with a path for a name',
    `${HEAD}addons: { manifests: [{ name: ../x, source: y }] }\n`,
    /^i\.yaml:4:\d+ addons\.manifests\[0\]\.name: /,
  ],
  [
    'a pod network of everything',
    `${HEAD}network: { podCidr: 0.0.0.0/0 }\n`,
    /^i\.yaml:4:\d+ network\.(podCidr|nodePrefix)/,
  ],
  ['a pod network of bits', `${HEAD}network: { podCidr: 10.244.0.0/99 }\n`, /^i\.yaml:4:\d+ network\.podCidr: /],
  [
    'five thousand hosts of one address',
    `name: c\nhosts:\n${Array.from({ length: 5000 }, (_, at) => `  - { name: h${String(at)}, address: 10.0.0.1, roles: [master] }`).join('\n')}\n`,
    /^i\.yaml:\d+:\d+ hosts\[\d+\]\.address: "10\.0\.0\.1" is the address of h0 too/,
  ],
  [
    'an environment that is not there',
    `${HEAD}pillar: { a: "\${NOT_THERE_AT_ALL}" }\n`,
    /^i\.yaml:4:14 pillar\.a: the environment variable NOT_THERE_AT_ALL is not set, and would not be allowed here: allow it with --env NOT_THERE_AT_ALL or in MCPK_ENV$/,
  ],
];

describe('an inventory that is', () => {
  it.each(CASES)('%s: is refused at its place', async (_what, text, says) => {
    writeFileSync(join(folder, 'i.yaml'), text);
    let details: readonly string[] = [];
    const spent = await cpuMs(async () => {
      const error = await errorOf(() => load(['i.yaml'], { env: { HOME: '/home/ada' }, directory: folder }));
      expect(error).toMatchObject({ code: 'invalid', exitCode: 10 });
      details = [error.message, ...error.details];
    });
    expect(
      details.some((line) => says.test(line)),
      details.slice(0, 5).join('\n'),
    ).toBe(true);

    expect(details.join('\n')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f\u202a-\u202e]/);
    expect(spent).toBeLessThan(3000);
  });
});

describe('in place of a file', () => {
  const said = async (name: string): Promise<readonly string[]> => {
    const { message, details } = await errorOf(() => load([name], { env: {}, directory: folder }));
    return [message, ...details];
  };

  it.each<[string, (path: string) => void, RegExp]>([
    ['nothing', () => undefined, /: there is no such file$/],
    ['a folder', (path) => mkdirSync(path), /: is a directory, not a file$/],
    ['a link to nothing', (path) => symlinkSync('/nowhere/at/all', path), /: there is no such file$/],
    ['a link to itself', (path) => symlinkSync(path, path), /: could not be read \(ELOOP\)$/],
    ['endless bytes', (path) => symlinkSync('/dev/zero', path), /: is no file$/],
    ['more than any inventory has', (path) => writeFileSync(path, '#'.repeat(5 * 2 ** 20)), /: is larger than 4 MiB$/],
  ])('%s is said', async (what, make, says) => {
    const name = `${what.replaceAll(' ', '-')}.yaml`;
    make(join(folder, name));
    expect(await said(name)).toEqual([expect.stringMatching(says)]);
  });

  it('one that may not be read is said', async (test) => {
    test.skip(process.getuid?.() === 0, 'root may read all');
    writeFileSync(join(folder, 'secret.yaml'), HEAD);
    chmodSync(join(folder, 'secret.yaml'), 0);
    expect(await said('secret.yaml')).toEqual(['secret.yaml: may not be read']);
  });

  it('a name of 5000 characters or with a NUL is said', async () => {
    expect(await said('x'.repeat(5000))).toEqual([expect.stringContaining('could not be read (ENAMETOOLONG)')]);
    expect(await said('a\0b')).toEqual([expect.stringContaining('could not be read')]);
  });
});

interface Part {
  type?: unknown;
  pattern?: string;
  enum?: unknown;
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
}

/** Every text that a setting may be, with its place in the schema. */
function texts(part: unknown, place = ''): [string, Part][] {
  if (typeof part !== 'object' || part === null) return [];
  const { type, enum: words, const: word } = part as Part;
  const own = [type].flat().includes('string') && words === undefined && word === undefined;
  const below = Object.entries(part).flatMap(([key, child]) => texts(child, `${place}/${key}`));
  return own ? [[place, part], ...below] : below;
}

describe('no setting', () => {
  // Kubernetes' own rules, which check-hosts.ts has.
  const ELSEWHERE = /^\/definitions\/(labels|taints)\//;
  const settings = texts(readSchema()).filter(([place]) => !ELSEWHERE.test(place));
  /** Files of their own, or written by the YAML library. */
  const LINES = /\/(content|expression|valueExpression)$/;
  /** Looked into whole, and its text is not shown as that of another pattern would be. */
  const LOOKED_INTO = /\/(certificateAuthority|registryAuthority)$/;
  const [lines, others] = [true, false].map((of) => settings.filter(([place]) => LINES.test(place) === of));

  it.each(lines ?? [])('takes a NUL: %s', (_place, { pattern }) => {
    expect(new RegExp(pattern ?? '', 'u').test('x\0')).toBe(false);
  });

  it.each((others ?? []).filter(([place]) => !LOOKED_INTO.test(place)))(
    'takes a line break or a NUL: %s',
    (_place, { pattern, default: given, examples = [] }) => {
      const good = [given, ...examples].find((each) => typeof each === 'string') ?? 'x';
      for (const bad of ['\n', '\r', '\0', '\n[Service]\nExecStart=/bin/id'])
        expect(new RegExp(pattern ?? '', 'u').test(`${good}${bad}`), JSON.stringify(bad)).toBe(false);
    },
  );
});
