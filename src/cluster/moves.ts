import { linesOf } from '../core/lines.ts';
import { PATHS } from '../core/paths.ts';
import { hostsWith, type Cluster } from '../inventory/types.ts';
import { keepalivedHosts } from './endpoint.ts';
import type { Facts, Move, Moves } from './facts.ts';
import type { Answer, Ask } from './gate.ts';

/** Of a host's journal the newest ones: who moves more often is in other trouble than that nobody counts it. */
const MOST_LINES = 200;
/** That many lines have less. */
const MOST_CHARACTERS = 128 * 1024;
const LONGEST_LINE = 500;
/** A host's clock may be a little ahead of what is known of it. */
const SLACK_MS = 10_000;

/** What {@link takenIn} understands, for `journalctl --grep`. */
const TELLING = 'Entering MASTER STATE|Master received advert from|became leader at term';

/**
 * $1 = mcpk's journal, $2 = lines, $3 = what tells, then units. Prints the time of the last run here, in ms, then what the
 * units say since, the newest first, and what Keepalived said last before that: who had the VIP is who it moves from. Of
 * etcd, which says a lot more, only the time since is looked through; what is not found soon is left out, after `more`.
 */
const LOOK = `last=$(grep -ahEo '^[0-9]{13}' -- "$1.1" "$1" 2>/dev/null | tail -n 1)
[ -n "$last" ] || exit 0
echo "$last"
run=\${last%???} lines=$2 telling=$3
shift 3
said() {
  timeout 3 stdbuf -oL journalctl --quiet --no-pager --output=short-unix --reverse --grep="$telling" "$@"
  [ $? -ne 124 ] || echo more
}
said --since="@$run" --lines="$lines" "$@"
said --until="@$run" --lines=1 --unit=keepalived.service
`;

/** One for each host that could have the VIP, or etcd's leader: none where neither can move. */
export function askMoves(cluster: Cluster): Ask[] {
  const [vip, etcd] = movable(cluster);
  const hosts = cluster.hosts.filter(({ name }) => vip.has(name) || etcd.has(name));
  return hosts.map(({ name }) => {
    const units = [
      ...(vip.has(name) ? ['--unit=keepalived.service'] : []),
      ...(etcd.has(name) ? ['--unit=etcd.service'] : []),
    ];
    return { host: name, argv: ['sh', '-c', LOOK, 'sh', PATHS.journal, String(MOST_LINES), TELLING, ...units] };
  });
}

/** Hosts between which the VIP and etcd's leader move; nothing moves where there is one alone. */
function movable(cluster: Cluster): [vip: ReadonlySet<string>, etcd: ReadonlySet<string>] {
  const several = (hosts: Cluster['hosts']): Set<string> =>
    new Set(hosts.length > 1 ? hosts.map(({ name }) => name) : []);
  return [several(keepalivedHosts(cluster)), several(hostsWith(cluster, 'etcd'))];
}

/** What was taken, and who had it from then on. Times are ms, by this machine's clock. */
interface Taken {
  what: 'vip' | 'etcdLeader';
  at: number;
  by: string;
}

/** What a host says of itself. */
interface Told {
  lastRun: number;
  taken: Taken[];
  all: boolean;
}

/**
 * How the VIP and etcd's leader moved, by the answers to {@link askMoves}; undefined where no host remembers a run.
 *
 * @param now ms, of this machine's clock
 */
export function movesOf(
  cluster: Cluster,
  { hosts }: Pick<Facts, 'hosts'>,
  answers: readonly Answer[],
  now: number = Date.now(),
): Moves | undefined {
  const names = new Map(cluster.hosts.map(({ internalAddress, name }) => [internalAddress, name]));
  const told = answers.flatMap((answer) => {
    const skew = hosts.get(answer.host)?.clockSkewMs ?? 0;
    return parseMoves(answer, { names, skew, now }) ?? [];
  });
  if (told.length === 0) return undefined;
  const since = Math.max(...told.map(({ lastRun }) => lastRun));
  const [vip, etcd] = movable(cluster);
  const moved = (what: Taken['what']): Move[] => {
    const taken = told.flatMap((each) => each.taken).filter((each) => each.what === what);
    return changesOf(taken, since);
  };
  return {
    since: new Date(since).toISOString(),
    ...(vip.size > 0 ? { vip: moved('vip') } : {}),
    ...(etcd.size > 0 ? { etcdLeader: moved('etcdLeader') } : {}),
    ...(told.every(({ all }) => all) ? {} : { incomplete: true as const }),
  };
}

/** Who takes what he has already moves nothing. */
function changesOf(taken: readonly Taken[], since: number): Move[] {
  const inOrder = taken.toSorted((a, b) => a.at - b.at);
  return inOrder.flatMap(({ at, by }, index) => {
    const from = inOrder[index - 1]?.by;
    if (at <= since || by === from) return [];
    return [{ at: new Date(at).toISOString(), ...(from === undefined ? {} : { from }), to: by }];
  });
}

interface Telling {
  /** Internal address → host. */
  names: ReadonlyMap<string, string>;
  /** The host's clock minus ours. */
  skew: number;
  now: number;
}

/** Undefined for what is no answer to {@link askMoves}, and where no run is known. What is still to come never was. */
function parseMoves({ host, stdout }: Answer, { names, skew, now }: Telling): Told | undefined {
  const [first = '', ...lines] = linesOf(stdout.slice(0, MOST_CHARACTERS));
  const lastRun = /^\d{13}$/.test(first) ? Number(first) - skew : Infinity;
  if (lastRun > now + SLACK_MS) return undefined;
  const taken = lines
    .slice(0, MOST_LINES + 2)
    .flatMap((line) => takenIn(line.slice(0, LONGEST_LINE), host, names) ?? []);
  return {
    lastRun,
    taken: taken.map((each) => ({ ...each, at: each.at - skew })).filter(({ at }) => at <= now + SLACK_MS),
    all: lines.length < MOST_LINES && !lines.includes('more'),
  };
}

/**
 * A line of `journalctl --output=short-unix`: `1796049252.123456 m2 Keepalived_vrrp[812]: (kube_api) Entering MASTER STATE`.
 * A master that was only held up never enters that state again: whoever stood in for him says to whom he yields.
 */
function takenIn(line: string, host: string, names: ReadonlyMap<string, string>): Taken | undefined {
  const [, seconds, text = ''] = /^(\d{10}\.\d{6}) \S+ [^:]+: (.*)$/.exec(line) ?? [];
  const at = Math.floor(Number(seconds) * 1000);
  if (/^\(\w+\) Entering MASTER STATE$/.test(text)) return { what: 'vip', at, by: host };
  const [, address = ''] = /^\(\w+\) Master received advert from (\S+) with (?:higher|same) priority /.exec(text) ?? [];
  const by = names.get(address);
  if (by !== undefined) return { what: 'vip', at, by };
  return /\b[0-9a-f]{1,16} became leader at term \d{1,20}\b/.test(text)
    ? { what: 'etcdLeader', at, by: host }
    : undefined;
}
