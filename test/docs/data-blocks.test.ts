import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLockFile } from '../../src/artifacts/lock-file.ts';
import { parseJournal } from '../../src/engine/past/journal-lines.ts';
import { loadTexts } from '../../src/inventory/load.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import { scratch } from '../commands/support.ts';
import { PAGES } from '../e2e/scenarios/pages.ts';
import { FIVE } from '../inventory/load-text.ts';
import { readText } from '../architecture/doc.ts';
import { blocks, DOCS, type Block } from './blocks.ts';

const named = (all: readonly Block[]): [string, string][] => all.map(({ doc, text }) => [doc, text]);

/** Sums that the docs cut short, in full. */
function whole(text: string): string {
  return text.replaceAll(/([0-9a-f]*)…/g, (_, digits: string) => digits.padEnd(64, '0'));
}

/** A part of an inventory, over a small one. */
function asInventory(text: string): Promise<Cluster> {
  const names = [...text.matchAll(/(?<!\$)\$\{(\w+)/g)].map(([, name = '']) => name);
  const files = [
    { file: 'small.yaml', text: FIVE },
    { file: 'block.yaml', text: whole(text) },
  ];
  const env = { HOME: '/home/ada', ...Object.fromEntries(names.map((name) => [name, '10.0.0.9'])) };
  return loadTexts(files, { env, allowed: names, directory: '/srv' });
}

describe('each block of YAML is a part of an inventory that mcpk takes', () => {
  it.each(named(blocks('yaml')))('%s: %s', async (_doc, text) => {
    // A comment alone says nothing.
    if (text.split('\n').every((line) => /^\s*(#|$)/.test(line))) return;
    const { hosts, leaving } = await asInventory(text);
    expect([...hosts, ...leaving]).toHaveLength(5);
  });

  it('and one that is not is found', async () => {
    await expect(asInventory('etcd: { quota: 1 }')).rejects.toThrow(/mistake/);
  });
});

/** Blocks of JSON, each with what reads such a thing. */
const JSON_OF: Readonly<Record<string, (text: string) => Promise<unknown>>> = {
  'docs/pins.md': async (text) => {
    const inventory = join(await scratch(), 'lab.yaml');
    await writeFile(inventory, '');
    await writeFile(`${inventory}.lock`, whole(text));
    return (await openLockFile([inventory]))?.sums?.size;
  },
};

describe('each block of JSON is what it is said to be', () => {
  it.each(named(blocks('json')))('%s: %s', async (doc, text) => {
    expect(JSON_OF[doc], 'what reads it?').toBeDefined();
    expect(await JSON_OF[doc]?.(text)).toBe(Object.keys((JSON.parse(whole(text)) as { sha256: object }).sha256).length);
  });
});

/** Blocks without a language: drawings, or what something reads. */
const PLAIN_OF: Readonly<Record<string, 'a drawing' | 'recorded' | ((text: string) => void)>> = {
  'docs/architecture.md': 'a drawing',
  // recorded.test.ts looks at them.
  ...Object.fromEntries(PAGES.map(({ path }) => [path, 'recorded'])),
  'docs/journal.md': (text) => {
    const events = parseJournal(text).map(({ event, words }) => [event, ...words].join(' '));
    expect(events).toHaveLength(text.trim().split('\n').length);
    expect(events[0]).toMatch(/^run \d+ root@ops1 apply/);
    expect(events.at(-1)).toBe('done etcd file:/etc/etcd/etcd.yaml');
  },
};

describe('each block without a language is known', () => {
  it.each(named(blocks('')))('%s: %s', (doc, text) => {
    const reader = PLAIN_OF[doc];
    expect(reader, 'a drawing, recorded, or what reads it?').toBeDefined();
    if (typeof reader === 'function') reader(text);
  });
});

it('there are no blocks of other languages', () => {
  expect(blocks().filter(({ language }) => !['sh', 'yaml', 'json', ''].includes(language))).toEqual([]);
});

it.each(DOCS)('no block of %s goes unseen', (doc) => {
  const fences = readText(doc).match(/^\s*(```|~~~)/gm) ?? [];
  expect(fences).toHaveLength(2 * blocks().filter((block) => block.doc === doc).length);
});
