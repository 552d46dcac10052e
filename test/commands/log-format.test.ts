import { dirname } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AWAY, INVENTORY, inventory, mcpk } from './support.ts';

const WRONG = INVENTORY.replace('[master]', '[masterr]');

afterEach(() => vi.unstubAllEnvs());

describe('in a workflow of GitHub', () => {
  it('a mistake of the inventory is told at its file and line, below the text', async () => {
    const file = await inventory(WRONG);
    const plain = await mcpk(['validate', '-i', file]);
    vi.stubEnv('GITHUB_ACTIONS', 'true');
    vi.stubEnv('GITHUB_WORKSPACE', dirname(file));
    const said = await mcpk(['validate', '-i', file]);
    expect(said.code).toBe(10);
    expect(said.stderr.startsWith(plain.stderr)).toBe(true);
    expect(said.stderr.slice(plain.stderr.length)).toBe(
      '::group::annotations\n' +
        '::error file=mcpk.yaml,line=7,col=45,title=mcpk (exit 10)::hosts[0].roles[0]: "masterr" is not one of master, etcd, worker; did you mean master?\n' +
        '::endgroup::\n',
    );
    expect(await mcpk(['validate', '-i', file, '--log-format', 'plain'])).toEqual(plain);
  });

  it('a file outside of the repository has no place in it', async () => {
    vi.stubEnv('GITHUB_ACTIONS', 'true');
    vi.stubEnv('GITHUB_WORKSPACE', '/nowhere');
    const said = await mcpk(['validate', '-i', await inventory(WRONG)]);
    expect(said.stderr).toContain('\n::error title=mcpk (exit 10)::hosts[0].roles[0]: ');
  });

  it('what fails alike on several hosts is one annotation', async () => {
    const said = await mcpk(['verify', '-i', await inventory(AWAY), '--log-format', 'github']);
    expect(said.code).toBe(11);
    expect(said.stderr.match(/^::error .*/gm)).toEqual([
      expect.stringMatching(/^::error title=mcpk \(exit 11\)::m1, m2, m3: .*%0A/),
    ]);
  });

  it('--json is what it is elsewhere, and all that is written', async () => {
    const words = ['verify', '-i', await inventory(WRONG), '--json'];
    const said = await mcpk(words);
    vi.stubEnv('GITHUB_ACTIONS', 'true');
    expect(await mcpk(words)).toEqual(said);
    expect(said.stderr).toBe('');
  });
});

it('a format that is none is wrong usage, and names those that are', async () => {
  const said = await mcpk(['plan', '--log-format', 'jenkins']);
  expect([said.code, said.stderr]).toEqual([
    64,
    expect.stringContaining('--log-format=jenkins is none of auto, plain, github, gitlab (exit 64)'),
  ]);
});
