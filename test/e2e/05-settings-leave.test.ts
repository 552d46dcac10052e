import { writeFile } from 'node:fs/promises';
import { join, dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { host } from '../../lab/lab.ts';
import type { Plan, RunResult } from '../../src/engine/types.ts';
import { eventually, kubectl, mcpkJson, on, overlay } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';

startFrom('ready', { leaves: 'ready' });

const EXTRA = `
registries:
  - {name: registry.k8s.io, mirrors: ["http://10.77.0.1:5000"]}
  - {name: docker.io, mirrors: ["http://10.77.0.1:5000"]}
  - {name: quay.io, mirrors: ["http://10.77.0.1:5000"]}
system:
  sysctls: {net.core.somaxconn: "8192"}
addons:
  manifests:
    - {name: extra, source: extra.yaml}
hosts:
  - {name: w1, labels: {disk: fast}, kubelet: {config: {maxPods: 61}}}
`;

const MANIFEST = `
apiVersion: v1
kind: ConfigMap
metadata: {name: from-inventory, namespace: default}
data: {answer: "42"}
`;

const exists = async (name: string, path: string): Promise<boolean> =>
  (await host(name, ['test', '-e', path])).code === 0;

/** A kubelet tells the API how many pods it takes once it has started. */
const takesPods = (node: string, count: string): Promise<true> =>
  eventually(`${node} takes ${count} pods`, 60, async () =>
    (await kubectl('get', 'node', node, '-o', 'jsonpath={.status.capacity.pods}')) === count ? true : undefined,
  );

describe('settings that come and go', () => {
  it('arrive on the hosts and in the API, and leave again when they are taken out of the inventory', async () => {
    const file = await overlay(EXTRA);
    await writeFile(join(dirname(file), 'extra.yaml'), MANIFEST);
    await mcpkJson<RunResult>(['apply', '--yes'], 0, [file]);
    expect(await exists('w2', '/etc/containerd/certs.d/quay.io/hosts.toml')).toBe(true);
    expect(await on('w2', 'cat', '/etc/sysctl.d/zz-mcpk.conf')).toContain('net.core.somaxconn');
    expect(await kubectl('get', 'configmap', 'from-inventory', '-o', 'jsonpath={.data.answer}')).toBe('42');
    expect(await kubectl('get', 'node', 'w1', '-o', 'jsonpath={.metadata.labels.disk}')).toBe('fast');
    await Promise.all([takesPods('w1', '61'), takesPods('w2', '110')]);
    expect((await mcpkJson<Plan>(['plan'], 0, [file])).summary.changes).toBe(0);

    const plan = await mcpkJson<Plan>(['plan'], 2);
    expect(plan.summary.removals).toBeGreaterThan(0);
    await mcpkJson<RunResult>(['apply', '--yes'], 0);
    expect(await exists('w2', '/etc/containerd/certs.d/quay.io/hosts.toml')).toBe(false);
    expect(await on('w2', 'cat', '/etc/sysctl.d/zz-mcpk.conf')).not.toContain('net.core.somaxconn');
    expect(await kubectl('get', 'configmap', 'from-inventory', '--ignore-not-found')).toBe('');
    expect(await kubectl('get', 'node', 'w1', '-o', 'jsonpath={.metadata.labels.disk}')).toBe('');
    await takesPods('w1', '110');
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
  });
});
