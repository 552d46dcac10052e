import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sha256, startUpstream, type Upstream } from '../artifacts/upstream.ts';
import { INVENTORY, mcpk, scratch } from './support.ts';

const MANIFEST = '/more.yaml';
const text = (name: string): string => `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${name} }\n`;

let upstream: Upstream;
let folder: string;
let inventory: string;

beforeEach(async () => {
  upstream = await startUpstream();
  upstream.files.set(MANIFEST, Buffer.from(text('first')));
  folder = await scratch();
  inventory = join(folder, 'small.yaml');
  const more = `artifacts: { directory: ./artifacts }\naddons: { manifests: [{ name: more, source: "${upstream.url}${MANIFEST}" }] }\n`;
  await writeFile(inventory, INVENTORY + more);
});
afterEach(() => upstream.close());

const locked = (): unknown => JSON.parse(readFileSync(`${inventory}.lock`, 'utf8'));
const sum = (name: string): unknown => ({
  version: 1,
  sha256: { [`${upstream.url}${MANIFEST}`]: sha256(text(name)) },
});

it('a command that fetches writes the lock file beside the inventory, and changes it only when told to', async () => {
  expect(await mcpk(['render', join(folder, 'one'), '-i', inventory])).toMatchObject({ code: 0 });
  expect(locked()).toEqual(sum('first'));
  upstream.files.set(MANIFEST, Buffer.from(text('second')));
  expect(await mcpk(['render', join(folder, 'two'), '-i', inventory])).toMatchObject({ code: 0 });
  expect(locked()).toEqual(sum('first'));
  expect(await mcpk(['render', join(folder, 'three'), '-i', inventory, '--update-lock'])).toMatchObject({ code: 0 });
  expect(locked()).toEqual(sum('second'));
});

it('a command that compiles nothing writes none', async () => {
  await mcpk(['facts', '-i', inventory]);
  expect(existsSync(`${inventory}.lock`)).toBe(false);
});

it.each(['plan', 'apply', 'render', 'show'])('%s knows --update-lock', async (command) => {
  expect((await mcpk([command, '--help'])).stdout).toContain('--update-lock');
});
