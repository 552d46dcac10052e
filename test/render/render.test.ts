import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Handlebars from 'handlebars';
import { afterAll, describe, expect, it } from 'vitest';
import { McpkError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { createRenderer } from '../../src/render/render.ts';
import { specsIn } from '../../src/render/specs.ts';

const sample = createRenderer(specsIn(fileURLToPath(new URL('templates', import.meta.url))));
const DATA = {
  title: 'Sample',
  on: true,
  args: { b: 1, a: 'x y', c: ['1', '2'], n: null },
  env: { B: '1', A: '50%' },
  map: { z: 1, a: false },
  hosts: [{ name: 'm1', address: '10.0.0.1' }],
  port: 6443,
  tree: { a: [1, { b: 'yes' }] },
};

const RENDERED = `# Sample
ExecStart=/usr/bin/x \\
  "--a=x y" \\
  --b=1 \\
  --c=1 \\
  --c=2
Environment="A=50%%"
Environment=B=1
a=false
z=1
server m1 10.0.0.1:6443
tree:
  a:
    - 1
    - b: 'yes'
`;

const scratch = mkdtempSync(join(tmpdir(), 'mcpk-render-'));
afterAll(() => rmSync(scratch, { recursive: true }));
let count = 0;

/** Renders a template given as text. */
function rendered(text: string, data: object): string {
  const name = `t${count++}`;
  writeFileSync(join(scratch, `${name}.hbs`), text);
  return createRenderer(specsIn(scratch)).render(name, data);
}

function failure(work: () => unknown): McpkError {
  try {
    work();
  } catch (error) {
    if (error instanceof McpkError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('render', () => {
  it('fills a template', () => {
    expect(sample.render('sample/unit', DATA)).toBe(RENDERED);
  });

  it.each([
    ['title', 1],
    ['on', 2],
    ['args', 4],
    ['env', 5],
    ['map', 7],
    ['hosts', 10],
    ['port', 11],
    ['tree', 14],
  ])('names template, line and name when %s is missing, whatever it stands in', (name, line) => {
    const { [name as keyof typeof DATA]: _, ...rest } = DATA;
    expect(failure(() => sample.render('sample/unit', rest)).toJSON()).toMatchObject({
      code: 'invalid',
      message: `templates/sample/unit.hbs:${line}: "${name}" is not in the data that it was given`,
    });
  });

  it.each<{ name: string; text: string; data: object; message: RegExp }>([
    {
      name: 'missing in a sub-expression',
      text: '\n{{#if (eq a b)}}x{{/if}}',
      data: { a: 1 },
      message: /:2: "b" is not in the data/,
    },
    { name: 'missing below a map', text: '{{a.b}}', data: { a: {} }, message: /:1: "b" is not in the data/ },
    {
      name: 'missing as a named argument',
      text: '{{yaml a indent=width}}',
      data: { a: 1 },
      message: /"width" is not in the data/,
    },
    {
      name: 'missing in a block parameter',
      text: '{{#each a as |x|}}{{x.b}}{{/each}}',
      data: { a: [{}] },
      message: /"x.b" is nothing/,
    },
    {
      name: 'missing in a condition that is negated',
      text: '{{#unless a}}x{{/unless}}',
      data: {},
      message: /"a" is not in the data/,
    },
    { name: 'a map in place of text', text: '{{a}}', data: { a: {} }, message: /:1: "a" is a map/ },
    { name: 'a list in place of text', text: '{{a}}', data: { a: [1] }, message: /"a" is a list/ },
    { name: 'undefined in place of text', text: '{{a}}', data: { a: undefined }, message: /"a" is nothing/ },
    {
      name: 'a secret in place of text',
      text: '{{a}}',
      data: { a: new Secret('hidden', 'x') },
      message: /"a" is a secret/,
    },
    { name: 'an unknown helper', text: '{{nope a}}', data: { a: 1 }, message: /nope/ },
    { name: 'a text for flags', text: '{{flags a}}', data: { a: 'x' }, message: /:1: flags wants a map, not a string/ },
    {
      name: 'a syntax error',
      text: '{{#if a}}',
      data: { a: 1 },
      message: /^templates\/t\d+\.hbs:1: this is no template$/,
    },
    {
      name: 'a line break in a word of haproxy.cfg',
      text: '{{haproxy a}}',
      data: { a: 'x\nglobal' },
      message: /:1: .*control character/,
    },
  ])('refuses $name', ({ text, data, message }) => {
    const error = failure(() => rendered(text, data));
    expect(error.code).toBe('invalid');
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain('hidden');
  });

  it('names a template that is not there', () => {
    expect(failure(() => sample.render('sample/none', {})).message).toContain('templates/sample/none.hbs');
  });

  it.each<{ text: string; data: object; out: string }>([
    { text: '{{a}}', data: { a: `<"&'>` }, out: `<"&'>` },
    { text: '{{#if a}}x{{else}}y{{/if}}', data: { a: undefined }, out: 'y' },
    { text: '{{join a ", "}}|{{join a}}', data: { a: ['x', 1] }, out: 'x, 1|x,1' },
    { text: '{{indent a 2}}', data: { a: 'x\n\ny' }, out: '  x\n\n  y' },
    { text: '{{json a}}', data: { a: { b: [1, '"'] } }, out: '{"b":[1,"\\""]}' },
    { text: '{{yaml a}}', data: { a: 'no' }, out: "'no'" },
    { text: '{{#if (and a (not b) (or b c) (ne a 2))}}x{{/if}}', data: { a: 1, b: [], c: 'y' }, out: 'x' },
    { text: '{{#each a}}{{@index}}{{this}}{{/each}}', data: { a: ['x', 'y'] }, out: '0x1y' },
    { text: '{{#each a}}{{@root.b}}{{/each}}', data: { a: [1], b: 'r' }, out: 'r' },
    { text: '{{flags a indent=1}}', data: { a: { x: true, y: false } }, out: '--x=true \\\n --y=false' },
  ])('$text', ({ text, data, out }) => {
    expect(rendered(text, data)).toBe(out);
  });

  it('gives the same text for maps in another order', () => {
    expect(sample.render('sample/unit', { ...DATA, map: { a: false, z: 1 } })).toBe(RENDERED);
  });
});

it('finds the templates of the package, all of them without a syntax error', () => {
  const folder = fileURLToPath(new URL('../../templates', import.meta.url));
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.hbs'));
  expect(names).not.toEqual([]);
  for (const name of names) {
    // With no data at all only what is in the data can be wrong.
    const message = (() => {
      try {
        createRenderer().render(name.replace(/\.hbs$/, ''), {});
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    })();
    expect(message).toMatch(/^$|is not in the data/);
  }
  expect(Handlebars.helpers).not.toHaveProperty('flags'); // an instance of its own
});
