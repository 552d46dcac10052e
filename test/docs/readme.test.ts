import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { etcdRange, kubernetesRange } from '../../src/core/versions.ts';
import { readSchema, schemaAt } from '../../src/inventory/schema.ts';

const README = readFileSync('README.md', 'utf8');

it('names the versions that mcpk takes, as the settings do', () => {
  expect(README).toContain(`Kubernetes ${kubernetesRange()}, with etcd ${etcdRange()}.`);
  const schema = readSchema();
  expect(schemaAt(schema, ['versions', 'kubernetes'])?.description).toBe(`Kubernetes: ${kubernetesRange()}.`);
  expect(schemaAt(schema, ['versions', 'etcd'])?.description).toBe(`etcd: ${etcdRange()}.`);
});

it('names one Node for all, that of package.json', () => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
  const named = [...README.matchAll(/Node ≥ ([\d.]+\d)/g)].map(([, version]) => `>=${version}`);
  expect(named).toEqual([engines.node, engines.node]);
});
