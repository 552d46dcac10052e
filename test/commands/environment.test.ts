import { Config } from '@oclif/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fromSources } from '../../scripts/from-sources.ts';
import { allowedVariables } from '../../src/commands/shared/cluster.ts';
import { INVENTORY, inventory, mcpk } from './support.ts';

const TEXT = INVENTORY.replace('name: small', 'name: small\npillar: { token: "${CI_TOKEN}" }');

describe('--env and MCPK_ENV', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('name what an inventory may use of the environment', async () => {
    vi.stubEnv('CI_TOKEN', 'hunter2-of-the-token');
    const file = await inventory(TEXT);
    const refused = await mcpk(['validate', '-i', file]);
    expect(refused.code).toBe(10);
    expect(refused.stderr).toContain('--env CI_TOKEN');
    expect((await mcpk(['validate', '-i', file, '--env', 'CI_TOKEN'])).code).toBe(0);
    expect((await mcpk(['validate', '-i', file, '--env', 'OTHER,CI_TOKEN'])).code).toBe(0);
    vi.stubEnv('MCPK_ENV', 'OTHER, CI_TOKEN');
    expect((await mcpk(['validate', '-i', file])).code).toBe(0);
  });

  it('add up', () => {
    expect(allowedVariables(['A'], { MCPK_ENV: 'B,C' })).toEqual(['A', 'B', 'C']);
    expect(allowedVariables(undefined, {})).toEqual([]);
  });

  it('hold names, and nothing that means several', async () => {
    const file = await inventory(TEXT);
    const flag = await mcpk(['validate', '-i', file, '--env', 'CI_*']);
    expect(flag.code).toBe(64);
    vi.stubEnv('MCPK_ENV', 'CI_*');
    const listed = await mcpk(['validate', '-i', file]);
    expect(listed.code).toBe(64);
    expect(listed.stderr).toContain('MCPK_ENV: "CI_*" is not the name of an environment variable');
  });

  it('are there for every command that reads an inventory', async () => {
    const { commands } = await Config.load(fromSources());
    const reading = commands.filter(({ flags }) => 'inventory' in flags);
    expect(reading.length).toBeGreaterThan(12);
    expect(reading.filter(({ flags }) => !('env' in flags)).map(({ id }) => id)).toEqual([]);
  });
});
