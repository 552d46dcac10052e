#!/bin/sh
# Runs a member of etcd of its own beside the host's, as root, in a network of its own (systemd's PrivateNetwork), so that
# nobody else reaches what it holds. FOLDER is what it works in; it leaves with the unit.
#   rehearse FOLDER
#     restores FOLDER/snapshot.db, starts a member on it, and prints what it answers when it counts its keys, by fields
#   copy FOLDER MEMBER DATA WAL
#     prints a snapshot of what a member has that has lost its quorum, as etcd-snapshot.sh does: the snapshot, and 512 bytes
#     about it. WAL is empty where the write-ahead log lies with the data.
# Exit code 3: no room; 4: the snapshot can't be restored.

client=http://127.0.0.1:2379 peer=http://127.0.0.1:2380

main() {
  mode=$1 folder=$2
  shift 2
  cd "$folder" || exit 1
  "$mode" "$@"
}

# etcd's tools tell all that they do: said only where one fails.
quietly() { "$@" >said 2>&1 || { tail -n 5 said >&2 && return 1; }; }

# room BYTES: of them twice, and what must do for etcd itself.
room() {
  wanted=$((2 * $1 + 268435456))
  free=$(df --block-size=1 --output=avail . | tail -n 1)
  [ "$free" -ge "$wanted" ] && return 0
  printf '%s has %s bytes free, and %s are needed\n' "$PWD" "${free##* }" "$wanted" >&2
  exit 3
}

etcd_answers() { etcdctl --endpoints=$client "$@"; }

# start NAME WORD…: returns when it answers.
start() {
  name=$1
  shift
  etcd --name="$name" --data-dir=data --listen-client-urls=$client --advertise-client-urls=$client \
    --listen-peer-urls=$peer "$@" >log 2>&1 &
  pid=$!
  until etcd_answers endpoint health >/dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || { tail -n 5 log >&2 && return 1; }
    sleep 0.1
  done
}

rehearse() {
  room "$(stat -c %s snapshot.db)"
  quietly etcdutl snapshot restore snapshot.db --data-dir=data --name=rehearsal --initial-cluster=rehearsal=$peer \
    --initial-advertise-peer-urls=$peer || exit 4
  start rehearsal --initial-advertise-peer-urls=$peer --initial-cluster=rehearsal=$peer || exit 4
  etcd_answers get '' --prefix --count-only --write-out=fields
}

copy() {
  member=$1 data=$2 wal=$3
  size=$(du --bytes --summarize "$data/member" | cut -f 1)
  room "$size"
  # While it waits for its quorum it writes votes. It starts again, however this ends.
  trap 'exit 1' TERM HUP INT
  trap 'systemctl start --no-block etcd.service' EXIT
  systemctl stop etcd.service || exit 1
  mkdir data && cp -a -- "$data/member" data/ || exit 1
  if [ -n "$wal" ]; then mkdir log-of-member && cp -a -- "$wal"/*.wal log-of-member/ || exit 1; fi
  trap - EXIT
  systemctl start --no-block etcd.service || exit 1
  start "$member" --force-new-cluster ${wal:+--wal-dir=log-of-member} || exit 1
  quietly etcd_answers snapshot save snapshot.db || exit 1
  quietly etcdutl snapshot restore snapshot.db --data-dir=proof || exit 4
  cat snapshot.db || exit 1
  printf '%-512s' "$(etcdutl snapshot status snapshot.db --write-out=json 2>/dev/null)"
}

umask 077
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
main "$@"
