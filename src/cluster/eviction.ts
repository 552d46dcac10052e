import { askApi } from './api-server.ts';
import type { Cluster } from '../inventory/types.ts';
import type { Answer, Ask } from './gate.ts';
import { parseHttp, parseJson, seen } from './http.ts';
import { kubectl } from './kubectl.ts';

/** A pod, as a drain of its node sees it. */
export interface PodOnNode {
  namespace: string;
  name: string;
  node: string;
  /** It has ended: no budget counts it, and nothing of it is lost. */
  ended: boolean;
  /** Kind of what made it, and makes it anew; absent = nothing. */
  controller?: string;
  /** Its node's kubelet runs it by itself, from a file. */
  isStatic: boolean;
  emptyDir: boolean;
}

export interface Budget {
  namespace: string;
  name: string;
  /** So many of its pods must be healthy; it is about `expected` in all. */
  desired: number;
  expected: number;
}

/** A line a pod: an API's answer has some 10 kB of each. */
const FIELDS = [
  '{.metadata.namespace}',
  '{.metadata.name}',
  '{.spec.nodeName}',
  '{.status.phase}',
  '{.metadata.ownerReferences[?(@.controller==true)].kind}',
  '{.metadata.annotations.kubernetes\\.io/config\\.mirror}',
  '{.spec.volumes[*].emptyDir}',
];
const LINES = `{range .items[*]}${FIELDS.join('{"\\t"}')}{"\\n"}{end}`;

/** The pods on these nodes; of several nodes those on all. */
export function askPodsOn(cluster: Cluster, on: string, nodes: readonly string[]): Ask {
  const where = nodes.length === 1 ? [`--field-selector=spec.nodeName=${nodes[0] ?? ''}`] : [];
  return kubectl(cluster, on, 'get', 'pods', '--all-namespaces', ...where, `--output=jsonpath=${LINES}`);
}

/** Undefined where they were not told. */
export function parsePodsOn(answer: Answer | undefined): PodOnNode[] | undefined {
  if (answer?.exitCode !== 0) return undefined;
  return answer.stdout.split('\n').flatMap((line) => {
    const [namespace, name, node, phase, controller, mirror, volumes] = line.split('\t');
    if (namespace === undefined || name === undefined || node === undefined) return [];
    return [
      {
        namespace,
        name,
        node,
        ended: phase === 'Succeeded' || phase === 'Failed',
        ...(controller ? { controller } : {}),
        isStatic: (mirror ?? '') !== '',
        emptyDir: (volumes ?? '').trim() !== '',
      },
    ];
  });
}

export function askBudgets(cluster: Cluster, on: string): Ask {
  return askApi(cluster, on, '/apis/policy/v1/poddisruptionbudgets');
}

interface BudgetList {
  items?: {
    metadata: { namespace: string; name: string };
    status?: { desiredHealthy?: number; expectedPods?: number };
  }[];
}

export function parseBudgets(answer: Answer | undefined): Budget[] {
  return ((parseJson(answer) as BudgetList | undefined)?.items ?? []).map(({ metadata, status = {} }) => ({
    namespace: metadata.namespace,
    name: metadata.name,
    desired: status.desiredHealthy ?? 0,
    expected: status.expectedPods ?? 0,
  }));
}

/** Whether the pod could be evicted now; nothing is. */
export function askEvictable(cluster: Cluster, on: string, { namespace, name }: PodOnNode): Ask {
  const body = JSON.stringify({
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { namespace, name },
    deleteOptions: { dryRun: ['All'] },
  });
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction?dryRun=All`;
  return askApi(cluster, on, path, { method: 'POST', body });
}

/** Why a pod can't be evicted now: by which budget, or what the API says. Undefined = it can, or is gone. */
export type Hindrance = { budget: string } | { several: true } | { says: string };

/** kube-apiserver's pkg/registry/core/pod/storage/eviction.go: 429 names the budget in its causes, 500 = several. */
export function hindranceOf(answer: Answer | undefined): Hindrance | undefined {
  const http = parseHttp(answer);
  if (http === undefined) return { says: seen(answer) };
  if (http.status < 300 || http.status === 404) return undefined;
  const budget = /The disruption budget (\S+) /.exec(http.body)?.[1];
  if (http.status === 429 && budget !== undefined) return { budget };
  if (http.status === 500 && http.body.includes('more than one PodDisruptionBudget')) return { several: true };
  return { says: seen(answer) };
}

/** However healthy its pods are, none of them may go: `maxUnavailable: 0`, or `minAvailable` of all that there are. */
export function neverAllows({ desired, expected }: Budget): boolean {
  return expected > 0 && desired >= expected;
}
