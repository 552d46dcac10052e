import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Secret, revealed } from '../../src/core/secret.ts';
import { createAuthority } from '../../src/pki/authority.ts';
import type { FileResource, Resource } from '../../src/resources/types.ts';
import { containerdConfig } from '../../src/states/containerd/config.ts';
import { runtime } from '../../src/states/runtime.ts';
import { contextOf, factsOf, labCluster } from './cluster.ts';

async function laid(...registries: object[]): Promise<FileResource[]> {
  const cluster = await labCluster(JSON.stringify({ registries }));
  const all = runtime.states(contextOf(cluster, 'w1', factsOf(cluster)));
  return (all as Resource[]).filter((each): each is FileResource => each.kind === 'file');
}

function textOf(files: readonly FileResource[], path: string): string {
  const content = files.find((each) => each.path === path)?.content;
  return content instanceof Secret ? content.reveal() : (content ?? '');
}

const HOSTS = (name: string): string => `/etc/containerd/certs.d/${name}/hosts.toml`;

describe('credentials of registries', () => {
  it.each<[string, object, Record<string, [string, string]>]>([
    ['a registry', { name: 'r.example:5000', username: 'u', password: 'p' }, { 'r.example:5000': ['u', 'p'] }],
    [
      'docker.io, which is another host',
      { name: 'docker.io', username: 'u', password: 'p' },
      { 'registry-1.docker.io': ['u', 'p'] },
    ],
    ['none', { name: 'docker.io' }, {}],
    [
      'a mirror, which does not get those of the registry',
      {
        name: 'docker.io',
        username: 'u',
        password: 'p',
        mirrors: [{ url: 'https://m.example:443/v2/x', username: 'v', password: 'q' }, 'https://n.example'],
      },
      { 'registry-1.docker.io': ['u', 'p'], 'm.example:443': ['v', 'q'] },
    ],
  ])('lie where the token service gets them too: %s', async (_name, registry, wanted) => {
    const cluster = await labCluster(JSON.stringify({ registries: [registry] }));
    const configs = Object.fromEntries(
      Object.entries(wanted).map(([host, [username, password]]) => [host, { auth: { username, password } }]),
    );
    for (const [major, plugin] of [
      [1, 'io.containerd.grpc.v1.cri'],
      [2, 'io.containerd.cri.v1.images'],
    ] as const) {
      const { host } = contextOf(cluster, 'w1', factsOf(cluster));
      const { plugins } = revealed(containerdConfig(cluster, host, major)) as {
        plugins: Record<string, { registry: object }>;
      };
      expect(plugins[plugin]?.registry).toEqual({
        config_path: '/etc/containerd/certs.d',
        ...(Object.keys(configs).length > 0 ? { configs } : {}),
      });
    }
  });

  it('are shown nowhere, and only root reads them', async () => {
    const mirror = { url: 'https://m.example', username: 'v', password: 'hunter3' };
    const files = await laid({ name: 'r.example', username: 'u', password: 'hunter2', mirrors: [mirror] });
    const holding = files.filter(({ path }) => /hunter/.test(textOf(files, path)));
    expect(holding.map(({ path, mode }) => [path, mode])).toEqual([['/etc/containerd/config.toml', '0600']]);
    expect(JSON.stringify(files)).not.toContain('hunter');
  });
});

describe('mirrors', () => {
  it.each([
    ['https://harbor.example.org/v2/proxy', true],
    ['https://harbor.example.org/v2', true],
    ['https://art.example.org/api/docker/v2/remote', true],
    ['https://m.example.org', false],
    ['https://m.example.org/', false],
    ['https://art.example.org/artifactory/api/docker/remote', false],
    ['https://v2.example.org/v20', false],
  ])('%s: its path is the whole one: %s', async (url, whole) => {
    const text = textOf(await laid({ name: 'docker.io', mirrors: [url] }), HOSTS('docker.io'));
    expect(text).toBe(
      `server = "https://registry-1.docker.io"\n\n[host."${url}"]\ncapabilities = ["pull", "resolve"]\n${whole ? 'override_path = true\n' : ''}`,
    );
  });

  it('and the registry are held to their own authorities, each a text or its file', async () => {
    const one = await authority('one');
    const two = await authority('two');
    const file = join(await mkdtemp(join(tmpdir(), 'mcpk-authority-')), 'ca.crt');
    await writeFile(file, two);
    const files = await laid({ name: 'r.example', ca: one, mirrors: [{ url: 'https://m.example:5000', ca: file }] });
    expect(textOf(files, '/etc/containerd/certs.d/r.example/registry.crt')).toBe(one);
    expect(textOf(files, '/etc/containerd/certs.d/r.example/mirror-1.crt')).toBe(two);
    expect(textOf(files, HOSTS('r.example'))).toBe(`server = "https://r.example"

[host."https://m.example:5000"]
capabilities = ["pull", "resolve"]
ca = "/etc/containerd/certs.d/r.example/mirror-1.crt"

[host."https://r.example"]
capabilities = ["pull", "resolve"]
ca = "/etc/containerd/certs.d/r.example/registry.crt"
`);
  });
});

async function authority(commonName: string): Promise<string> {
  const recipe = { type: 'authority', commonName, days: 10, keyAlgorithm: 'ecdsa-p256' } as const;
  return (await createAuthority(recipe, new Date())).cert;
}
