import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { exec, powerOff, powerOn } from '../../lab/lab.ts';
import { CALICO_MANIFEST } from '../../lab/operator.ts';
import { REGISTRY } from '../../lab/topology.ts';
import type { Plan, RunResult } from '../../src/engine/types.ts';
import { FULL } from '../support/tier.ts';
import { eventually, kubectl, mcpkJson, NODES, on, overlay } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';

startFrom('ready');

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

/** The address is asked each time: a pod that was started again has another one. */
async function reaches(from: string, to: string): Promise<boolean> {
  const fetch = ['wget', '-q', '-T', '2', '-O', '-', `http://${await addressOf(to)}:8080/`];
  const said = await exec(['kubectl', 'exec', '-n', NAMESPACE, from, '--', ...fetch]);
  return said.code === 0 && said.stdout.trim() === 'hello';
}

const becomes = (what: string, from: string, to: string, wanted: boolean, seconds = 30): Promise<true> =>
  eventually(what, seconds, async () => ((await reaches(from, to)) === wanted ? true : undefined));

interface Counts {
  metadata: { generation: number };
  status: {
    observedGeneration: number;
    numberAvailable?: number;
    updatedNumberScheduled?: number;
    availableReplicas?: number;
    updatedReplicas?: number;
  };
}

/** Runs `change`, which rolls `what` out; the most of its pods that were away at once until all `count` are new and ready. */
async function rollOut(what: string, count: number, change: () => Promise<unknown>): Promise<number> {
  const look = async (): Promise<Counts> =>
    JSON.parse(await kubectl('get', '-n', 'kube-system', what, '-o', 'json')) as Counts;
  const { metadata: before } = await look();
  let away = 0;
  const watching = eventually(`${what} is rolled out`, 300, async () => {
    const { metadata, status } = await look();
    const missing = count - (status.numberAvailable ?? status.availableReplicas ?? 0);
    away = Math.max(away, missing);
    const updated = status.updatedNumberScheduled ?? status.updatedReplicas ?? 0;
    const seen = metadata.generation > before.generation && metadata.generation === status.observedGeneration;
    return seen && updated === count && missing === 0 ? true : undefined;
  });
  await Promise.all([change(), watching]);
  return away;
}

/** `NAME@sha256:…` of an image in the lab's registry: the same bytes by another name. */
async function pinned(image: string): Promise<string> {
  const [, name = '', tag = ''] = /^[^/]+\/(.+):([^:]+)$/.exec(image) ?? [];
  const head = ['curl', '-sI', '-H', 'Accept: application/vnd.oci.image.manifest.v1+json'];
  const said = await exec([...head, `${REGISTRY}/v2/${name}/manifests/${tag}`]);
  const digest = /docker-content-digest: (sha256:\S+)/i.exec(said.stdout)?.[1];
  expect(digest, said.stdout).toBeDefined();
  return `${image.slice(0, -tag.length - 1)}@${digest ?? ''}`;
}

async function imagesOf(label: string): Promise<string[]> {
  const images = 'jsonpath={.items[*].spec.containers[*].image}';
  const said = await kubectl('get', 'pods', '-n', 'kube-system', '-l', `k8s-app=${label}`, '-o', images);
  return [...new Set(said.split(' '))];
}

const changesLeft = async (overlays: readonly string[] = []): Promise<number> =>
  (await mcpkJson<Plan>(['plan'], 0, overlays)).summary.changes;

