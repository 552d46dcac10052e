import { describe, expect, it } from 'vitest';
import { exec } from '../../lab/lab.ts';
import { readyNodes } from '../../lab/nodes.ts';
import { VIP } from '../../lab/topology.ts';
import type { Plan, RunResult } from '../../src/engine/types.ts';
import {
  eventually,
  kubectl,
  mcpk,
  mcpkJson,
  MASTERS,
  NODES,
  on,
  overlay,
  unitStarts,
  writeKubeconfig,
} from './support/mcpk.ts';
import { programsStarted } from './support/processes.ts';
import { startFrom } from './support/start-from.ts';

startFrom('bare', { leaves: 'ready' });

describe('bare hosts', () => {
  it('plan on bare hosts changes nothing and exits 2', async () => {
    const plan = await mcpkJson<Plan>(['plan'], 2);
    expect(plan.summary.changes).toBeGreaterThan(100);
    expect(await on('m1', 'sh', '-c', 'ls /var/lib/mcpk /usr/local/bin 2>/dev/null || true')).not.toContain('kube');
  });

  // m1 sends m2 no answer from that port, as if a firewall dropped what comes to it.
  const DROP = ['pref', '1', 'ipproto', 'tcp', 'sport', '2380', 'to', '10.77.0.12', 'blackhole'];
  const stranger = (verb: string) => exec(['ip', 'addr', verb, `${VIP}/32`, 'dev', 'br0']);
  it.each<[string, (verb: 'add' | 'del') => Promise<unknown>, RegExp[]]>([
    [
      'a firewall between two of them',
      (verb) => on('m1', 'ip', 'rule', verb, ...DROP),
      [/m2 does not reach m1:2380 \(etcd peers\): timed out/, /hint .*TCP port 2380 from 10\.77\.0\.12/],
    ],
    ['a stranger at the VIP', stranger, [/(..:){5}.. answers at the VIP 10\.77\.0\.100/, /endpoint\.address/]],
  ])('%s: plan and apply say so, exit 14, and nothing is changed', async (_name, put, says) => {
    await put('add');
    try {
      for (const command of [['plan'], ['apply', '--yes']]) {
        const { code, stderr } = await mcpk(command);
        expect(code, stderr).toBe(14);
        for (const words of says) expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(words);
        expect(stderr.match(/exit 14/g)).toHaveLength(1);
      }
    } finally {
      await put('del');
    }
    for (const name of NODES) await on(name, 'test', '!', '-e', '/var/lib/mcpk/owned.json');
  });

  it('one apply gives five ready nodes', async () => {
    const result = await mcpkJson<RunResult>(['apply', '--yes'], 0);
    expect(result.failed).toBe(0);
    await writeKubeconfig();
    expect(await readyNodes()).toEqual([...NODES]);
  });

  it('no pod came before its network, nor a kubelet before the images of the network', async () => {
    const events = await kubectl('get', 'events', '-n', 'kube-system', '-o', 'json');
    const { items } = JSON.parse(events) as {
      items: { reason: string; message: string; involvedObject: { name: string } }[];
    };
    const told = (reason: string, pod: string): string[] =>
      items
        .filter((each) => each.reason === reason && each.involvedObject.name.startsWith(pod))
        .map(({ message }) => message);
    expect(told('FailedCreatePodSandBox', '')).toEqual([]);
    const images = told('Pulled', 'calico-node-');
    expect(images.length).toBeGreaterThanOrEqual(4 * NODES.length);
    for (const message of images) expect(message).toMatch(/already present on machine/);
  });

  it.each([
    ['serviceCidr: 10.96.0.0/16', /network\.serviceCidr: .* run in another network \(10\.254\.0\.0\/16/],
    ['podCidr: 10.100.0.0/16', /IP pool default-ipv4-ippool has 10\.244\.0\.0\/16 .* wants 10\.100\.0\.0\/16/],
    ['plugin: bridge', /the inventory wants bridge, and calico runs on all/],
  ])('keep their network: %s is refused', async (setting, says) => {
    const file = await overlay(`network: { ${setting} }\n`);
    for (const command of [['plan'], ['apply', '--yes', '--skip', 'network']]) {
      const { code, stderr } = await mcpk(command, [file]);
      expect(code, stderr).toBe(18);
      expect(stderr.replaceAll(/\s+/g, ' ')).toMatch(says);
    }
  });

  it('the second apply and plan find nothing to do, and no unit was started again', async () => {
    const before = await unitStarts();
    const result = await mcpkJson<RunResult>(['apply', '--yes'], 0);
    expect(result).toMatchObject({ changed: 0, failed: 0, removed: 0 });
    expect(result.succeeded).toBeGreaterThan(300);
    const plan = await mcpkJson<Plan>(['plan'], 0);
    expect(plan.summary).toMatchObject({ changes: 0, deferred: 0 });
    expect(await unitStarts()).toEqual(before);
  });

  it('a run with nothing to do needs two round trips: the facts, then the probe and the gates', async () => {
    const { traffic } = await mcpkJson<RunResult>(['apply', '--yes'], 0);
    for (const host of NODES) expect(traffic[host], host).toMatchObject({ roundTrips: 2, connections: 1 });
  });

  it.for([
    { host: 'm2', programs: 53 },
    { host: 'w1', programs: 46 },
  ])('… and few bytes and programs: $host', async ({ host, programs }) => {
    let result: RunResult | undefined;
    const started = await programsStarted(host, async () => {
      result = await mcpkJson<RunResult>(['apply', '--yes'], 0);
    });
    // The login's own are a dozen: with fewer strace would have seen nothing.
    expect(started.length).toBeGreaterThan(20);
    expect(started.length, started.join('\n')).toBeLessThanOrEqual(programs);
    const { bytesSent = Infinity, bytesReceived = Infinity } = result?.traffic[host] ?? {};
    expect(bytesSent).toBeLessThanOrEqual(45_000);
    expect(bytesReceived).toBeLessThanOrEqual(100_000);
  });

  it('verify passes: pods on different hosts reach each other, a Service and DNS', async () => {
    const said = await mcpk(['verify']);
    expect(said.code, said.stdout + said.stderr).toBe(0);
    expect(said.stdout + said.stderr).toMatch(/dns/i);
  });

  it('exactly one master holds the VIP', async () => {
    const holders = await Promise.all(
      MASTERS.map((name) => on(name, 'ip', '-o', '-4', 'addr', 'show', 'to', '10.77.0.100')),
    );
    expect(holders.filter((text) => text.includes('10.77.0.100'))).toHaveLength(1);
  });

  it('a pod resolves kubernetes.default', async () => {
    await kubectl(
      'run',
      'dns',
      '--image=docker.io/library/busybox:1',
      '--restart=Never',
      '--command',
      '--',
      'sleep',
      '3600',
    );
    await eventually('pod dns runs', 60, async () =>
      (await kubectl('get', 'pod', 'dns', '-o', 'jsonpath={.status.phase}')) === 'Running' ? true : undefined,
    );
    expect(await kubectl('exec', 'dns', '--', 'nslookup', 'kubernetes.default.svc.cluster.local')).toContain(
      '10.254.0.1',
    );
    await kubectl('delete', 'pod', 'dns', '--now');
  });

  it('services on a worker reach the API by the VIP, those on a master the local one', async () => {
    expect(await on('w1', 'grep', 'server:', '/etc/kubernetes/kubelet/kubeconfig')).toContain(
      'https://10.77.0.100:443',
    );
    expect(await on('m2', 'grep', 'server:', '/etc/kubernetes/kubelet/kubeconfig')).not.toContain('10.77.0.100');
    expect(
      await on('m2', 'sh', '-c', 'grep -rh server: /etc/kubernetes/scheduler /etc/kubernetes/controller-manager'),
    ).not.toContain('10.77.0.100');
  });

  it('HAProxy spreads over all three API servers', async () => {
    const stat = await on('m1', 'sh', '-c', "echo 'show stat' | socat - UNIX-CONNECT:/run/haproxy/admin.sock");
    const up = stat.split('\n').filter((line) => /,m[123],/.test(`,${line}`) && line.includes(',UP,'));
    expect(up).toHaveLength(3);
  });
});
