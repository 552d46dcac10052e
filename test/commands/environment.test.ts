import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { allowedVariables } from '../../src/commands/shared/cluster.ts';
import { hiding, hidingIn, withoutHidden } from '../../src/commands/shared/hiding.ts';
import { McpkError } from '../../src/core/errors.ts';
import { Secret } from '../../src/core/secret.ts';
import { asErrors } from '../../src/engine/work/run-state.ts';
import type { Event } from '../../src/engine/types.ts';
import { FACTS } from '../fixtures/plan.ts';
import { INVENTORY, inventory, loadedConfig, mcpk, scratch } from './support.ts';

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
    const { commands } = await loadedConfig();
    const reading = commands.filter(({ flags }) => 'inventory' in flags);
    expect(reading.length).toBeGreaterThan(12);
    expect(reading.filter(({ flags }) => !('env' in flags)).map(({ id }) => id)).toEqual([]);
  });
});

describe('a secret of the environment', () => {
  afterEach(() => vi.unstubAllEnvs());
  const TOKEN = 'hunter2-of-the-token';
  const SECRETS = `${INVENTORY}etcd: { environment: { TOKEN: '\${MCPK_TOKEN}' }, config: { a: '\${MCPK_TOKEN}' } }
haproxy: { extraGlobal: ['# \${MCPK_TOKEN}'] }
pillar: { token: '\${MCPK_TOKEN}' }
`;

  it('is in nothing that render writes or prints', async () => {
    vi.stubEnv('MCPK_TOKEN', TOKEN);
    const folder = join(await scratch(), 'out');
    for (const json of [[], ['--json']]) {
      const said = await mcpk(['render', folder, '-i', await inventory(SECRETS), ...json]);
      expect(said.code).toBe(0);
      expect(said.stdout + said.stderr).not.toContain(TOKEN);
    }
    const names = await readdir(folder, { recursive: true, withFileTypes: true });
    const texts = await Promise.all(
      names.filter((each) => each.isFile()).map((each) => readFile(join(each.parentPath, each.name), 'utf8')),
    );
    expect(texts).toContain('<secret etcd.environment.TOKEN>\n');
    expect(texts.filter((text) => text.includes(TOKEN))).toEqual([]);
  });

  it('is not in what is said of a URL that does not answer', async () => {
    vi.stubEnv('MCPK_TOKEN', TOKEN);
    const source = `{ name: a, source: 'https://127.0.0.1:1/\${MCPK_TOKEN}/a.yaml', sha256: '${'0'.repeat(64)}' }`;
    const file = await inventory(`${INVENTORY}addons: { manifests: [${source}] }\n`);
    for (const json of [[], ['--json']]) {
      const said = await mcpk(['render', join(await scratch(), 'out'), '-i', file, ...json]);
      expect(said.code).toBe(20);
      expect(said.stdout + said.stderr).toContain('https://127.0.0.1:1/${MCPK_TOKEN}/a.yaml');
      expect(said.stdout + said.stderr).not.toContain(TOKEN);
    }
  });
});

describe('what hosts say', () => {
  const hidden = [new Secret('hunter2', '${MCPK_TOKEN}')];

  it('goes on as an event without the secret in it', () => {
    const heard: Event[] = [];
    const emit = hiding((event) => heard.push(event), hidden);
    const error = new McpkError('unreachable', 'no hunter2', { host: 'm1' });
    emit({ at: 1, type: 'warning', host: 'hunter2', message: 'bad: hunter2' });
    emit({ at: 2, type: 'gate', stage: 's', title: 't', status: 'waiting', seen: 'hunter2', ms: 1 });
    emit({ at: 3, type: 'unreachable', host: 'm1', error });
    expect(heard).toEqual([
      { at: 1, type: 'warning', host: 'hunter2', message: 'bad: ${MCPK_TOKEN}' },
      { at: 2, type: 'gate', stage: 's', title: 't', status: 'waiting', seen: '${MCPK_TOKEN}', ms: 1 },
      { at: 3, type: 'unreachable', host: 'm1', error },
    ]);
    expect(error.message).toBe('no ${MCPK_TOKEN}');
  });

  it('is in no result, where names of hosts are what they are', () => {
    const result = { hosts: [{ name: 'hunter2-m1', said: ['a hunter2', 1, null] }] };
    expect(hidingIn(result, hidden, [{ name: 'hunter2-m1' }])).toEqual({
      hosts: [{ name: 'hunter2-m1', said: ['a ${MCPK_TOKEN}', 1, null] }],
    });
  });

  it('is in an error of a run without the secret in it', () => {
    const [error] = asErrors(new McpkError('stage', 'haproxy: hunter2', { details: ['hunter2'] }), 'haproxy', hidden);
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });

  it('is in the facts without the secret in it', () => {
    const [[name, host] = ['', undefined]] = [...FACTS.hosts];
    const facts = { ...FACTS, hosts: new Map(host ? [[name, { ...host, files: { '/e': 'a: hunter2' } }]] : []) };
    expect(withoutHidden(facts, hidden).hosts.get(name)?.files).toEqual({ '/e': 'a: ${MCPK_TOKEN}' });
  });
});
