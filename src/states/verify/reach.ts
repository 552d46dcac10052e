import type { Answer, Ask, GateCheck, GateContext } from '../../cluster/gate.ts';
import { parseJson, seen } from '../../cluster/http.ts';
import { kubectl, apiHost } from '../../cluster/kubectl.ts';
import { lastLine } from '../../core/answer.ts';
import { askApi } from '../../cluster/api-server.ts';
import { askPods, missingPods, runningPods, type RunningPod } from '../../cluster/pods.ts';
import { podTroubles } from '../../cluster/pod-troubles.ts';
import { linesOf } from '../../core/lines.ts';
import { nthAddress } from '../../core/ipv4.ts';
import type { Cluster } from '../../inventory/types.ts';
import { TEST } from './test-pods.ts';

/** An image may have to be pulled first. */
const PULL_DEADLINE = 120;
/**
 * After API servers restarted, kube-proxy, CoreDNS and controllers list anew what they watch up to 60 s later, and know no
 * new Service until then: 30 s, and as much again by chance (client-go, tools/cache/reflector.go).
 */
const REACH_DEADLINE = 75;

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
    // What is said of several of them is joined behind the colon.
    const from = `pod network from ${pod.node}`;
    const inPod: InPod = (...argv) =>
      kubectl(cluster, asked, 'exec', '--namespace', TEST.namespace, pod.name, '--', ...argv);
    return [
      fetches(inPod, `${from}: all pods`, pairs),
      fetches(inPod, `${from}: a Service`, [`*=${clusterIp}:${port}`]),
      ...(dns
        ? [
            fetches(inPod, `${from}: a Service by name`, [`*=${name}:${port}`]),
            resolvesApi(cluster, inPod, `${from}: DNS`),
          ]
        : []),
    ];
  });
}

/** A command in a pod. */
type InPod = (...argv: string[]) => Ask;

function notRun(answer: Answer | undefined): string {
  return `kubectl exec: ${lastLine(answer?.stderr)}`;
}

function fetches(inPod: InPod, title: string, pairs: readonly string[]): GateCheck {
  return {
    title,
    asks: [inPod('sh', '-c', FETCH, 'sh', ...pairs)],
    check: ([answer]) => {
      if (answer?.exitCode !== 0) return notRun(answer);
      const wrong = [...linesOf(answer.stdout.slice(0, MOST_CHARACTERS))];
      return wrong.length === 0 ? undefined : byWhatCame(wrong).slice(0, LONGEST_TEXT);
    },
    deadline: REACH_DEADLINE,
  };
}

/** What hundreds of pods give has less, and what is shown of it. */
const MOST_CHARACTERS = 256 * 1024;
const LONGEST_TEXT = 4096;

/** Lines of {@link FETCH}: what came in place of the page, once, and from which nodes' pods. */
function byWhatCame(lines: readonly string[]): string {
  const found = lines.map((line) => {
    const [, node, host = '', got] = /^(?:(\S+) at )?(\S+) gave (.*)$/.exec(line) ?? [];
    // wget says the address too, and each pod has another one.
    const address = host.slice(0, host.lastIndexOf(':'));
    return { node, what: got === undefined ? line : got.replaceAll(` (${address})`, '') };
  });
  return [...Map.groupBy(found, ({ what }) => what)]
    .map(([what, all]) => {
      const nodes = all.flatMap(({ node }) => node ?? []);
      return nodes.length === 0 ? what : `${what} from the pods on ${nodes.join(', ')}`;
    })
    .join('; ');
}

/**
 * nslookup's exit code also counts the IPv6 address that is not there, so its answer is read instead. Of a command that
 * fails kubectl only says with which code it ended.
 */
function resolvesApi(cluster: Cluster, inPod: InPod, title: string): GateCheck {
  const name = `kubernetes.default.svc.${cluster.network.domain}`;
  const address = nthAddress(cluster.network.serviceCidr, 1);
  return {
    title,
    asks: [inPod('nslookup', name)],
    check: ([answer]) => {
      if (answer === undefined || answer.stdout === '') return notRun(answer);
      return answer.stdout.includes(address) ? undefined : `nslookup: ${lastLine(answer.stdout)}`;
    },
    deadline: REACH_DEADLINE,
  };
}
