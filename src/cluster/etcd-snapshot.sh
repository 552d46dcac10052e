#!/bin/sh
# Takes a snapshot of etcd from this host's member, as root, and proves that it can be restored.
#   send FOLDER
#     prints the snapshot, as etcd gives it, and 512 bytes about it: JSON, filled up with blanks. All of them come once it
#     is proved; until then it is of no use, and whoever takes it must compare the sum that etcd put at its end.
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
# Nobody else sees what is mounted, and it leaves with the last process (mcpk runs this by unshare). Large pages, where the
# kernel has them, spare most of the time that copying it takes.
in_memory() {
  available=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo)
  [ "$((${available:-0} / 2))" -ge "$((wanted / 1024))" ] || return 1
  mount -t tmpfs -o "size=$wanted,mode=0700,huge=within_size" mcpk "$work" 2>/dev/null ||
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

save() { quietly etcd snapshot save "$work/snapshot.db" >/dev/null; }

# prove WORD…: by a restore with these words besides. What is restored is of no use. Counting reads all of it, too.
prove() {
  quietly etcdutl snapshot status "$work/snapshot.db" --write-out=json >"$work/status" &
  counting=$!
  quietly etcdutl snapshot restore "$work/snapshot.db" --data-dir "$work/proof" "$@" >/dev/null || return 1
  wait "$counting"
}

# On its way from its first byte on, and proved meanwhile. etcdctl writes into snapshot.db.part, which it gives its name
# at the end. The sum is compared where it arrives, so once is enough.
send() {
  : >"$work/snapshot.db.part"
  exec 3<"$work/snapshot.db.part"
  { save && echo 0 || echo 1; } >"$work/saved" 3<&- &
  until [ -s "$work/saved" ]; do
    cat <&3 || exit 1
    sleep 0.02
  done
  read -r failed <"$work/saved"
  [ "$failed" = 0 ] || exit 1
  prove --skip-hash-check 3<&- &
  cat <&3 || exit 1
  wait "$!" || exit 4
  printf '%-512s' "$(cat "$work/status")"
}

keep() {
  save || exit 1
  prove || exit 4
  rm -rf -- "$work/proof"
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
# Of etcd's tools, whose threads mostly wait for each other.
export GOMAXPROCS=1
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd / || exit 1
main "$@"
