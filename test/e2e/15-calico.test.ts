import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exec, powerOff, powerOn, reset } from '../../lab/lab.ts';
import { CALICO_MANIFEST } from '../../lab/operator.ts';
import { REGISTRY } from '../../lab/topology.ts';
import type { Plan, RunResult } from '../../src/engine/types.ts';
import { QUICK } from '../faults/support/tier.ts';
import { eventually, kubectl, mcpk, mcpkJson, NODES, on, overlay, writeKubeconfig } from './support/mcpk.ts';

const CALICO = 'inventories/lab-calico.yaml';
const NAMESPACE = 'calico-test';
const IMAGE = 'docker.io/library/busybox:1';

async function create(object: object): Promise<void> {
  const file = await overlay(JSON.stringify(object));
  await kubectl('apply', '-f', file);
}

async function pod(name: string, node: string, labels: Record<string, string> = {}): Promise<void> {
  const container = {
    name: 'web',
    image: IMAGE,
    command: ['sh', '-c', 'echo hello >/tmp/index.html; exec httpd -f -p 8080 -h /tmp'],
    readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
  };
  const spec = { nodeName: node, tolerations: [{ operator: 'Exists' }], containers: [container] };
  await create({ apiVersion: 'v1', kind: 'Pod', metadata: { namespace: NAMESPACE, name, labels }, spec });
}

const podReady = (name: string, seconds = 90): Promise<string> =>
  kubectl('wait', '-n', NAMESPACE, `pod/${name}`, '--for=condition=Ready', `--timeout=${String(seconds)}s`);
const addressOf = (name: string): Promise<string> =>
  kubectl('get', 'pod', '-n', NAMESPACE, name, '-o', 'jsonpath={.status.podIP}');

async function reaches(from: string, address: string): Promise<boolean> {
  const fetch = ['wget', '-q', '-T', '2', '-O', '-', `http://${address}:8080/`];
  const said = await exec(['kubectl', 'exec', '-n', NAMESPACE, from, '--', ...fetch]);
  return said.code === 0 && said.stdout.trim() === 'hello';
}

const becomes = (what: string, from: string, address: string, wanted: boolean, seconds = 30): Promise<true> =>
  eventually(what, seconds, async () => ((await reaches(from, address)) === wanted ? true : undefined));