describe('Calico', () => {
  afterAll(async () => {
    await powerOn('w1');
    await kubectl('delete', 'namespace', NAMESPACE, '--ignore-not-found', '--wait=false');
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

  it('takes a tunnel for what carries the pods where the host has its internalAddress on it', async () => {
    const mtu = 1320;
    const address = '10.98.0.21';
    const made = `ip link add carrier0 type vxlan id 9 dstport 4790 dev eth0 && ip addr add ${address}/24 dev carrier0 && ip link set carrier0 mtu ${String(mtu)} up`;
    await on('w1', 'sh', '-c', made);
    try {
      const overlays = [await overlay(`hosts: [{ name: w1, internalAddress: ${address} }]\n`)];
      const plan = await mcpkJson<Plan>(['plan'], 2, overlays);
      const config = plan.stages
        .flatMap((stage) => stage.hosts.flatMap((host) => host.items))
        .find(({ ref }) => ref === 'kubeObject:v1/ConfigMap/kube-system/calico-config');
      const after = expect.stringContaining(`"veth_mtu": "${String(mtu - 50)}"`) as string;
      expect(config?.comparison).toMatchObject({ reasons: ['differs in data.veth_mtu'], diff: { after } });
    } finally {
      await on('w1', 'ip', 'link', 'del', 'carrier0');
    }
  });

  it('a NetworkPolicy cuts, and lets through', async () => {
    await becomes('a reaches b', 'a', 'b', true);
    const policy = (ingress: object[]): object => ({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { namespace: NAMESPACE, name: 'b' },
      spec: { podSelector: { matchLabels: { app: 'b' } }, policyTypes: ['Ingress'], ingress },
    });
    await create(policy([]));
    await becomes('a is cut off from b', 'a', 'b', false);
    await create(policy([{ from: [{ podSelector: { matchLabels: { app: 'a' } } }] }]));
    await becomes('a is let through to b', 'a', 'b', true);
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
    await becomes('b reaches a after the reboot', 'b', 'a', true, 60);
    const address = '{.metadata.annotations.projectcalico\\.org/IPv4Address}';
    expect(await kubectl('get', 'node', 'w1', '-o', `jsonpath=${address}`)).toBe('10.77.0.21/24');
    expect(await changesLeft()).toBe(0);
  });

  it.runIf(FULL)('cleans up after a Node that is deleted, and takes the host back', async () => {
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
    const healed = await mcpkJson<RunResult>(['apply', '--yes'], 0);
    expect(healed.failed).toBe(0);
    await pod('c', 'w2');
    await podReady('c', 120);
    await becomes('a reaches c', 'a', 'c', true, 60);
    expect(await changesLeft()).toBe(0);
  });

  it('CoreDNS rolls with one pod away at most', async () => {
    const [old = ''] = await imagesOf('kube-dns');
    const image = await pinned(old);
    const file = await overlay(`addons: {coredns: {image: '${image}'}}\n`);
    expect(await rollOut('deploy/coredns', 2, () => mcpkJson(['apply', '--yes'], 0, [file]))).toBeLessThanOrEqual(1);
    await eventually('only new pods are there', 60, async () =>
      (await imagesOf('kube-dns')).join() === image ? true : undefined,
    );
    await kubectl('exec', '-n', NAMESPACE, 'a', '--', 'nslookup', 'kubernetes.default.svc.cluster.local');
    await mcpkJson<RunResult>(['apply', '--yes'], 0);
    expect(await changesLeft()).toBe(0);
  });

  it.runIf(FULL)('another manifest rolls its pods node by node, each ready before the next', async () => {
    const image = await pinned('docker.io/calico/node:v3.28.5');
    const manifest = (await readFile(CALICO_MANIFEST, 'utf8')).replaceAll('docker.io/calico/node:v3.28.5', image);
    const file = await overlay('network: {calico: {manifest: other.yaml}}\n');
    await writeFile(join(dirname(file), 'other.yaml'), manifest);
    expect(await rollOut('ds/calico-node', NODES.length, () => mcpkJson(['apply', '--yes'], 0, [file]))).toBe(1);
    expect(await imagesOf('calico-node')).toEqual([image]);
    await becomes('b reaches a', 'b', 'a', true, 60);
    // Its own takes as long again to come back: the next file that starts from a ready lab sees to that.
    expect(await changesLeft([file])).toBe(0);
  });
});
