import { existsSync, readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
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
afterEach(async () => {
  vi.unstubAllEnvs();
  await upstream.close();
});

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

it('--locked takes nothing that the lock file does not hold, and no other sum', async () => {
  const render = (to: string) => mcpk(['render', join(folder, to), '-i', inventory, '--locked']);
  const without = await render('one');
  expect(without.code).toBe(10);
  expect(without.stderr).toContain(
    `${MANIFEST} is not locked: there is no ${inventory}.lock (--locked) (exit 10)\n  hint  `,
  );
  expect(existsSync(`${inventory}.lock`)).toBe(false);
  await mcpk(['render', join(folder, 'two'), '-i', inventory]);
  expect(await render('three')).toMatchObject({ code: 0 });
  await rm(join(folder, 'artifacts'), { recursive: true });
  upstream.files.set(MANIFEST, Buffer.from(text('second')));
  expect(await render('four')).toMatchObject({ code: 20 });
  expect((await mcpk(['render', join(folder, 'five'), '-i', inventory, '--locked', '--update-lock'])).code).toBe(64);
});

it('a command that compiles nothing writes none', async () => {
  await mcpk(['facts', '-i', inventory]);
  expect(existsSync(`${inventory}.lock`)).toBe(false);
});

it.each(['plan', 'apply', 'render', 'show'])('%s knows --update-lock', async (command) => {
  expect((await mcpk([command, '--help'])).stdout).toContain('--update-lock');
});

it('keeps what the environment gave to a URL out of the lock file, which holds all the same', async () => {
  upstream.files.set('/HunTer2Long/more.yaml', Buffer.from(text('first')));
  const more = `artifacts: { directory: ./artifacts }\naddons: { manifests: [{ name: more, source: "${upstream.url}/\${MCPK_PW}/more.yaml" }] }\n`;
  await writeFile(inventory, INVENTORY + more);
  // As an earlier mcpk wrote it.
  const before = { version: 1, sha256: { [`${upstream.url}/HunTer2Long/more.yaml`]: sha256(text('first')) } };
  await writeFile(`${inventory}.lock`, JSON.stringify(before));
  vi.stubEnv('MCPK_PW', 'HunTer2Long');
  const render = (to: string) => mcpk(['render', join(folder, to), '-i', inventory]);
  expect(await render('one')).toMatchObject({ code: 0 });
  const expected = { version: 1, sha256: { [`${upstream.url}/\${MCPK_PW}/more.yaml`]: sha256(text('first')) } };
  expect(locked()).toEqual(expected);
  await rm(join(folder, 'artifacts'), { recursive: true });
  upstream.files.set('/HunTer2Long/more.yaml', Buffer.from(text('second')));
  expect(await render('two')).toMatchObject({ code: 20 });
  expect(locked()).toEqual(expected);
});
