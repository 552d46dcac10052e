import { lastLines } from '../core/answer.ts';
import type { Cluster } from '../inventory/types.ts';
import { askApi } from './api-server.ts';
import type { Answer, Explanation } from './gate.ts';
import { parseHttp, parseJson } from './http.ts';

const EVENTS = 3;
const LOG_LINES = 10;
/** Asked for of a log, whose lines may be long. */
const LOG_BYTES = 16_384;

interface State {
  waiting?: { reason?: string; message?: string };
  terminated?: { reason?: string; message?: string; exitCode?: number };
}

interface ContainerStatus {
  name: string;
  ready?: boolean;
  restartCount?: number;
  state?: State;
  lastState?: State;
}

interface Pod {
  metadata: { name: string };
  spec?: { nodeName?: string };
  status?: {
    phase?: string;
    conditions?: { type: string; status: string; message?: string }[];
    initContainerStatuses?: ContainerStatus[];
    containerStatuses?: ContainerStatus[];
  };
}

interface Place {
  cluster: Cluster;
  /** Master whose API server is asked. */
  asked: string;
  namespace: string;
}

/**
 * What a person would look up of pods that do not come up: of the worst one its container's state and restarts, its
 * last events and the last lines that it wrote.
 */
export function podTroubles(place: Place, labels: Readonly<Record<string, string>>): Explanation {
  const selector = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const query = `labelSelector=${encodeURIComponent(selector.join())}&limit=100`;
  return {
    asks: [askApi(place.cluster, place.asked, `/api/v1/namespaces/${place.namespace}/pods?${query}`)],
    tell: ([answer]) => {
      const pods = (parseJson(answer) as { items?: Pod[] } | undefined)?.items ?? [];
      const pod = pods.filter((each) => !isReady(each)).toSorted((a, b) => restarts(b) - restarts(a))[0];
      if (pod === undefined) return { lines: pods.length === 0 ? ['no pod of it has been made'] : [] };
      const container = containers(pod).find((each) => each.ready !== true);
      return { lines: [stateOf(pod, container)], next: lookAt(place, pod, container) };
    },
  };
}

function lookAt({ cluster, asked, namespace }: Place, pod: Pod, container: ContainerStatus | undefined): Explanation {
  const path = `/api/v1/namespaces/${namespace}`;
  const { name } = pod.metadata;
  const selector = encodeURIComponent(`involvedObject.kind=Pod,involvedObject.name=${name}`);
  const log = new URLSearchParams({
    container: container?.name ?? '',
    tailLines: String(LOG_LINES),
    limitBytes: String(LOG_BYTES),
    // It waits to be started again: what it said before it ended is in the log of the time before.
    ...(container?.state?.waiting && (container.restartCount ?? 0) > 0 ? { previous: 'true' } : {}),
  });
  return {
    asks: [
      askApi(cluster, asked, `${path}/events?fieldSelector=${selector}&limit=100`),
      ...(container ? [askApi(cluster, asked, `${path}/pods/${name}/log?${log.toString()}`)] : []),
    ],
    tell: ([events, said]) => ({ lines: [...eventLines(events), ...logLines(container, said)] }),
  };
}

interface Event {
  type?: string;
  reason?: string;
  message?: string;
  count?: number;
  lastTimestamp?: string | null;
  eventTime?: string | null;
}

function eventLines(answer: Answer | undefined): string[] {
  const events = (parseJson(answer) as { items?: Event[] } | undefined)?.items ?? [];
  const at = ({ lastTimestamp, eventTime }: Event): string => lastTimestamp ?? eventTime ?? '';
  const last = events.toSorted((a, b) => (at(a) < at(b) ? -1 : 1)).slice(-EVENTS);
  return last.map(({ reason = '', message = '', count = 1 }) =>
    `event  ${reason}: ${message}${count > 1 ? ` (${String(count)} times)` : ''}`.trimEnd(),
  );
}

function logLines(container: ContainerStatus | undefined, answer: Answer | undefined): string[] {
  const http = parseHttp(answer);
  const lines = http?.status === 200 ? lastLines(http.body, LOG_LINES) : [];
  if (container === undefined || lines.length === 0) return [];
  return [`log of container ${container.name}:`, ...lines.map((line) => `  ${line}`)];
}

/** `pod web-x on w1: container web CrashLoopBackOff: back-off 40s (4 restarts; it ended with exit code 1)`. */
function stateOf(pod: Pod, container: ContainerStatus | undefined): string {
  const node = pod.spec?.nodeName === undefined ? '' : ` on ${pod.spec.nodeName}`;
  const subject = `pod ${pod.metadata.name}${node}`;
  if (container === undefined) {
    const waits = pod.status?.conditions?.find((each) => each.status === 'False' && each.message !== undefined);
    return `${subject}: ${waits?.message ?? pod.status?.phase ?? 'Pending'}`;
  }
  const { waiting, terminated } = container.state ?? {};
  const now = waiting ?? terminated;
  const state = [now?.reason ?? 'runs, but is not ready', now?.message].filter(Boolean).join(': ');
  const ended = container.lastState?.terminated?.exitCode ?? terminated?.exitCode;
  const more = [
    ...(restarts(pod) > 0 ? [`${String(restarts(pod))} restarts`] : []),
    ...(ended === undefined ? [] : [`it ended with exit code ${String(ended)}`]),
  ];
  return `${subject}: container ${container.name} ${state}${more.length === 0 ? '' : ` (${more.join('; ')})`}`;
}

/** In the order in which they start: those that come later wait for the first that is not done. */
function containers({ status }: Pod): ContainerStatus[] {
  return [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
}

function restarts(pod: Pod): number {
  return Math.max(0, ...containers(pod).map((each) => each.restartCount ?? 0));
}

function isReady(pod: Pod): boolean {
  return pod.status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') ?? false;
}
