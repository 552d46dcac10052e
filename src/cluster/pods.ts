import type { Cluster } from '../inventory/types.ts';
import { askApi } from './api-server.ts';
import type { Answer, Ask } from './gate.ts';
import { parseJson, seen } from './http.ts';

/** A test pod that runs. */
export interface RunningPod {
  name: string;
  node: string;
  address: string;
}

/** The fields of a Pod that checks read. */
interface Pod {
  metadata: { name: string; deletionTimestamp?: string };
  spec: { nodeName?: string };
  status?: {
    podIP?: string;
    phase?: string;
    conditions?: { type: string; status: string; message?: string }[];
    containerStatuses?: {
      state?: { waiting?: { reason?: string; message?: string }; terminated?: { reason?: string; message?: string } };
    }[];
  };
}

export function askPods(cluster: Cluster, asked: string, namespace: string): Ask {
  return askApi(cluster, asked, `/api/v1/namespaces/${namespace}/pods`);
}

/** The Ready pods, by node. */
export function runningPods(answer: Answer | undefined): Map<string, RunningPod> {
  const ready = podsOf(answer).filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined);
  return new Map(
    ready.map((pod) => {
      const node = pod.spec.nodeName ?? '';
      return [node, { name: pod.metadata.name, node, address: pod.status?.podIP ?? '' }];
    }),
  );
}

/** Why not every one of these nodes runs a Ready pod; undefined when each does. */
export function missingPods(nodes: readonly string[], answer: Answer | undefined): string | undefined {
  if (parseJson(answer) === undefined) return `the API server does not answer: ${seen(answer)}`;
  const running = runningPods(answer);
  const missing = nodes.filter((node) => !running.has(node));
  if (missing.length === 0) return undefined;
  const pods = podsOf(answer);
  const why = missing.map((node) => `${node} (${stateOf(pods.find((pod) => pod.spec.nodeName === node))})`);
  return `no test pod is Ready on ${why.join(', ')}`;
}

function podsOf(answer: Answer | undefined): Pod[] {
  return (parseJson(answer) as { items?: Pod[] } | undefined)?.items ?? [];
}

function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false;
}

/** What holds a pod up, as `kubectl get pods` shows it, with the runtime's own words. */
function stateOf(pod: Pod | undefined): string {
  if (pod === undefined) return 'none made yet';
  const state = pod.status?.containerStatuses?.[0]?.state;
  const stopped = state?.waiting ?? state?.terminated;
  if (stopped?.reason === undefined) return pod.status?.phase ?? 'Pending';
  return stopped.message === undefined ? stopped.reason : `${stopped.reason}: ${stopped.message}`;
}
