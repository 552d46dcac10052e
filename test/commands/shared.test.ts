import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inventoryFiles } from '../../src/commands/shared/cluster.ts';
import { commandLine } from '../../src/commands/shared/command-line.ts';
import { copyable } from '../../src/commands/shared/copyable.ts';
import { readFacts } from '../../src/commands/shared/facts-file.ts';
import { McpkError } from '../../src/core/errors.ts';
import { writeInto as write } from '../../src/commands/shared/output-folder.ts';
import { toJson } from '../../src/report/json.ts';
import { FACTS } from '../fixtures/plan.ts';
import { scratch } from './support.ts';

describe('inventoryFiles', () => {
  it.each([
    [['a.yaml', 'b.yaml'], { MCPK_INVENTORY: 'c.yaml' }, ['a.yaml', 'b.yaml']],
    [undefined, { MCPK_INVENTORY: 'c.yaml:d.yaml' }, ['c.yaml', 'd.yaml']],
    [undefined, {}, ['mcpk.yaml']],
  ])('%j with %j are %j', (named, env, files) => expect(inventoryFiles(named, env)).toEqual(files));
});

it('inventoryFiles says how MCPK_INVENTORY joins files', () => {
  expect(() => inventoryFiles(undefined, { MCPK_INVENTORY: 'a.yaml,b.yaml' })).toThrow(
    expect.objectContaining({
      code: 'invalid',
      hint: expect.stringContaining('base.yaml:berlin.yaml') as string,
    }) as Error,
  );
});

describe('commandLine', () => {
  it.each([
    [{ inventory: ['a.yaml', 'b.yaml'] }, 'mcpk apply -i a.yaml -i b.yaml'],
    [{ limit: 'role:worker and not w2' }, "mcpk apply --limit 'role:worker and not w2'"],
    [{ only: ['etcd', 'nodes'], yes: true }, 'mcpk apply --only etcd,nodes --yes'],
    [{ limit: "it's" }, "mcpk apply --limit 'it'\\''s'"],
    [{ yes: false, limit: undefined }, 'mcpk apply'],
  ])('%j is %s', (flags, text) =>
    expect(commandLine('apply', flags, ['inventory', 'limit', 'only', 'yes'])).toBe(text),
  );
});

describe('readFacts', () => {
  it('reads what facts --json prints', async () => {
    const file = join(await scratch(), 'facts.json');
    await writeFile(file, JSON.stringify(toJson(FACTS)));
    expect(readFacts(file)).toEqual(FACTS);
  });

  it('reads the members of an etcd, whatever it is', async () => {
    const file = join(await scratch(), 'facts.json');
    const facts = { ...FACTS, etcd: 'down' as const, members: [{ name: 'm1', peerUrls: ['https://10.0.0.1:2380'] }] };
    await writeFile(file, JSON.stringify(toJson(facts)));
    expect(readFacts(file)).toEqual(facts);
    await writeFile(file, JSON.stringify(toJson({ ...facts, members: [{ name: 'm1', peerUrls: 'x' }] })));
    expect(() => readFacts(file)).toThrow(expect.objectContaining({ details: ['members.peerUrls: is no list'] }));
  });

  it.each(['', '[]', '{"hosts":{}}', 'null'])('refuses %j', async (text) => {
    const file = join(await scratch(), 'facts.json');
    await writeFile(file, text);
    expect(() => readFacts(file)).toThrow(expect.objectContaining({ code: 'usage' }));
  });
});

const writeInto = (folder: string, files: Parameters<typeof write>[1], signal = new AbortController().signal) =>
  write(folder, files, signal);

