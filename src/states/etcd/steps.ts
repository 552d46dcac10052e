import { ETCDCTL } from '../../cluster/etcd.ts';
import { owns } from '../../cluster/laid.ts';
import { PATHS } from '../../core/paths.ts';
import { hostsWith } from '../../inventory/types.ts';
import type { AroundContext, Step, Steps } from '../stage.ts';
import { clientUrl, EXISTING, peerUrl, STATE_LINE } from './config.ts';

const API_SERVER = 'kube-apiserver.service';

/**
 * Fixed text; what varies comes as arguments, so no value becomes shell source.
 * $1 = endpoint of this member, the rest = etcdctl with its certificates. Does nothing when it does not lead.
 */
const MOVE_LEADER = `set -eu
endpoint=$1; shift
"$@" --endpoints="$endpoint" endpoint status -w fields |
  awk '$1 == "\\"MemberID\\"" { own = $3 } $1 == "\\"Leader\\"" { leader = $3 } END { exit own != leader }' || exit 0
own=$("$@" --endpoints="$endpoint" endpoint status -w simple | awk -F', ' '{ print $2 }')
others=$("$@" --endpoints="$endpoint" member list -w simple |
  awk -F', ' -v own="$own" '$1 != own && $2 == "started" && $6 != "true" { print $1 }')
for id in $others; do
  if "$@" --endpoints="$endpoint" move-leader "$id"; then exit 0; fi
done
[ -z "$others" ]
`;

/**
 * $1 = name, $2 = peer URL of the member that lost its data, the rest = etcdctl with its certificates.
 * A member tells its client URLs when it starts (etcd's publish), so one without them has never lived.
 * etcd takes in nobody until the present members have heard each other for five seconds (HealthInterval in
 * server/etcdserver/server.go), which they have not after one of them started or a connection broke.
 */
const REPLACE_MEMBER = `set -eu
name=$1; url=$2; shift 2
"$@" member list -w simple | awk -F', ' -v name="$name" -v url="$url" '$3 == name || $4 == url { print $1, $5 }' |
while read -r id clients; do
  # A founder, or added by a run that ended too early: it still waits for its first start, and is right as it is.
  [ -z "$clients" ] && exit 10
  "$@" member remove "$id"
done || { [ $? -eq 10 ] && exit 0; }
tries=40
until said=$("$@" member add "$name" --peer-urls="$url" 2>&1); do
  tries=$((tries - 1))
  case $said in *'unhealthy cluster'*) ;; *) tries=0 ;; esac
  [ "$tries" -gt 0 ] || { printf '%s\\n' "$said" >&2; exit 1; }
  sleep 0.5
done
`;

/** Around a batch of etcd hosts; before the cluster has formed there is nobody to spare. */
export function etcdSteps(context: AroundContext): Steps {
  const { facts, batch } = context;
  if (facts.etcd === 'none' || facts.etcd === 'forming') return { before: [], after: [], held: batch.map(settle) };
  const fresh = batch.filter((host) => !hasData(context, host));
  const running = restartingMembers(context).filter((host) => facts.standing?.etcd.includes(host) ?? true);
  const stopped = stoppedApiServers(context);
  return {
    before: [
      ...fresh.flatMap((host) => replace(context, host)),
      ...running.map((host) => moveLeader(context, host)),
      // It talks to this member alone: taken out of rotation first, it fails no request.
      ...stopped.map((host) => systemctl(host, 'stop', `stop the API server of ${host} gracefully`, 'start')),
    ],
    after: stopped.map((host) => systemctl(host, 'start', `start the API server of ${host}`)),
  };
}

/** Members of the batch, with data, that go down for a moment. */
export function restartingMembers(context: AroundContext): string[] {
  const { facts, batch, restarting } = context;
  if (facts.etcd !== 'formed') return [];
  const restarts = (host: string): boolean =>
    restarting === undefined || (restarting.get(host)?.includes('etcd.service') ?? false);
  return batch.filter((host) => hasData(context, host) && restarts(host));
}

/** API servers that serve until their member goes down. One that does not is let be: it would only be slow to stop. */
export function stoppedApiServers(context: AroundContext): string[] {
  const { facts } = context;
  const serves = (host: string): boolean => facts.standing?.apiServers.includes(host) ?? true;
  return restartingMembers(context).filter((host) => owns(facts.hosts.get(host), `unit:${API_SERVER}`) && serves(host));
}

function hasData({ facts }: AroundContext, host: string): boolean {
  return facts.hosts.get(host)?.etcdData ?? false;
}

function moveLeader({ cluster }: AroundContext, host: string): Step {
  const own = cluster.hosts.find((each) => each.name === host)?.internalAddress ?? '';
  return {
    title: `move etcd's leader away from ${host}`,
    on: host,
    run: ['sh', '-c', MOVE_LEADER, 'sh', clientUrl(own), ...ETCDCTL],
  };
}

/** Asked of another member, with data: the new one can't speak for itself yet. */
function replace({ cluster, facts }: AroundContext, host: string): Step[] {
  const member = cluster.hosts.find((each) => each.name === host);
  const others = hostsWith(cluster, 'etcd').filter(
    (each) => each.name !== host && (facts.hosts.get(each.name)?.etcdData ?? false),
  );
  const first = others[0];
  if (!member || !first) return [];
  const endpoints = others.map((each) => clientUrl(each.internalAddress)).join(',');
  return [
    {
      title: `replace the etcd member ${host}`,
      on: first.name,
      run: [
        'sh',
        '-c',
        REPLACE_MEMBER,
        'sh',
        host,
        peerUrl(member.internalAddress),
        ...ETCDCTL,
        `--endpoints=${endpoints}`,
      ],
    },
  ];
}

/** Founders have met: from now on one that loses its data must find the others. */
function settle(host: string): Step {
  return {
    title: `note on ${host} that etcd has formed`,
    on: host,
    run: ['sed', '-i', `s/${STATE_LINE.line}/${EXISTING}/`, PATHS.etcdConfig],
  };
}

function systemctl(host: string, verb: string, title: string, undo?: string): Step {
  return {
    title,
    on: host,
    run: ['systemctl', verb, API_SERVER],
    ...(undo === undefined ? {} : { undo: ['systemctl', undo, API_SERVER] }),
  };
}
