import type { Ask, GateCheck, GateContext } from '../../cluster/gate.ts';
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

/** What each pod tries, by the names that {@link TRY} knows, and how that is called. */
const TRIES = { pods: 'all pods', service: 'a Service', name: 'a Service by name', dns: 'DNS' } as const;
type Try = keyof typeof TRIES;

/**
 * Runs in a test pod, all tries side by side: a command for each would be a kubectl for each. Every argument is
 * `TRY|WANT=HOST`: the page at HOST must be WANT, or any node's name for `*`; of `dns` the address of HOST must be WANT.
 * Prints what went wrong, one line each, behind its try. The exit code of nslookup also counts the IPv6 address that is
 * not there, so its answer is read instead.
 */
const TRY = `
page() {
  got=$(wget -q -T 3 -O - "http://$host/" 2>&1) || got="nothing ($got)"
  case $want in
    "$got") ;;
    '*') case $got in nothing*) echo "$try|$host gave $got" ;; esac ;;
    *) echo "$try|$want at $host gave $got" ;;
  esac
}
address() {
  got=$(nslookup "$host" 2>&1)
  echo "$got" | grep -qwF -- "$want" || echo "$try|nslookup: $(echo "$got" | tail -n 1)"
}
for try in ${Object.keys(TRIES).join(' ')}; do
  for each; do
    case $each in "$try|"*) ;; *) continue ;; esac
    each=\${each#*|}
    want=\${each%%=*} host=\${each#*=}
    case $try in dns) address ;; *) page ;; esac
  done &
done
wait`;

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
  const { domain, serviceCidr } = cluster.network;
  const port = String(TEST.port);
  const tries: [Try, string[]][] = [
    ['pods', pods.map((pod) => `${pod.node}=${pod.address}:${port}`)],
    ['service', [`*=${clusterIp}:${port}`]],
  ];
  if (cluster.addons.coredns.enabled)
    tries.push(
      ['name', [`*=${TEST.service}.${TEST.namespace}.svc.${domain}:${port}`]],
      ['dns', [`${nthAddress(serviceCidr, 1)}=kubernetes.default.svc.${domain}`]],
    );
  const words = tries.flatMap(([name, pairs]) => pairs.map((pair) => `${name}|${pair}`));
  return pods.flatMap((pod) => {
    const argv = ['exec', '--namespace', TEST.namespace, pod.name, '--', 'sh', '-c', TRY, 'sh', ...words];
    const inPod = kubectl(cluster, asked, ...argv);
    // What is said of several of them is joined behind the colon.
    return tries.map(([name]) => tried(inPod, name, `pod network from ${pod.node}: ${TRIES[name]}`));
  });
}

/** The tries of a pod have one question, which is asked once for all of them. */
function tried(inPod: Ask, name: Try, title: string): GateCheck {
  return {
    title,
    asks: [inPod],
    check: ([answer]) => {
      if (answer?.exitCode !== 0) return `kubectl exec: ${lastLine(answer?.stderr)}`;
      const wrong = saidOf(name, answer.stdout);
      return wrong.length === 0 ? undefined : byWhatCame(wrong).slice(0, LONGEST_TEXT);
    },
    deadline: REACH_DEADLINE,
  };
}

/** What hundreds of pods give has less, and what is shown of it. */
const MOST_CHARACTERS = 256 * 1024;
const LONGEST_TEXT = 4096;

/** The lines behind the name of a try, read one by one: an answer at its largest has millions. */
function saidOf(name: Try, text: string): string[] {
  const said: string[] = [];
  let left = MOST_CHARACTERS;
  for (const line of linesOf(text)) {
    if (!line.startsWith(`${name}|`)) continue;
    said.push(line.slice(name.length + 1, name.length + 1 + left));
    left -= line.length;
    if (left <= 0) break;
  }
  return said;
}

/** Lines of {@link TRY}: what came in place of the page, once, and from which nodes' pods. */
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