describe('writeInto', () => {
  it('ends between two files when it is told to, and knows of what it left', async () => {
    const folder = join(await scratch(), 'out');
    const reason = new McpkError('interrupted', 'interrupted');
    const files = [{ path: 'm1/a', text: 'a' }];
    await expect(writeInto(folder, files, AbortSignal.abort(reason))).rejects.toBe(reason);
    await writeInto(folder, files);
    expect(await readdir(join(folder, 'm1'))).toEqual(['a']);
  });

  it('removes what it wrote itself, and leaves all else', async () => {
    const folder = join(await scratch(), 'out');
    await writeInto(folder, [
      { path: 'm1/etc/a', text: 'a' },
      { path: 'm2/etc/a', text: 'a' },
    ]);
    await mkdir(join(folder, '.git'));
    await writeFile(join(folder, '.git/config'), 'mine');
    await writeFile(join(folder, 'm1/notes'), 'mine');
    await writeInto(folder, [{ path: 'm1/b', text: 'b' }]);
    expect((await readdir(folder, { recursive: true })).toSorted()).toEqual(
      ['.git', '.git/config', '.mcpk-render', 'm1', 'm1/b', 'm1/notes'].toSorted(),
    );
  });

  it.each<[string, (folder: string) => Promise<unknown>, RegExp]>([
    ['a file of somebody else', (folder) => writeFile(join(folder, 'm1/b'), 'mine'), /m1\/b is there/],
    ['a link in the place of a folder', (folder) => symlink('/tmp', join(folder, 'm2')), /m2 is there/],
    ['a list that is none', (folder) => writeFile(join(folder, '.mcpk-render'), ''), /holds other things/],
  ])('does not touch a folder with %s', async (_what, lay, message) => {
    const folder = join(await scratch(), 'out');
    await writeInto(folder, [{ path: 'm1/a', text: 'a' }]);
    await lay(folder);
    const again = writeInto(folder, [
      { path: 'm1/b', text: 'b' },
      { path: 'm2/b', text: 'b' },
    ]);
    await expect(again).rejects.toMatchObject({ code: 'usage', message: expect.stringMatching(message) as string });
    expect(await readFile(join(folder, 'm1/a'), 'utf8')).toBe('a');
  });

  it('removes nothing outside, whatever the list names and wherever links lead', async () => {
    const outside = await scratch();
    await writeFile(join(outside, 'a'), 'mine');
    const folder = join(outside, 'out');
    await mkdir(folder);
    await symlink(outside, join(folder, 'm1'));
    await writeFile(join(folder, '.mcpk-render'), '["m1/a", "../a"]');
    await writeInto(folder, [{ path: 'm2/a', text: 'a' }]);
    expect(await readFile(join(outside, 'a'), 'utf8')).toBe('mine');
  });

  it('says that a file is no folder', async () => {
    const file = join(await scratch(), 'mcpk.yaml');
    await writeFile(file, '');
    await expect(writeInto(file, [])).rejects.toMatchObject({ message: `${file} is no folder` });
  });

  it('writes again over its own, and lets no path lead out of it', async () => {
    const folder = join(await scratch(), 'out');
    await writeInto(folder, [{ path: 'm1/a', text: 'a' }]);
    await writeInto(folder, [{ path: 'm1/b', text: 'b' }]);
    await expect(writeInto(folder, [{ path: 'm1/../../x', text: '' }])).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('a command in a hint', () => {
  const hinted = (hint: string): string | undefined =>
    copyable(new McpkError('stage', 'x', { hint }), { inventory: ['a b.yaml'], env: ['TOKEN'] }).hint;

  it.each([
    ['mcpk exec --limit m1 -- id', "mcpk exec -i 'a b.yaml' --env TOKEN --limit m1 -- id"],
    ['mcpk etcd restore BUNDLE finishes it', "mcpk etcd restore -i 'a b.yaml' --env TOKEN BUNDLE finishes it"],
    ['Run: mcpk node reboot w1', "Run: mcpk node reboot -i 'a b.yaml' --env TOKEN w1"],
    [
      'mcpk apply, then mcpk verify',
      "mcpk apply -i 'a b.yaml' --env TOKEN, then mcpk verify -i 'a b.yaml' --env TOKEN",
    ],
  ])('finds the inventory of this one: %s', (hint, told) => {
    expect(hinted(hint)).toBe(told);
  });

  it.each([
    'mcpk plan --help shows what it takes.',
    'mcpk apply -i b.yaml',
    'Name a file of mcpk etcd snapshot.',
    'mcpk explain network',
  ])('is left as it is: %s', (hint) => {
    expect(hinted(hint)).toBe(hint);
  });
});
