import type { Cluster } from '../inventory/types.ts';
import { askApi } from './api-server.ts';
import type { Answer, GateCheck } from './gate.ts';
import { parseHttp, parseJson, seen } from './http.ts';
import { podTroubles } from './pod-troubles.ts';

export interface Workload {
  kind: 'Deployment' | 'DaemonSet' | 'StatefulSet';
  namespace: string;
  name: string;
}

const PLURALS: Readonly<Record<Workload['kind'], string>> = {
  Deployment: 'deployments',
  DaemonSet: 'daemonsets',
  StatefulSet: 'statefulsets',
};

/** The counts of a Deployment, a StatefulSet or a DaemonSet; what is zero is left out by the API. */
interface WorkloadObject {
  metadata: { generation?: number };
  spec: { replicas?: number; selector?: { matchLabels?: Record<string, string> } };
  status?: Partial<
    Record<
      | 'observedGeneration'
      | 'replicas'
      | 'updatedReplicas'
      | 'availableReplicas'
      | 'desiredNumberScheduled'
      | 'updatedNumberScheduled'
      | 'numberAvailable',
      number
    >
  >;
}

/** Seconds until pods must be up: an image may have to be pulled first. */
export const ROLLOUT_DEADLINE = 180;

/** All pods run the present specification and are available (as `kubectl rollout status` sees it). */
export function rolledOut(cluster: Cluster, asked: string, workload: Workload, deadline: number): GateCheck {
  const { kind, namespace, name } = workload;
  return {
    title: `${kind} ${namespace}/${name} rolled out`,
    asks: [askApi(cluster, asked, `/apis/apps/v1/namespaces/${namespace}/${PLURALS[kind]}/${name}`)],
    check: ([answer]) => rolloutProblem(workload, answer),
    explain: ([answer]) => {
      const labels = (parseJson(answer) as WorkloadObject | undefined)?.spec.selector?.matchLabels;
      return labels && podTroubles({ cluster, asked, namespace }, labels);
    },
    deadline,
  };
}

function rolloutProblem({ kind, name }: Workload, answer: Answer | undefined): string | undefined {
  const object = parseJson(answer) as WorkloadObject | undefined;
  if (object === undefined) return parseHttp(answer)?.status === 404 ? `${kind} ${name} is not there` : seen(answer);
  const { status = {} } = object;
  if ((status.observedGeneration ?? 0) < (object.metadata.generation ?? 0))
    return `${kind} ${name}: its controller has not seen the change yet`;
  const counts = kind === 'DaemonSet' ? ofDaemonSet(status) : ofReplicas(object, status);
  if (counts.updated < counts.wanted)
    return `${kind} ${name}: ${String(counts.updated)} of ${String(counts.wanted)} pods are new`;
  if (counts.present > counts.updated)
    return `${kind} ${name}: ${String(counts.present - counts.updated)} old pods still end`;
  if (counts.available < counts.wanted)
    return `${kind} ${name}: ${String(counts.available)} of ${String(counts.wanted)} pods available`;
  return undefined;
}

interface Counts {
  wanted: number;
  present: number;
  updated: number;
  available: number;
}

function ofDaemonSet(status: NonNullable<WorkloadObject['status']>): Counts {
  const updated = status.updatedNumberScheduled ?? 0;
  return {
    wanted: status.desiredNumberScheduled ?? 0,
    present: updated,
    updated,
    available: status.numberAvailable ?? 0,
  };
}

function ofReplicas(object: WorkloadObject, status: NonNullable<WorkloadObject['status']>): Counts {
  return {
    wanted: object.spec.replicas ?? 1,
    present: status.replicas ?? 0,
    updated: status.updatedReplicas ?? 0,
    available: status.availableReplicas ?? 0,
  };
}
