#!/bin/sh
# Takes a snapshot of etcd from this host's member, as root, and proves that it can be restored.
#   send FOLDER
#     prints it: a line with its size in bytes, the snapshot, and a line of JSON about it
#   keep FOLDER CLUSTER MEMBER KUBERNETES COUNT
#     writes a bundle (docs/recovery.md) into FOLDER, of which the newest COUNT stay there. Its keys are encrypted where
#     /etc/etcd/backup-recipients names recipients of age. /etc/etcd/backup-upload, where it is there, has a command, a
#     word a line: it is run afterwards, with the bundle's path as its last word.
# Works in a folder of its own in FOLDER, which leaves with it, however it ends; `send` in memory where there is plenty of
# it. Exit code 3: no room; 4: the snapshot is not what was taken.

keys=/etc/kubernetes
recipients=/etc/etcd/backup-recipients
upload=/etc/etcd/backup-upload

main() {
  mode=$1 folder=$2
  work=$folder/.snapshot.$$
  trap 'leave' EXIT
  trap 'exit 1' TERM HUP INT PIPE
  # What a power loss left of those before this one: their processes are gone.
  for left in "$folder"/.snapshot.*; do
    [ ! -e "$left" ] || kill -0 "${left##*.}" 2>/dev/null || rm -rf -- "$left"
  done
  mkdir -- "$work" || exit 1
  size=$(database_size) || exit 1
  wanted=$((2 * size + 268435456))
  { [ "$mode" = send ] && in_memory; } || check_room
  quietly etcd snapshot save "$work/snapshot.db" >/dev/null || exit 1
  case $mode in
    send) send ;;
    keep) keep "$3" "$4" "$5" "$6" ;;
  esac
}

leave() {
  trap '' TERM HUP INT PIPE
  umount --lazy -- "$work" 2>/dev/null
  rm -rf -- "$work"
}

etcd() {
  etcdctl --endpoints=https://127.0.0.1:2379 --cacert=/etc/kubernetes/pki/etcd-ca.crt \
    --cert=/etc/etcd/pki/healthcheck-client.crt --key=/etc/etcd/pki/healthcheck-client.key "$@"
}

# number NAME FILE, text NAME FILE: of JSON on one line.
number() { sed -n 's/.*"'"$1"'":\([0-9]*\).*/\1/p' "$2"; }
text() { sed -n 's/.*"'"$1"'":"\([0-9A-Za-z.+-]*\)".*/\1/p' "$2"; }

database_size() {
  etcd endpoint status --write-out=json >"$work/member" || return 1
  number dbSize "$work/member"
}

# etcd's tools wait until all that they wrote is on the disk, and the member that runs here waits for the disk meanwhile.
# Nobody else sees what is mounted, and it leaves with the last process (mcpk runs this by unshare).
in_memory() {
  available=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo)
  [ "$((${available:-0} / 2))" -ge "$((wanted / 1024))" ] || return 1
  mount -t tmpfs -o "size=$wanted,mode=0700" mcpk "$work" 2>/dev/null
}

# The snapshot, and as much again to restore it; what is left must do for etcd itself.
check_room() {
  free=$(df --block-size=1 --output=avail -- "$folder" | tail -n 1)
  [ "$free" -ge "$wanted" ] && return 0
  printf '%s has %s bytes free, and a snapshot and its proof take %s\n' "$folder" "${free##* }" "$wanted" >&2
  exit 3
}

# etcd's tools tell all that they do: said only where one fails.
quietly() { "$@" 2>"$work/said.$3" || { tail -n 5 "$work/said.$3" >&2 && return 1; }; }

# Only restoring compares the sum that etcd wrote at its end; what is restored is of no use. Counting reads all of it, too.
prove() {
  quietly etcdutl snapshot status "$work/snapshot.db" --write-out=json >"$work/status" &
  counting=$!
  quietly etcdutl snapshot restore "$work/snapshot.db" --data-dir "$work/proof" >/dev/null || return 1
  wait "$counting" || return 1
  rm -rf -- "$work/proof"
}

