import { execFileSync } from 'node:child_process';
import { chmod, lstat, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { checkEditable, writeEdit } from '../../src/commands/shared/write-edit.ts';
import { withHostState } from '../../src/inventory/edit-state.ts';
import { load, type LoadOptions } from '../../src/inventory/load.ts';
import { AWAY, INVENTORY, inventory, mcpk } from './support.ts';

describe('reset', () => {
  it.each([[['reset', '--yes']], [['reset']], [['reset', '--json', '--cluster', 'small']]])(
    'without anybody to ask wants the name of the cluster: %j',
    async (words) => {
      const said = await mcpk([...words, '-i', await inventory()]);
      expect(said.code).toBe(64);
      expect(`${said.stdout}${said.stderr}`).toContain('--yes --cluster NAME');
      expect(`${said.stdout}${said.stderr}`).not.toContain('--cluster small');
    },
  );

  it('of another cluster than the one that is meant is refused', async () => {
    const said = await mcpk(['reset', '--yes', '--cluster', 'large', '-i', await inventory()]);
    expect([said.code, said.stderr]).toEqual([18, expect.stringContaining('of the cluster small, not of "large"')]);
  });

  it('of a host that is not there is refused', async () => {
    const said = await mcpk(['reset', 'm33', '--yes', '--cluster', 'small', '-i', await inventory()]);
    expect([said.code, said.stderr]).toEqual([18, expect.stringContaining('Did you mean m3?')]);
  });
});

describe('node remove', () => {
  it('leaves the inventory as it is where it comes to nothing', async () => {
    const file = await inventory();
    await chmod(file, 0o640);
    const said = await mcpk(['node', 'remove', 'm3', '--yes', '-i', file]);
    expect(said.code).toBe(11);
    expect(said.stderr.match(/The inventory is as it was\./g)).toHaveLength(1);
    // What is not done is not shown as if it were.
    expect(said.stderr).not.toContain('state: absent');
    expect([await readFile(file, 'utf8'), (await stat(file)).mode & 0o777]).toEqual([INVENTORY, 0o640]);
  });

  it('of hosts of which none answers says so once, of all of them', async () => {
    const said = await mcpk(['node', 'remove', 'm3', '--yes', '-i', await inventory(AWAY)]);
    expect(said.stderr.match(/✖.*/g)).toEqual([expect.stringMatching(/^✖ all: .* \(exit 11\)$/)]);
  });

  it('never takes the last master', async () => {
    const one = INVENTORY.split('\n')
      .filter((line) => !/name: m[12],/.test(line))
      .join('\n');
    const said = await mcpk(['node', 'remove', 'm3', '--yes', '-i', await inventory(one)]);
    expect([said.code, said.stderr]).toEqual([18, expect.stringContaining('m3 is the last master (exit 18)')]);
  });

  it('in a file that is no YAML says what is wrong there', async () => {
    const said = await mcpk(['node', 'remove', 'm3', '--yes', '-i', await inventory(`${INVENTORY}---\nhosts: []\n`)]);
    expect([said.code, said.stderr]).toEqual([10, expect.stringContaining('a second YAML document begins here')]);
  });
});

describe('what node remove writes', () => {
  const rewritten = async (file: string, then: () => Promise<void>): Promise<string> => {
    const written: Promise<void>[] = [];
    const rewrite: LoadOptions['rewrite'] = (texts) => {
      const edit = withHostState(texts, 'm3', 'gone');
      if (edit) written.push(then().then(() => writeEdit({ ...edit, path: file })));
      return texts;
    };
    await load([file], { env: {}, rewrite });
    await Promise.all(written);
    return readFile(file, 'utf8');
  };
  const nothing = (): Promise<void> => Promise.resolve();
  const OURS = INVENTORY.replace('name: m3', 'name: m3, state: gone');

  it('is in the file that a link leads to, with its mode, and behind its byte order mark', async () => {
    const file = await inventory(`\uFEFF${INVENTORY}`);
    await chmod(file, 0o640);
    await symlink(file, `${file}.link`);
    expect(await rewritten(`${file}.link`, nothing)).toBe(`\uFEFF${OURS}`);
    expect([(await lstat(`${file}.link`)).isSymbolicLink(), (await stat(file)).mode & 0o777]).toEqual([true, 0o640]);
  });

  it('is told beforehand to have no place in a pipe, or in a file that has gone', async () => {
    const pipe = `${await inventory()}.pipe`;
    execFileSync('mkfifo', [pipe]);
    for (const path of [pipe, `${pipe}.none`])
      await expect(checkEditable(path)).rejects.toMatchObject({ code: 'usage' });
  });

  it('is nothing where somebody else wrote meanwhile', async () => {
    const file = await inventory();
    const change = (): Promise<void> => writeFile(file, `${INVENTORY}# theirs\n`);
    await expect(rewritten(file, change)).rejects.toMatchObject({ code: 'stale' });
    expect(await readFile(file, 'utf8')).toBe(`${INVENTORY}# theirs\n`);
  });
});

describe('a host that there is none of', () => {
  it.each<[string, readonly string[]]>([
    ['node remove', ['node', 'remove', 'm9', '--yes']],
    ['node replace', ['node', 'replace', 'm9', '--yes']],
    ['show', ['show', 'm9']],
    ['reset', ['reset', 'm9', '--yes', '--cluster', 'small']],
    ['plan --limit', ['plan', '--limit', 'm9']],
    ['etcd recover --from', ['etcd', 'recover', '--from', 'm9', '--yes', '--cluster', 'small']],
  ])('is refused by %s with the nearest one', async (_, words) => {
    const said = await mcpk([...words, '-i', await inventory()]);
    expect([said.code, said.stderr.split('\n').slice(0, 2)]).toEqual([
      18,
      ['✖ there is no host "m9" (exit 18)', '  hint  Did you mean m1?'],
    ]);
  });
});

describe('a host that leaves', () => {
  const leaving = (state: string): Promise<string> =>
    inventory(INVENTORY.replace('[master] }\nnetwork', `[master], state: ${state} }\nnetwork`));

  it.each<[string, readonly string[]]>([
    ['gone', ['reset', 'm3', '--yes', '--cluster', 'small']],
    ['gone', ['show', 'm3']],
    ['absent', ['show', 'm3']],
    ['gone', ['plan', '--limit', 'm3']],
    ['gone', ['etcd', 'recover', '--from', 'm3', '--yes', '--cluster', 'small']],
  ])('state: %s is said to be that by %j', async (state, words) => {
    const said = await mcpk([...words, '-i', await leaving(state)]);
    expect([said.code, said.stderr.split('\n').slice(0, 2)]).toEqual([
      18,
      [`✖ m3 is \`state: ${state}\` (exit 18)`, expect.stringContaining(`A host that is ${state} is`)],
    ]);
  });
});

describe('node replace', () => {
  it('of a host that leaves says how it comes back', async () => {
    const leaving = INVENTORY.replace('[master] }\nnetwork', '[master], state: absent }\nnetwork');
    const said = await mcpk(['node', 'replace', 'm3', '--yes', '-i', await inventory(leaving)]);
    expect([said.code, said.stderr]).toEqual([
      18,
      expect.stringContaining('m3 is absent: there is nothing to replace'),
    ]);
  });

  it('of the only master is refused before anybody is asked for its key', async () => {
    const one = INVENTORY.split('\n')
      .filter((line) => !/name: m[12],/.test(line))
      .join('\n');
    const said = await mcpk(['node', 'replace', 'm3', '--yes', '-i', await inventory(one)]);
    expect([said.code, said.stderr]).toEqual([18, expect.stringContaining('the only host with the role')]);
  });
});
