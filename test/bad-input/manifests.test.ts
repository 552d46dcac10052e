import { describe, expect, it } from 'vitest';
import { render } from '../../src/render/render.ts';
import { owned } from '../../src/states/kube-objects.ts';
import { parseManifest } from '../../src/states/manifests.ts';
import { cpuMs } from '../support/cpu.ts';
import { errorOf } from './judge.ts';

const HEAD = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\n';
const laughs = Array.from(
  { length: 30 },
  (_, at) => `  a${String(at + 1)}: &a${String(at + 1)} [*a${String(at)}, *a${String(at)}]`,
);

describe('a manifest that is', () => {
  it.each<[string, string, RegExp]>([
    ['text', 'hello', /a document is no object$/],
    ['a list', '- a\n', /a document is no object$/],
    ['a number', '---\n5\n', /a document is no object$/],
    ['cut in two', 'kind: [', /in line \d+$/],
    ['binary', '\0\u0001', /manifest x: /],
    ['with a tag of a language', 'a: !!js/function x\n', /in line 1$/],
    ['with a key twice', `${HEAD}data: { a: b, a: c }\n`, /in line 4$/],
    ['with an alias of nothing', 'a: *b\n', /in line 1$/],
    ['with an alias of itself', 'a: &a { b: *a }\n', /too large with its aliases|alias/],
    [
      'with a thousand million laughs',
      `${HEAD}data:\n  a0: &a0 [x, y]\n${laughs.join('\n')}\n`,
      /too large with its aliases$/,
    ],
    ['nested a hundred thousand deep', `a: ${'['.repeat(100_000)}`, /nest|deep|in line 1/],
    [
      'an object without a kind',
      'apiVersion: v1\nmetadata: { name: x }\n',
      /needs apiVersion, kind and metadata\.name$/,
    ],
    ['an object without a name', 'apiVersion: v1\nkind: ConfigMap\n', /needs apiVersion, kind and metadata\.name$/],
    ['an object whose name is a number', 'apiVersion: v1\nkind: X\nmetadata: { name: 5 }\n', /needs apiVersion, kind/],
  ])('%s: is refused by name', async (_what, text, says) => {
    const spent = await cpuMs(async () => {
      const error = await errorOf(() => parseManifest('x', text).map((object) => owned(object, 'manifest x')));
      expect(error).toMatchObject({ code: 'invalid', exitCode: 10, hint: expect.any(String) as string });
      expect(error.message).toMatch(/^manifest x: /);
      expect(error.message).toMatch(says);
    });
    expect(spent).toBeLessThan(3000);
  });
});

describe('a template', () => {
  it.each<[string, string, object, RegExp]>([
    ['that is not there', 'etcd/../../../etc/passwd', {}, /^templates\/etcd\/\.\.\/\.\.\/\.\.\/etc\/passwd\.hbs: /],
    ['that all objects have', '__proto__', {}, /^templates\/__proto__\.hbs: /],
    ['without its data', 'coredns/Corefile', {}, /^templates\/coredns\/Corefile\.hbs:\d+: "domain" is not in the data/],
    ['with a map for a text', 'coredns/Corefile', { domain: {}, upstream: 'x' }, /"domain" is a map where a text/],
    [
      'with nothing for a text',
      'coredns/Corefile',
      { domain: null, upstream: 'x' },
      /"domain" is nothing where a text/,
    ],
    [
      'with a text for a map',
      'containerd/proxy.conf',
      { hasEnvironment: true, environment: 'A=b' },
      /wants a map, not a string$/,
    ],
    [
      'with a line break in a unit',
      'containerd/proxy.conf',
      { hasEnvironment: true, environment: { A: 'b\u0000' } },
      /has a control character/,
    ],
    [
      'with a name that is none',
      'containerd/proxy.conf',
      { hasEnvironment: true, environment: { 'A B': 'c' } },
      /can't be the name of an environment/,
    ],
  ])('%s: says where', async (_what, template, data, says) => {
    const error = await errorOf(() => render(template, data));
    expect(error).toMatchObject({ code: 'invalid', exitCode: 10 });
    expect(error.message).toMatch(says);
  });
});
