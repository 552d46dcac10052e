import { PATHS } from '../../../core/paths.ts';

/*
 * Fixed text; what varies comes as arguments, so no value becomes shell source. Each may be run again wherever it was
 * cut off: what it has done is seen, and the phase is written when all of it is on the disk.
 */

export const UNITS = {
  etcd: 'etcd.service',
  apiServer: 'kube-apiserver.service',
  controllers: ['kube-controller-manager.service', 'kube-scheduler.service'],
} as const;

const COMMON = `set -eu
state=${PATHS.restoring} units=${PATHS.units} conf=50-mcpk-restore.conf
mark() {
  printf '%s\\n' "$1" >"$state.new"
  sync "$state.new"
  mv -f -- "$state.new" "$state"
  sync "\${state%/*}"
}
unbar() {
  for unit; do
    rm -f -- "$units/$unit.d/$conf"
    rmdir -- "$units/$unit.d" 2>/dev/null || :
  done
  systemctl daemon-reload
}
# What lies in a disk of its own stays on it.
beside() {
  if mountpoint -q -- "$1"; then echo "$1/$2"; else echo "$1.$2"; fi
}
`;

/** $1 = the state, the rest = units that must not start while it is there, whoever boots the host. */
const BAR = `${COMMON}
line=$1; shift
umask 022
for unit; do
  mkdir -p -- "$units/$unit.d"
  printf '# Written by mcpk while it restores etcd.\\n[Unit]\\nConditionPathExists=!%s\\n' "$state" >"$units/$unit.d/$conf"
  sync "$units/$unit.d/$conf" "$units/$unit.d"
done
sync "$units"
umask 077
mkdir -p -- "\${state%/*}"
mark "$line"
systemctl daemon-reload
`;

/** $1 = the state. */
const MARK = `${COMMON}
umask 077
mkdir -p -- "\${state%/*}"
mark "$1"
`;

/** $1 = the state, $2 = the run, $3 = data directory, $4 = folder of the write-ahead log where it lies apart, or ''. */
const ASIDE = `${COMMON}
line=$1 run=$2 data=$3 wal=$4
systemctl stop ${UNITS.etcd}
umask 077
# Under its name it lies there only when it is whole.
aside() {
  from=$1; shift
  to=$(beside "$from" "before-$run")
  [ ! -d "$to" ] || return 0
  mkdir -p -- "$to.part"
  for entry; do
    [ ! -e "$entry" ] || mv -T -- "$entry" "$to.part/\${entry##*/}"
  done
  mv -T -- "$to.part" "$to"
  sync "$to" "\${to%/*}"
  [ ! -d "$from" ] || sync "$from"
}
aside "$data" "$data/member"
[ -z "$wal" ] || aside "$wal" "$wal"/*.wal "$wal"/*.tmp
mark "$line"
`;

/** As {@link ASIDE}; $5 = the snapshot, the rest = what etcdutl is told of this member. */
const LOAD = `${COMMON}
line=$1 run=$2 data=$3 wal=$4 snapshot=$5; shift 5
# Only then are the data that lie in the way none but an attempt's before this one.
case $(cat "$state") in *" aside") [ -d "$(beside "$data" "before-$run")" ] ;; *) false ;; esac ||
  { echo "the old data do not lie aside" >&2; exit 1; }
umask 077
new=$(beside "$data" "new-$run")
rm -rf -- "$new" "$data/member"
set -- "$@" --data-dir="$new"
if [ -n "$wal" ]; then
  new_wal=$(beside "$wal" "new-$run")
  rm -rf -- "$new_wal" "$wal"/*.wal "$wal"/*.tmp
  set -- "$@" --wal-dir="$new_wal"
fi
${PATHS.bin}/etcdutl snapshot restore "$snapshot" "$@"
chown -R etcd:etcd -- "$new" \${new_wal:+"$new_wal"}
sync -f "$new"
if [ -n "$wal" ]; then
  mv -- "$new_wal"/* "$wal"/
  rmdir -- "$new_wal"
  sync "$wal"
fi
mv -T -- "$new/member" "$data/member"
rmdir -- "$new"
sync "$data"
mark "$line"
rm -f -- "$snapshot"
`;

/** $1 = the state, the rest = units. */
const START = `${COMMON}
line=$1; shift
unbar "$@"
systemctl reset-failed "$@" 2>/dev/null || :
systemctl start --no-block "$@"
mark "$line"
`;

/** $1 = the run, $2 = path, $3 = owner, $4 = mode, on standard input what the file shall hold. What was there is kept. */
const PUT = `${COMMON}
path=$2 owner=$3 mode=$4 keep=${PATHS.restore}/before-$1
umask 077
if [ -e "$path" ] && [ ! -e "$keep$path" ]; then
  mkdir -p -- "$keep\${path%/*}"
  cp -p -- "$path" "$keep$path.part"
  mv -T -- "$keep$path.part" "$keep$path"
fi
cat >"$path.mcpk"
chown "$owner" "$path.mcpk"
chmod "$mode" "$path.mcpk"
sync "$path.mcpk"
mv -f -- "$path.mcpk" "$path"
`;

/** The arguments are all units that were barred. */
const FINISH = `${COMMON}
rm -f -- "$state" "$state.new" "\${state%/*}/snapshot.db"
sync "\${state%/*}"
unbar "$@"
`;

/** $1 = the state, barred again; the rest = units. All hosts must lie still before one starts on old data. */
const HALT = `${COMMON}
line=$1; shift
systemctl stop "$@"
mark "$line"
`;

/** $1 = the run, $2 = data directory, $3 = folder of the write-ahead log; '' where the host has no member. The rest = units. */
const GIVE_BACK = `${COMMON}
run=$1 data=$2 wal=$3; shift 3
back() {
  to=$1; shift
  from=$(beside "$to" "before-$run")
  rm -rf -- "$(beside "$to" "new-$run")"
  if [ -d "$from" ]; then
    rm -rf -- "$@"
    mv -T -- "$from" "$from.part"
  fi
  [ -d "$from.part" ] || return 0
  for entry in "$from.part"/*; do
    [ ! -e "$entry" ] || mv -T -- "$entry" "$to/\${entry##*/}"
  done
  rmdir -- "$from.part"
  sync "$to"
}
if [ -n "$data" ]; then
  back "$data" "$data/member"
  [ -z "$wal" ] || back "$wal" "$wal"/*.wal "$wal"/*.tmp
fi
keep=${PATHS.restore}/before-$run
if [ -d "$keep" ]; then
  (cd "$keep" && find . -type f ! -name '*.part' -exec cp -p -- {} /{} \\;)
  rm -rf -- "$keep"
fi
rm -f -- "$state" "$state.new" "\${state%/*}/snapshot.db"
sync "\${state%/*}"
unbar "$@"
systemctl start --no-block "$@"
`;

export const SCRIPTS = {
  bar: BAR,
  mark: MARK,
  aside: ASIDE,
  load: LOAD,
  start: START,
  put: PUT,
  finish: FINISH,
  halt: HALT,
  giveBack: GIVE_BACK,
} as const;
