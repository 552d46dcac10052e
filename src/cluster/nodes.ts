import type { Cluster } from '../inventory/types.ts';
import { askApi } from './api-server.ts';
import type { Facts } from './facts.ts';
import type { Answer, GateCheck } from './gate.ts';
import { parseHttp, parseJson, seen } from './http.ts';
import { apiHost } from './kubectl.ts';
import { askUnit, unitProperty } from './unit.ts';

const KUBELET = 'kubelet.service';

/** The fields of a Node that gates read. */
interface Node {
  spec?: { podCIDR?: string };
  status?: {
    conditions?: { type: string; status: string; reason?: string; message?: string; lastHeartbeatTime?: string }[];
  };
}

export interface WantedNode {
  /** Before the network stage nodes are complete but for the network. */
  withoutNetwork: boolean;
  /** The network that follows is made from the node's part of podCidr. */
  podCidr?: boolean;
  /** Seconds. */
  deadline: number;
}

/**
 * The node is Ready by the word of the kubelet that runs now: for 40 s after a kubelet ends, the API still shows
 * what it said last, so its heartbeat must be younger than the process. Both times are the host's own.
 */
export function nodeReady(cluster: Cluster, facts: Facts, host: string, wanted: WantedNode): GateCheck {
  return {
    title: wanted.withoutNetwork ? `node ${host} Ready or only the network missing` : `node ${host} Ready`,
    asks: [askApi(cluster, apiHost(cluster, facts), `/api/v1/nodes/${host}`), askUnit(host, KUBELET)],
    check: ([node, unit]) => kubeletProblem(unit) ?? nodeProblem(node, startOf(unit), wanted),
    host,
    unit: { host, name: KUBELET },
    deadline: wanted.deadline,
  };
}

function kubeletProblem(answer: Answer | undefined): string | undefined {
  const state = unitProperty(answer, 'ActiveState');
  return state === 'active'
    ? undefined
    : `kubelet.service is ${state ?? 'unknown'} (${unitProperty(answer, 'SubState') ?? 'no answer'})`;
}

function nodeProblem(answer: Answer | undefined, startedAt: number, wanted: WantedNode): string | undefined {
  if (parseHttp(answer)?.status === 404) return 'it has not registered';
  const node = parseJson(answer) as Node | undefined;
  if (node === undefined) return `the API server does not answer: ${seen(answer)}`;
  if (wanted.podCidr === true && node.spec?.podCIDR === undefined) return 'it has no part of podCidr yet';
  const ready = node.status?.conditions?.find((each) => each.type === 'Ready');
  if (ready === undefined) return 'it has not reported yet';
  if (Date.parse(ready.lastHeartbeatTime ?? '') / 1000 < startedAt)
    return 'it has not reported since its kubelet started';
  if (ready.status === 'True' || (wanted.withoutNetwork && onlyNetworkMissing((ready.message ?? '').slice(0, 4096))))
    return undefined;
  return `it is not Ready: ${ready.message ?? ready.reason ?? `status ${ready.status}`}`;
}

/**
 * Several reasons come in brackets: of the runtime, the network, the storage, a shutdown, in that order (ReadyCondition
 * in kubelet's pkg/kubelet/nodestatus/setters.go). CSINode is made a moment after a node's first report, or tried once
 * before the node is registered, but a node that is not Ready reports only every 10 s: with it alone nothing but the
 * network is missing. That it came at last is what Ready says.
 */
function onlyNetworkMissing(message: string): boolean {
  return /^(container runtime network not ready:|\[container runtime network not ready:.*, (CSINode is not yet initialized|failed to initialize CSINode: [^,]*)]$)/s.test(
    message,
  );
}

/** Seconds since the epoch of the main process's start; 0 when systemd does not tell. */
function startOf(unit: Answer | undefined): number {
  const seconds = Number(unitProperty(unit, 'ExecMainStartTimestamp')?.replace('@', ''));
  return Number.isFinite(seconds) ? seconds : 0;
}
