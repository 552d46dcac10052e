import { mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolders } from '../../src/core/make-folders.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcpk-folders-'));

it('makes all folders that are not there, with their mode', () => {
  makeFolders(join(folder, 'a/b/c'), 0o700);
  makeFolders(join(folder, 'a/b/c'), 0o700);
  for (const path of ['a', 'a/b', 'a/b/c']) expect(statSync(join(folder, path)).mode & 0o777).toBe(0o700);
});

it.each([
  ['a file is there', join(folder, 'file'), 'EEXIST'],
  ['a file is above', join(folder, 'file/x/y'), 'ENOTDIR'],
  ['none can be made', '/proc/foo/m1/x', 'ENOENT'],
])('ends where %s', (_what, path, code) => {
  writeFileSync(join(folder, 'file'), '');
  expect(() => makeFolders(path)).toThrow(expect.objectContaining({ code }) as Error);
});
