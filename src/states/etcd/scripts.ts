import { NOTHING_MOUNTED } from '../removal/scripts.ts';

/**
 * Fixed text for a host's shell; what varies comes as arguments, so no value becomes shell source. The last arguments
 * are etcdctl with its certificates and endpoints. Lines of `member list -w simple` are
 * `ID, started, NAME, PEER URLS, CLIENT URLS, IS LEARNER`.
 *
 * etcd changes nobody until the present members have heard each other for five seconds (HealthInterval in
 * server/etcdserver/server.go), which they have not after one of them started or a connection broke: `again` waits for
 * that, up to 20 s.
 */
const AGAIN = `set -eu
export LC_ALL=C
again() {
  tries=40
  until said=$("$@" 2>&1); do
    tries=$((tries - 1))
    case $said in *'unhealthy cluster'*) ;; *) tries=0 ;; esac
    [ "$tries" -gt 0 ] || { printf '%s\\n' "$said" >&2; exit 1; }
    sleep 0.5
  done
}
`;

/** $1 = endpoint of this member. Does nothing when it does not lead. */
export const MOVE_LEADER = `set -eu
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
 * $1 = name, $2 = peer URL of the newcomer, $3 = peer URLs of all others that its file names, sorted. A member of that
 * name that lived has lost its data: it goes first. One that was added, or founded, and never started tells no client
 * URLs: it is right as it is.
 */
export const ADD_MEMBER = `${AGAIN}
name=$1; url=$2; others=$3; shift 3
list=$("$@" member list -w simple)
found=$(printf '%s\\n' "$list" | awk -F', ' -v name="$name" -v url="$url" '$3 == name || $4 == url { print $1 "/" $5 }')
for each in $found; do
  [ -n "\${each#*/}" ] || exit 0
  again "$@" member remove "\${each%%/*}"
done
now=$(printf '%s\\n' "$list" | awk -F', ' -v name="$name" -v url="$url" '$3 != name && $4 != url { print $4 }' |
  tr ',' '\\n' | sort | paste -sd ' ' -)
if [ "$now" != "$others" ]; then
  echo "the members of etcd are others than when this was planned: now at $now, then at $others" >&2
  exit 1
fi
again "$@" member add "$name" --peer-urls="$url" --learner
`;

/**
 * $1 = name, $2 = peer URL. etcd promotes who has nine tenths of the leader's log, so it is tried until the list says
 * that it has a vote; one that worked may have answered with an error. Ends after 8 min.
 */
export const PROMOTE_MEMBER = `set -eu
name=$1; url=$2; shift 2
end=$(($(date +%s) + 480))
said='etcd does not tell its members'
while [ "$(date +%s)" -lt "$end" ]; do
  if list=$("$@" member list -w simple 2>&1); then
    member=$(printf '%s\\n' "$list" | awk -F', ' -v name="$name" -v url="$url" '$3 == name || $4 == url { print $1, $6 }')
    case $member in
      '') said="$name is not in etcd's list of members"; break ;;
      *' false') exit 0 ;;
    esac
    if said=$("$@" member promote "\${member%% *}" 2>&1); then continue; fi
  fi
  sleep 0.5
done
printf '%s\\n' "$said" >&2
exit 1
`;

/** $1 = name, empty for one that never started; $2 = peer URL. It is tried until the list has it no more. */
export const REMOVE_MEMBER = `set -eu
name=$1; url=$2; shift 2
tries=40
said=
while [ "$tries" -gt 0 ]; do
  tries=$((tries - 1))
  if list=$("$@" member list -w simple 2>&1); then
    id=$(printf '%s\\n' "$list" | awk -F', ' -v name="$name" -v url="$url" '$3 == name && (name != "" || $4 == url) { print $1 }')
    [ -n "$id" ] || exit 0
    if said=$("$@" member remove "$id" 2>&1); then continue; fi
  else
    said=$list
  fi
  sleep 0.5
done
printf '%s\\n' "$said" >&2
exit 1
`;

/** $1 = name, $2 = where its peers find it from now on. */
export const MOVE_MEMBER = `${AGAIN}
name=$1; url=$2; shift 2
id=$("$@" member list -w simple | awk -F', ' -v name="$name" -v url="$url" '$3 == name && $4 != url { print $1 }')
[ -n "$id" ] || exit 0
again "$@" member update "$id" --peer-urls="$url"
`;

/** $1 = data directory, $2 = where the write-ahead log lies apart, or empty. What etcd did not put there stays. */
export const WIPE_MEMBER = `set -eu
${NOTHING_MOUNTED}nothing_mounted_below "$1/member"
if systemctl cat etcd.service >/dev/null 2>&1; then systemctl disable --now etcd.service; fi
rm -rf -- "$1/member"
if [ -n "$2" ] && [ -d "$2" ]; then find "$2" -maxdepth 1 -type f '(' -name '*.wal' -o -name '*.tmp' ')' -delete; fi
`;
