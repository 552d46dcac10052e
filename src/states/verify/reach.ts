import type { Ask, GateCheck, GateContext } from '../../cluster/gate.ts';
import { parseJson, seen } from '../../cluster/http.ts';
import { kubectl, apiHost } from '../../cluster/kubectl.ts';
import { lastLine } from '../../core/answer.ts';
import { askApi } from '../../cluster/api-server.ts';
import { askPods, missingPods, runningPods, type RunningPod } from '../../cluster/pods.ts';
import { podTroubles } from '../../cluster/pod-troubles.ts';
import { nthAddress } from '../../core/ipv4.ts';
import type { Cluster } from '../../inventory/types.ts';
import { TEST } from './test-pods.ts';

/** An image may have to be pulled first. */
const PULL_DEADLINE = 120;
const REACH_DEADLINE = 30;

/**
 * Runs in a test pod; every argument is `WANT=HOST`: the page at HOST must be WANT, or any node's name for `*`.
 * Prints what went wrong, one line each.
 */
const FETCH = `
for pair in "$@"; do
  want=\${pair%%=*} host=\${pair#*=}
  got=$(wget -q -T 3 -O - "http://$host/" 2>&1) || got="nothing ($got)"
  case $want in
    "$got") ;;
    '*') case $got in nothing*) echo "$host gave $got" ;; esac ;;
    *) echo "$want at $host gave $got" ;;
  esac
done`;

/** One pod a node comes up; then each reaches all others, and a Service by address and by name. */
export function podsReachEachOther({ cluster, facts }: GateContext, nodes: readonly string[]): GateCheck {
  const asked = apiHost(cluster, facts);
  return {
    title: `a test pod runs on each of ${String(nodes.length)} nodes`,
    asks: [
      askPods(cluster, asked, TEST.namespace),
      askApi(cluster, asked, `/api/v1/namespaces/${TEST.namespace}/services/${TEST.service}`),
    ],
    check: ([pods, service]) =>
      missingPods(nodes, pods) ?? (addressOf(service) === undefined ? `no test Service: ${seen(service)}` : undefined),
    next: ([pods, service]) => reachChecks(cluster, asked, [...runningPods(pods).values()], addressOf(service) ?? ''),
    explain: () => podTroubles({ cluster, asked, namespace: TEST.namespace }, TEST.labels),
    deadline: PULL_DEADLINE,
  };
}

function addressOf(service: Parameters<typeof parseJson>[0]): string | undefined {
  return (parseJson(service) as { spec?: { clusterIP?: string } } | undefined)?.spec?.clusterIP;
}

function reachChecks(cluster: Cluster, asked: string, pods: readonly RunningPod[], clusterIp: string): GateCheck[] {
  const port = String(TEST.port);
  const pairs = pods.map((pod) => `${pod.node}=${pod.address}:${port}`);
  const name = `${TEST.service}.${TEST.namespace}.svc.${cluster.network.domain}`;
  const dns = cluster.addons.coredns.enabled;
  return pods.flatMap((pod) => {
    const inPod: InPod = (...argv) =>
      kubectl(cluster, asked, 'exec', '--namespace', TEST.namespace, pod.name, '--', ...argv);
    return [
      fetches(inPod, `pod on ${pod.node} reaches the pods on all nodes`, pairs),
      fetches(inPod, `pod on ${pod.node} reaches a Service`, [`*=${clusterIp}:${port}`]),
      ...(dns
        ? [
            fetches(inPod, `pod on ${pod.node} reaches a Service by name`, [`*=${name}:${port}`]),
            resolvesApi(cluster, inPod, pod),
          ]
        : []),
    ];
  });
}

/** A command in a pod. */
type InPod = (...argv: string[]) => Ask;

function fetches(inPod: InPod, title: string, pairs: readonly string[]): GateCheck {
  return {
    title,
    asks: [inPod('sh', '-c', FETCH, 'sh', ...pairs)],
    check: ([answer]) => {
      if (answer?.exitCode !== 0) return `kubectl exec: ${lastLine(answer?.stderr)}`;
      const wrong = answer.stdout.trim();
      return wrong === '' ? undefined : wrong.slice(0, 4096).replaceAll('\n', '; ');
    },
    deadline: REACH_DEADLINE,
  };
}

/** nslookup's exit code also counts the IPv6 address that is not there, so its answer is read instead. */
function resolvesApi(cluster: Cluster, inPod: InPod, pod: RunningPod): GateCheck {
  const name = `kubernetes.default.svc.${cluster.network.domain}`;
  const address = nthAddress(cluster.network.serviceCidr, 1);
  return {
    title: `pod on ${pod.node} resolves kubernetes.default`,
    asks: [inPod('nslookup', name)],
    check: ([answer]) =>
      answer?.stdout.includes(address) ? undefined : `nslookup ${name}: ${lastLine(answer?.stderr || answer?.stdout)}`,
    deadline: REACH_DEADLINE,
  };
}
