import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { renderInventoryDoc } from '../../src/inventory/document.ts';
import { load, loadTexts } from '../../src/inventory/load.ts';
import { renderReference } from '../../src/inventory/reference.ts';
import { ANNOTATIONS, readSchema, resolve, type JsonSchema } from '../../src/inventory/schema.ts';
import { bareSettings } from './bare-settings.ts';
import { loadYaml } from './load-text.ts';

const schema = readSchema();
const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const file = (name: string): string => new URL(`../../inventories/${name}`, import.meta.url).pathname;
const ENV = {
  HOME: '/home/ada',
  MCPK_LAB_SSH_KEY: '/k',
  MCPK_LAB_KNOWN_HOSTS: '/h',
  MCPK_LAB_CALICO_MANIFEST: '/c.yaml',
};

describe('the schema', () => {
  it('is a valid one, without a word that is not known', () => {
    const ajv = new Ajv({ strict: true, allowUnionTypes: true, strictRequired: true });
    ajv.addVocabulary([...ANNOTATIONS]);
    expect(() => ajv.compile(schema)).not.toThrow();
  });

  it('describes every setting, and gives each a default, one in words, or an example', () => {
    expect(bareSettings(schema)).toEqual([]);
  });

  it('accepts its own examples and defaults', () => {
    const ajv = new Ajv({ strict: false });
    const validate = (part: JsonSchema, value: unknown): boolean =>
      ajv.validate({ ...part, definitions: schema.definitions }, value);
    const wrong: string[] = [];
    const visit = (path: string, raw: JsonSchema): void => {
      const { default: fallback, examples = [], ...rest } = resolve(raw, schema);
      const values = rest.properties === undefined && fallback !== undefined ? [fallback, ...examples] : examples;
      for (const value of values) if (!validate(rest, value)) wrong.push(`${path}: ${JSON.stringify(value)}`);
      for (const [key, child] of Object.entries(rest.properties ?? {})) visit(`${path}.${key}`, child);
    };
    for (const [key, child] of Object.entries(schema.properties ?? {})) visit(key, child);
    expect(wrong).toEqual([]);
  });
});

describe('what is made from the schema', () => {
  // Out of step? npm run generate
  it('inventories/reference.yaml is in step', () => {
    expect(read('inventories/reference.yaml')).toBe(renderReference(schema));
  });

  it('docs/inventory.md is in step', () => {
    expect(read('docs/inventory.md')).toBe(renderInventoryDoc(schema));
  });

  it('the reference shows the true defaults: it loads to the same cluster as one that says nothing', async () => {
    const { hosts, ...reference } = await load([file('reference.yaml')], { env: ENV });
    const short = 'name: lab\nendpoint: { address: 192.168.10.100 }\nhosts:\n';
    const lines = hosts.map(
      (host) =>
        `- { name: ${host.name}, address: ${host.address}, roles: [${host.roles.filter((role) => role !== 'etcd').join()}] }\n`,
    );
    const { hosts: same, ...bare } = await loadYaml(short + lines.join(''));
    expect({ ...reference, files: [] }).toEqual({ ...bare, files: [] });
    const unplaced = (list: typeof hosts): object[] => list.map((host) => ({ ...host, source: '' }));
    expect(unplaced(hosts)).toEqual(unplaced(same));
  });

  it('the reference still loads with every example in it switched on', async () => {
    const text = read('inventories/reference.yaml').replace(/^( *)#(?=[^\s#])/gm, '$1');
    const cluster = await loadTexts([{ file: 'reference.yaml', text }], {
      env: { ...ENV, MCPK_SUDO_PASSWORD: 'a', MCPK_REGISTRY_PASSWORD: 'b' },
    });
    expect(cluster).toMatchObject({ registries: [{ name: 'registry.k8s.io' }], endpoint: { interface: 'eth0' } });
  });

  it('the reference names every setting', () => {
    const text = read('inventories/reference.yaml');
    const missing = Object.entries(schema.properties ?? {}).flatMap(([section, raw]) =>
      [section, ...Object.keys(resolve(raw, schema).properties ?? {})].filter(
        (key) => !new RegExp(`^ *#?(- )?${key}:`, 'm').test(text),
      ),
    );
    expect(missing).toEqual([]);
  });
});

describe('the inventories of the repository', () => {
  it.each(['lab', 'three-masters', 'one-master', 'external-endpoint', 'etcd-hosts', 'reference'])(
    '%s.yaml loads, without a warning, and names the schema in its first line',
    async (name) => {
      const cluster = await load([file(`${name}.yaml`)], { env: ENV });
      expect(cluster.warnings).toBeUndefined();
      expect(read(`inventories/${name}.yaml`).split('\n')[0]).toBe(
        '# yaml-language-server: $schema=../schema/cluster.v1.schema.json',
      );
    },
  );

  it('three masters and two workers take about twenty lines', () => {
    expect(read('inventories/three-masters.yaml').trim().split('\n').length).toBeLessThanOrEqual(20);
  });

  it('the lab is what the lab boots', async () => {
    const cluster = await load([file('lab.yaml')], { env: ENV });
    expect(cluster.hosts.map((host) => `${host.name} ${host.address} ${host.roles.join('+')}`)).toEqual([
      'm1 10.77.0.11 master+etcd',
      'm2 10.77.0.12 master+etcd',
      'm3 10.77.0.13 master+etcd',
      'w1 10.77.0.21 worker',
      'w2 10.77.0.22 worker',
    ]);
    expect(cluster).toMatchObject({
      endpoint: { address: '10.77.0.100' },
      network: { plugin: 'calico', calico: { manifest: '/c.yaml' } },
      haproxy: { maxconn: 4000 },
      kubelet: { config: { failCgroupV1: false } },
    });
    expect(cluster.hosts[0]?.ssh).toMatchObject({ identityFiles: ['/k'], knownHostsFiles: ['/h'], agent: false });
  });
});