/** Bare hosts twice, pulled images and a roll-out node by node: six minutes. */
describe.runIf(!QUICK)('Calico', () => {
  beforeAll(async () => {
    await reset();
  });
  // The network of a cluster stays: whoever comes next begins with bare hosts.
  afterAll(async () => {
    await powerOn('w1');
    await reset();
  });

  it('comes to a cluster without a network, but not beside what somebody else has laid', async () => {
    const none = await overlay('network: {plugin: none}\n');
    await mcpkJson<RunResult>(['apply', '--yes'], 0, [none]);
    const foreign = '/etc/cni/net.d/05-other.conflist';
    await on('w1', 'sh', '-c', `mkdir -p /etc/cni/net.d && echo '{}' >${foreign}`);
    const refused = await mcpk(['plan'], [CALICO]);
    expect(refused.code, refused.stderr).toBe(18);
    expect(refused.stderr.replaceAll(/\s+/g, ' ')).toMatch(/w1.*another network has 05-other\.conflist/);
    await on('w1', 'rm', foreign);
    const plan = await mcpk(['plan'], [CALICO]);
    expect(plan.stdout).toContain("route to 169.254.1.1, the gateway of Calico's pods: the host has no default route");
    const result = await mcpkJson<RunResult>(['apply', '--yes'], 0, [CALICO]);
    expect(result.failed).toBe(0);
    await writeKubeconfig();
  });

  it('the second apply finds nothing to do, in two round trips', async () => {
    const result = await mcpkJson<RunResult>(['apply', '--yes'], 0, [CALICO]);
    expect(result).toMatchObject({ changed: 0, failed: 0, removed: 0 });
    for (const host of NODES) expect(result.traffic[host], host).toMatchObject({ roundTrips: 2, connections: 1 });
  });

  it('verify holds: pods on all hosts, a Service, DNS', async () => {
    const said = await mcpk(['verify'], [CALICO]);
    expect(said.code, said.stdout + said.stderr).toBe(0);
  });

  it('pods come up on two hosts', async () => {
    await create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
    await pod('a', 'w1', { app: 'a' });
    await pod('b', 'w2', { app: 'b' });
    await Promise.all([podReady('a'), podReady('b')]);
  });

  it('has the pool of the inventory, and packets as large as the hosts’ interfaces let through', async () => {
    const pool = JSON.parse(await kubectl('get', 'ippools', 'default-ipv4-ippool', '-o', 'json')) as { spec: object };
    expect(pool.spec).toMatchObject({ cidr: '10.244.0.0/16', vxlanMode: 'Always', ipipMode: 'Never' });
    const mtu = Number(/ mtu (\d+) /.exec(await on('w1', 'ip', '-o', 'link', 'show', 'eth0'))?.[1]);
    expect(mtu).toBeGreaterThan(0);
    const shown = await kubectl('exec', '-n', NAMESPACE, 'a', '--', 'cat', '/sys/class/net/eth0/mtu');
    expect(Number(shown)).toBe(mtu - 50);
  });

  it('a NetworkPolicy cuts, and lets through', async () => {
    const address = await addressOf('b');
    await becomes('a reaches b', 'a', address, true);
    const policy = (ingress: object[]): object => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { namespace: NAMESPACE, name: 'b' },
      spec: { podSelector: { matchLabels: { app: 'b' } }, policyTypes: ['Ingress'], ingress },
    });
    await create(policy([]));
    await becomes('a is cut off from b', 'a', address, false);
    await create(policy([{ from: [{ podSelector: { matchLabels: { app: 'a' } } }] }]));
    await becomes('a is let through to b', 'a', address, true);
    await kubectl('delete', 'networkpolicy', '-n', NAMESPACE, 'b');
  });

  it('a second interface with an address is not taken for the host’s, and a reboot brings all of it back', async () => {
    await powerOff('w1');
    await powerOn('w1');
    await on(
      'w1',
      'sh',
      '-c',
      'ip link add aaa0 type veth peer name aaa1; ip addr add 10.99.0.1/24 dev aaa0; ip link set aaa0 up; ip link set aaa1 up',
    );
    await eventually('w1 is Ready again', 120, async () =>
      (await kubectl('get', 'node', 'w1', '--no-headers')).includes(' Ready ') ? true : undefined,
    );
    await podReady('a', 120);
    await becomes('b reaches a after the reboot', 'b', await addressOf('a'), true, 60);
    const address = '{.metadata.annotations.projectcalico\\.org/IPv4Address}';
    expect(await kubectl('get', 'node', 'w1', '-o', `jsonpath=${address}`)).toBe('10.77.0.21/24');
    expect((await mcpkJson<Plan>(['plan'], 0, [CALICO])).summary.changes).toBe(0);
  });

  it('cleans up after a Node that is deleted, and takes the host back', async () => {
    const affinities = async (): Promise<string[]> => {
      const list = await kubectl('get', 'blockaffinities', '-o', 'jsonpath={range .items[*]}{.spec.node}{" "}{end}');
      return list.split(' ').filter((node) => node === 'w2');
    };
    expect(await affinities()).not.toEqual([]);
    // With its pods gone first nobody waits for the collector of pods without a node.
    await kubectl('drain', 'w2', '--ignore-daemonsets', '--force', '--delete-emptydir-data');
    await on('w2', 'systemctl', 'stop', 'kubelet.service');
    await kubectl('delete', 'node', 'w2');
    await eventually('no block of addresses is w2’s', 120, async () =>
      (await affinities()).length === 0 ? true : undefined,
    );
    const healed = await mcpkJson<RunResult>(['apply', '--yes'], 0, [CALICO]);
    expect(healed.failed).toBe(0);
    await pod('c', 'w2');
    await podReady('c', 120);
    await becomes('a reaches c', 'a', await addressOf('c'), true, 60);
    expect((await mcpkJson<Plan>(['plan'], 0, [CALICO])).summary.changes).toBe(0);
  });

  it('another manifest rolls its pods node by node, each ready before the next', async () => {
    const head = ['curl', '-sI', '-H', 'Accept: application/vnd.oci.image.manifest.v1+json'];
    const said = await exec([...head, `${REGISTRY}/v2/calico/node/manifests/v3.28.5`]);
    const digest = /docker-content-digest: (\S+)/i.exec(said.stdout)?.[1] ?? '';
    expect(digest).toMatch(/^sha256:/);
    const manifest = (await readFile(CALICO_MANIFEST, 'utf8')).replaceAll(
      'calico/node:v3.28.5',
      `calico/node@${digest}`,
    );
    const file = await overlay('network: {calico: {manifest: other.yaml}}\n');
    await writeFile(join(dirname(file), 'other.yaml'), manifest);
    const unavailable: number[] = [];
    const watching = (async () => {
      await eventually('the roll-out is over', 300, async () => {
        const text = await kubectl('get', 'ds', '-n', 'kube-system', 'calico-node', '-o', 'json');
        const { status, metadata } = JSON.parse(text) as {
          metadata: { generation: number };
          status: Record<string, number>;
        };
        unavailable.push(status['numberUnavailable'] ?? 0);
        const done = status['updatedNumberScheduled'] === NODES.length && !status['numberUnavailable'];
        return metadata.generation === status['observedGeneration'] && metadata.generation > 1 && done
          ? true
          : undefined;
      });
    })();
    await mcpkJson<RunResult>(['apply', '--yes'], 0, [CALICO, file]);
    await watching;
    expect(Math.max(...unavailable)).toBe(1);
    const images = await kubectl(
      'get',
      'pods',
      '-n',
      'kube-system',
      '-l',
      'k8s-app=calico-node',
      '-o',
      'jsonpath={.items[*].spec.containers[*].image}',
    );
    expect(new Set(images.split(' '))).toEqual(new Set([`docker.io/calico/node@${digest}`]));
    await becomes('c reaches a', 'c', await addressOf('a'), true, 60);
    await mcpkJson<RunResult>(['apply', '--yes'], 0, [CALICO]);
    expect((await mcpkJson<Plan>(['plan'], 0, [CALICO])).summary.changes).toBe(0);
  });
});
