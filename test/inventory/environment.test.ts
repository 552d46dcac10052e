import { describe, expect, it } from 'vitest';
import { ENV, ONE, errorOf, loadYaml, mistakesOf } from './load-text.ts';

const TOKEN = 'hunter2-of-the-token';
const WITH = { ...ENV, CI_TOKEN: TOKEN, MCPK_CI_TOKEN: TOKEN, EMPTY: '' };
const REFUSED = (name: string): string =>
  `the environment variable ${name} is not allowed here: allow it with --env ${name} or in MCPK_ENV, or give the value as MCPK_…`;

describe('a variable that the operator does not allow', () => {
  it.each([
    [
      'the address of a mirror',
      'artifacts: { mirrors: { kubernetes: "http://x/${CI_TOKEN}" } }',
      'artifacts.mirrors.kubernetes',
    ],
    ['the address of a host', 'endpoint: { address: "${CI_TOKEN}.example.org", external: true }', 'endpoint.address'],
    [
      'a manifest',
      'addons: { manifests: [{ name: a, source: "http://x/${CI_TOKEN}" }] }',
      'addons.manifests[0].source',
    ],
    ['a login name', 'ssh: { user: "${CI_TOKEN}" }', 'ssh.user'],
    ['a secret', 'ssh: { becomePassword: "${CI_TOKEN}" }', 'ssh.becomePassword'],
    ['a number', 'ssh: { port: "${CI_TOKEN}" }', 'ssh.port'],
    ['free data', 'pillar: { a: [{ b: "${CI_TOKEN}" }] }', 'pillar.a[0].b'],
  ])('is a mistake in %s', async (_name, text, path) => {
    const column = text.indexOf('"') + 1;
    const error = await errorOf(`${ONE}${text}`, WITH);
    expect(error.exitCode).toBe(10);
    expect(error.details).toEqual([`a.yaml:3:${String(column)} ${path}: ${REFUSED('CI_TOKEN')}`]);
    expect(JSON.stringify(error)).not.toContain(TOKEN);
  });

  it.each(['${CI_TOKEN:-plain}', '${EMPTY:-plain}'])('is a mistake with a default too: %s', async (text) => {
    const [line] = await mistakesOf(`${ONE}ssh: { user: '${text}' }`, WITH);
    expect(line).toContain('is not allowed here');
  });

  it('gives its default where it is not set', async () => {
    expect((await loadYaml(`${ONE}ssh: { user: '\${CI_USER:-ops}' }`, WITH)).hosts[0]?.ssh.user).toBe('ops');
  });

  it('is never told as the name that was likely meant', async () => {
    const meant = (name: string, allowed: readonly string[] = []): Promise<unknown> =>
      loadYaml(`${ONE}ssh: { user: '\${${name}}' }`, WITH, allowed).catch(
        (error: unknown) => (error as Error).cause ?? error,
      );
    expect(JSON.stringify(await meant('CI_TOKN'))).not.toContain('CI_TOKEN');
    expect(JSON.stringify(await meant('CI_TOKN', ['CI_TOKEN']))).toContain('did you mean CI_TOKEN?');
    expect(JSON.stringify(await meant('MCPK_CI_TOKN'))).toContain('did you mean MCPK_CI_TOKEN?');
  });
});

describe('a variable that the operator allows', () => {
  it.each([
    ['by its name', 'CI_USER', ['CI_USER']],
    ['by its prefix', 'MCPK_USER', []],
  ])('%s stands for its value', async (_name, name, allowed) => {
    const cluster = await loadYaml(`${ONE}ssh: { user: '\${${name}}' }`, { ...ENV, [name]: 'ada' }, allowed);
    expect(cluster.hosts[0]?.ssh.user).toBe('ada');
  });

  it.each(['XMCPK_USER', 'mcpk_user', 'MCPKUSER', 'CI_USER_2'])('does not let %s in', async (name) => {
    const loading = loadYaml(`${ONE}ssh: { user: '\${${name}}' }`, { ...ENV, [name]: 'ada' }, ['CI_USER']);
    await expect(loading).rejects.toMatchObject({ details: [expect.stringContaining(REFUSED(name))] });
  });
});

it('of a file that is not there the place is shown, and no value of the environment in it', async () => {
  const yaml = `${ONE}registries: [{ name: a.io, ca: "./\${MCPK_CA}.pem" }]`;
  expect(await mistakesOf(yaml, { HOME: '/home/ada', MCPK_CA: 'geheim' })).toEqual([
    'a.yaml:3:32 registries[0].ca: /srv/${MCPK_CA}.pem: there is no such file',
  ]);
});
