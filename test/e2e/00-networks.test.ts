import { beforeAll, describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/engine/types.ts';
import { FULL } from '../support/tier.ts';
import { kubectl, mcpk, mcpkJson, NODES, on, overlay, writeKubeconfig } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';
import { lay } from './support/workloads.ts';

const BRIDGE = 'inventories/lab-bridge.yaml';

describe('the bridge', () => {
  startFrom('bare');

  it('comes up from bare hosts', async () => {
    const result = await mcpkJson<RunResult>(['apply', '--yes'], 0, [BRIDGE]);
    expect(result.failed).toBe(0);
    await writeKubeconfig();
  });

  it('the second apply finds nothing to do, in two round trips', async () => {
    const result = await mcpkJson<RunResult>(['apply', '--yes'], 0, [BRIDGE]);
    expect(result).toMatchObject({ changed: 0, failed: 0, removed: 0 });
    for (const host of NODES) expect(result.traffic[host], host).toMatchObject({ roundTrips: 2, connections: 1 });
  });

  it('verify holds: pods on all hosts reach each other, a Service, DNS', async () => {
    const said = await mcpk(['verify'], [BRIDGE]);
    expect(said.code, said.stdout + said.stderr).toBe(0);
  });

  it.each([
    ['Calico in its place', 'plugin: calico', /the inventory wants calico, and bridge runs on all/],
    ['another part of its range', 'podCidr: 10.100.0.0/16', /m1: its pods have addresses of 10\.244\.\d\.0\/24/],
  ])('stays: %s is refused', async (_name, setting, says) => {
    const { code, stderr } = await mcpk(['plan'], [BRIDGE, await overlay(`network: { ${setting} }\n`)]);
    expect(code, stderr).toBe(18);
    expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(says);
  });

  it.runIf(FULL)('follows a worker that comes back with another part of its range, beside the old one', async () => {
    const part = (node: string): Promise<string> => kubectl('get', 'node', node, '-o', 'jsonpath={.spec.podCIDR}');
    const old = await part('w2');
    await on('w2', 'systemctl', 'stop', 'kubelet.service');
    await kubectl('delete', 'node', 'w2');
    // Somebody else gets what was w2's: parts are given out in turn.
    const takers: string[] = [];
    while (takers.length < 256) {
      const taker = `taker-${String(takers.length)}`;
      takers.push(taker);
      await lay({ apiVersion: 'v1', kind: 'Node', metadata: { name: taker } });
      await kubectl('wait', `node/${taker}`, '--for=jsonpath={.spec.podCIDR}', '--timeout=20s');
      if ((await part(taker)) === old) break;
    }
    try {
      const said = await mcpk(['apply', '--yes'], [BRIDGE]);
      expect(said.code, said.stdout + said.stderr).toBe(0);
      expect(await part('w2')).not.toBe(old);
    } finally {
      await kubectl('delete', 'node', ...takers);
    }
    const said = await mcpk(['verify'], [BRIDGE]);
    expect(said.code, said.stdout + said.stderr).toBe(0);
    // The bridge takes its new address with the first pod.
    const gateway = (await part('w2')).replace(/0\/24$/, '1/24');
    expect(await on('w2', 'ip', '-o', '-4', 'addr', 'show', 'dev', 'cni0')).toContain(` ${gateway} `);
  });
});

describe.runIf(FULL)('hosts without a network', () => {
  const foreign = '/etc/cni/net.d/05-other.conflist';
  startFrom('bare');
  beforeAll(async () => {
    await mcpkJson<RunResult>(['apply', '--yes'], 0, [await overlay('network: {plugin: none}\n')]);
  });

  it('get no Calico beside what somebody else has laid', async () => {
    await on('w1', 'sh', '-c', `mkdir -p /etc/cni/net.d && echo '{}' >${foreign}`);
    const refused = await mcpk(['plan']);
    expect(refused.code, refused.stderr).toBe(18);
    expect(refused.stderr.replaceAll(/\s+/g, ' ')).toMatch(/w1.*another network has 05-other\.conflist/);
    await on('w1', 'rm', foreign);
  });

  it('get Calico, with a route to its gateway where there is no default route', async () => {
    const plan = await mcpk(['plan']);
    expect(plan.stdout).toContain(
      "routes to 169.254.1.1 (the gateway of Calico's pods) and 10.254.0.0/16 (Services): the host has no default route",
    );
    const result = await mcpkJson<RunResult>(['apply', '--yes'], 0);
    expect(result.failed).toBe(0);
    expect(await mcpkJson<RunResult>(['apply', '--yes'], 0)).toMatchObject({ changed: 0, failed: 0, removed: 0 });
    await writeKubeconfig();
  });
});
