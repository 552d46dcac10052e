import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { untilChanged } from '../../src/core/until-changed.ts';

const folder = mkdtempSync(join(tmpdir(), 'mcpk-until-'));

function reader(name: string): { file: string; read: () => string; times: () => number } {
  const file = join(folder, name);
  let times = 0;
  const read = untilChanged((path) => {
    times += 1;
    return readFileSync(path, 'utf8');
  });
  return { file, read: () => read(file), times: () => times };
}

it('reads a file once as long as nobody touches it', () => {
  const { file, read, times } = reader('same');
  writeFileSync(file, 'one');
  expect([read(), read(), read(), times()]).toEqual(['one', 'one', 'one', 1]);
});

it.for<[string, (file: string) => void, string]>([
  ['a line is added', (file) => appendFileSync(file, ' two'), 'one two'],
  ['it is written anew', (file) => writeFileSync(file, 'two'), 'two'],
  [
    'another file takes its place',
    (file) => (writeFileSync(`${file}.new`, 'two'), renameSync(`${file}.new`, file)),
    'two',
  ],
])('reads it again when %s', ([name, move, then]) => {
  const { file, read } = reader(name.replaceAll(' ', '-'));
  writeFileSync(file, 'one');
  read();
  move(file);
  expect(read()).toBe(then);
});

it('does not go on with what a file said that is gone, nor keep that it was not there', () => {
  const { file, read } = reader('gone');
  writeFileSync(file, 'one');
  read();
  rmSync(file);
  expect(read).toThrow('ENOENT');
  writeFileSync(file, 'two');
  expect(read()).toBe('two');
});