# Proved while it is on its way.
send() {
  prove &
  stat -c %s "$work/snapshot.db" && cat "$work/snapshot.db" || exit 1
  wait "$!" || exit 4
  cat "$work/status"
}

keep() {
  prove || exit 4
  cluster=$1 member=$2 kubernetes=$3 count=$4
  now=$(date -u +%Y%m%dT%H%M%SZ) said=$(date -u +%Y-%m-%dT%H:%M:%S.000Z)
  sum=$(sha256sum <"$work/snapshot.db") || exit 1
  pack_keys || exit 1
  cat >"$work/bundle.json" <<END
{
 "apiVersion": "mcpk/v1",
 "kind": "EtcdBundle",
 "cluster": "$cluster",
 "clusterId": "$(number cluster_id "$work/member")",
 "createdAt": "$said",
 "member": "$member",
 "versions": { "etcd": "$(text version "$work/member")", "kubernetes": "$kubernetes" },
 "revision": $(number revision "$work/status"),
 "totalKeys": $(number totalKey "$work/status"),
 "databaseBytes": $(number totalSize "$work/status"),
 "sha256": "${sum%% *}",
 "encryptionKeys": [$(encryption_keys)],
 "serviceAccountKeys": [$(service_account_keys)],
 "keys": "$form"
}
END
  name=$cluster-$now.mcpk-etcd.tar
  # shellcheck disable=SC2086 # none or one
  tar --create --format=ustar --owner=0 --group=0 --numeric-owner --mode=0600 --file="$work/$name" \
    --directory="$work" bundle.json $packed snapshot.db || exit 1
  rm -f -- "$work/snapshot.db"
  sync "$work/$name" && mv -f -- "$work/$name" "$folder/$name" && sync "$folder" || exit 1
  rm -rf -- "$work"
  set -- "$folder/$cluster"-????????T??????Z.mcpk-etcd.tar
  while [ "$#" -gt "$count" ]; do
    rm -f -- "$1"
    shift
  done
  if [ -e "$upload" ]; then send_away "$folder/$name"; fi
}

# keys.json or keys.json.age of a master; members elsewhere have none.
pack_keys() {
  form=none packed=
  [ -e $keys/api-server/encryption.yaml ] || return 0
  cat $keys/api-server/service-account.key $keys/pki/service-account.pub >/dev/null || return 1
  if [ -e "$recipients" ]; then
    form=age packed=keys.json.age
    keys_json | age --encrypt --recipients-file "$recipients" --output "$work/$packed"
  else
    form=plain packed=keys.json
    keys_json >"$work/$packed"
  fi
}

keys_json() {
  printf '{"encryption.yaml":"%s","service-account.key":"%s","service-account.pub":"%s"}\n' \
    "$(in_json $keys/api-server/encryption.yaml)" "$(in_json $keys/api-server/service-account.key)" \
    "$(in_json $keys/pki/service-account.pub)"
}

# Each line ends in \n.
in_json() { sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/\t/\\t/g' -- "$1" | awk '{ printf "%s\\n", $0 }'; }

# As mcpk writes them: `- name: key-2026-11-20`.
encryption_keys() {
  [ "$form" = none ] || sed -n 's/^ *- name: \([A-Za-z0-9._-]*\)$/"\1"/p' $keys/api-server/encryption.yaml | uniq | paste -s -d ,
}

# sha256 of what each PEM holds.
service_account_keys() {
  [ "$form" != none ] || return 0
  ends=$(grep -c '^-----END ' $keys/pki/service-account.pub)
  at=0
  while [ "$at" -lt "$ends" ]; do
    at=$((at + 1))
    awk -v at="$at" '/^-----BEGIN/ { n++; next } /^-----END/ { next } n == at' $keys/pki/service-account.pub |
      base64 -d | sha256sum | sed 's/^\([0-9a-f]*\).*/"\1"/'
  done | paste -s -d ,
}

send_away() {
  bundle=$1
  set --
  while IFS= read -r word; do set -- "$@" "$word"; done <"$upload"
  "$@" "$bundle"
}

umask 077
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd / || exit 1
main "$@"
