import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kubectl } from './mcpk.ts';

/** What runs on nodes that are drained, in a namespace of its own: see {@link layWorkloads}. */
export const SHOP = 'shop';

/** One that sleeps. */
export const POD = {
  terminationGracePeriodSeconds: 1,
  containers: [{ name: 'sleep', image: 'docker.io/library/busybox:1', command: ['sleep', '86400'] }],
};

type Kind = 'Deployment' | 'StatefulSet' | 'DaemonSet';

function workload(kind: Kind, name: string, pod: object, more: object = {}): object {
  const labels = { app: name };
  const template = { metadata: { labels }, spec: { ...POD, ...pod } };
  return {
    apiVersion: 'apps/v1',
    kind,
    metadata: { namespace: SHOP, name },
    spec: { selector: { matchLabels: labels }, template, ...more },
  };
}

export function budget(name: string, app: string, spec: object): object {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { namespace: SHOP, name },
    spec: { selector: { matchLabels: { app } }, ...spec },
  };
}

/** A pod of nobody's, on that node. */
export function lonely(node: string, name = 'lonely', metadata: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: SHOP, name, ...metadata },
    spec: { ...POD, nodeName: node },
  };
}

export async function lay(...objects: object[]): Promise<void> {
  const file = join(await mkdtemp(join(tmpdir(), 'mcpk-e2e-')), 'objects.json');
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  await kubectl('apply', '-f', file);
}

/** `cart`: two pods, of which one must be up; `cache`: one with an emptyDir, on w1; `agent`: one on each worker. */
export async function layWorkloads(): Promise<void> {
  await lay(
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SHOP } },
    workload('Deployment', 'cart', {}, { replicas: 2 }),
    budget('cart', 'cart', { minAvailable: 1 }),
    workload(
      'StatefulSet',
      'cache',
      { nodeSelector: { 'kubernetes.io/hostname': 'w1' }, volumes: [{ name: 'data', emptyDir: {} }] },
      { replicas: 1, serviceName: 'cache' },
    ),
    workload('DaemonSet', 'agent', {}),
  );
  for (const name of ['deployment/cart', 'statefulset/cache', 'daemonset/agent'])
    await kubectl('--namespace', SHOP, 'rollout', 'status', name, '--timeout=120s');
}

/** Runs `work`, and gives back each time that fewer pods were healthy than a budget wants. */
export async function belowBudget(work: () => Promise<unknown>): Promise<string[]> {
  const below: string[] = [];
  let isDone = false;
  const path = '{range .items[*]}{.metadata.name} {.status.currentHealthy} {.status.desiredHealthy}{"\\n"}{end}';
  const look = async (): Promise<void> => {
    while (!isDone) {
      const lines = await kubectl('--namespace', SHOP, 'get', 'poddisruptionbudgets', '-o', `jsonpath=${path}`);
      for (const line of lines.trim().split('\n')) {
        const [name = '', healthy, desired] = line.split(' ');
        if (Number(healthy) < Number(desired)) below.push(`${name}: ${String(healthy)} of ${String(desired)}`);
      }
    }
  };
  const looking = look();
  try {
    await work();
  } finally {
    isDone = true;
    await looking;
  }
  return below;
}
