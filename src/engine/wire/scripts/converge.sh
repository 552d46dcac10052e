# shellcheck shell=sh
# Changes a host for mcpk. `sh converge.sh BODY FENCE`, behind generations.sh (src/engine/wire/scripts.ts joins them). BODY is
# data (src/engine/wire/wire-converge.ts writes it): a first line, operations, then the bytes of files. Each result goes to
# standard output as a numbered record. FENCE is the number of the lock under which this runs; '' checks none.
# Exit: 0 done, 13 another run took the lock, 15 an operation failed, 17 the host is not as the plan saw it (nothing
# was changed).
#
# An operation is `o NAME`, its arguments as `a` lines (`+` continues one that has line breaks), and `.`. Names are
# dispatched by the one `case` below; arguments are only ever arguments. Paths are relative to the root, so that
# tests can run this in a scratch one (MCPK_ROOT). Writing a file is cut, chown, chmod, sync, save, rename: separate
# operations, because those of many files share one process, and a process is what costs.
# shellcheck disable=SC2086 # lists are split on purpose; globbing is off
# shellcheck disable=SC2034,SC2154 # what generations.sh uses and sets
set -fu
export LC_ALL=C
umask 077

nl='
'
state=./var/lib/mcpk
reload='' temps='' number=0 ref='' run='' stage='' log=/dev/null noted='' report='' generation=''
epoch='' caller='' notes='' unsynced='' landed=''

emit() {
  printf '%s %s\n%s' "$1" "${#2}" "$2"
}

now() {
  IFS=' ' read -r uptime _ </proc/uptime
  now=${uptime%.*}${uptime#*.}0
}

# journal 'EVENT WORD…': a line of docs/journal.md. The clock was asked once, the rest is uptime: no process.
journal() {
  [ -n "$epoch" ] || return 0
  now
  printf '%s %s %s\n' "$((epoch + now))" "$run" "$1" >>$state/journal
}

# What must be on the disk before the journal says that it is done.
to_sync() {
  case $nl$unsynced$nl in *"$nl$1$nl"*) ;; *) unsynced=$unsynced$nl$1 ;; esac
}

# ---- packages: in a scope of its own, so that dpkg finishes when the session is lost ----

apt() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 APT_LISTCHANGES_FRONTEND=none \
    apt-get -y -q --no-install-recommends -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef \
    -o DPkg::Lock::Timeout=120 "$@"
}

# An interrupted dpkg leaves its updates; apt-get refuses to work before they are finished.
finish_dpkg() {
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    set +f
    set -- ./var/lib/dpkg/updates/[0-9]*
    set -f
    [ -e "$1" ] || return 0
    DEBIAN_FRONTEND=noninteractive dpkg --force-confold --configure -a && return 0
    echo "dpkg --configure -a failed (attempt $attempt)"
    sleep 3
  done
  return 1
}

# Arguments: P:PACKAGE, M:UNIT to mask meanwhile, H:PACKAGE to hold.
install_packages() {
  packages='' masked='' held=''
  for argument; do
    case $argument in
      P:*) packages=$packages$nl${argument#P:} ;;
      M:*) masked=$masked$nl${argument#M:} ;;
      H:*) held=$held$nl${argument#H:} ;;
    esac
  done
  IFS=$nl
  finish_dpkg || return 1
  if [ -n "$masked" ]; then printf '%s\n' $masked >$state/masked && systemctl mask --runtime --quiet -- $masked; fi
  # An earlier hold must not stop a wanted install.
  apt --allow-change-held-packages install -- $packages >$state/apt.log 2>&1
  result=$?
  if [ $result != 0 ] && grep -Eq 'Unable to locate|no installation candidate|Failed to fetch|not available|404 ' $state/apt.log; then
    apt update >>$state/apt.log 2>&1
    apt --allow-change-held-packages install -- $packages >>$state/apt.log 2>&1
    result=$?
  fi
  if [ -n "$masked" ]; then systemctl unmask --runtime --quiet -- $masked && : >$state/masked; fi
  if [ $result = 0 ] && [ -n "$held" ]; then apt-mark hold -- $held >/dev/null || result=1; fi
  [ $result = 0 ] || tail -n 25 $state/apt.log
  return $result
}

if [ "$1" = --install ]; then
  cd "${MCPK_ROOT:-/}" || exit 1
  shift
  install_packages "$@"
  exit $?
fi

install_apart() {
  if [ -d ./run/systemd/system ]; then
    setsid --wait systemd-run --scope --quiet --collect --description="mcpk installs packages" -- sh "$script" --install "$@"
  else
    sh "$script" --install "$@"
  fi
}

# ---- files ----

# Written down before it is there: a killed stream is cleared up after by the next one.
temporary() {
  { [ -e "$1" ] || [ -L "$1" ]; } && rm -rf -- "$1"
  temporary=$1
  temps=$temps$nl$1
  printf '%s\n' "$1" >>$state/temps
}

# cut OFFSET SIZE TEMP: noclobber opens with O_EXCL, so nobody can lead the bytes elsewhere by a link.
cut_out() {
  temporary "$3" || return 1
  set -C
  dd if="$body" bs=262144 iflag=skip_bytes,count_bytes skip="$1" count="$2" status=none >"$3"
  result=$?
  set +C
  return $result
}

# A directory cannot be renamed over.
make_way() {
  if [ -d "$1" ] && [ ! -L "$1" ]; then save "$1" && rm -rf -- "$1"; fi
}

touched() {
  case $1 in ./etc/systemd/system/* | ./usr/lib/systemd/system/*) reload=1 ;; esac
}

rename_over() {
  make_way "$2" && mv -fT -- "$1" "$2" && to_sync "${2%/*}" && touched "$2"
}

link_to() {
  temp=${1%/*}/.${1##*/}.mcpk
  save "$1" && make_way "$1" && temporary "$temp" && ln -sfn -- "$2" "$temp" && rename_over "$temp" "$1"
}

# access MODE OWNER:GROUP PATH
access() {
  save_access "$3" && chown -h -- "$2" "$3" && chmod -- "$1" "$3" && to_sync "$3"
}

# mkdir MODE OWNER:GROUP PATH
make_directory() {
  if [ -d "$3" ] && [ ! -L "$3" ]; then save_access "$3"; else save "$3"; fi || return 1
  if [ -L "$3" ] || { [ -e "$3" ] && [ ! -d "$3" ]; }; then rm -f -- "$3" || return 1; fi
  folder=$3
  while [ ! -d "$folder" ]; do
    folder=${folder%/*}
    to_sync "$folder"
  done
  [ -d "$3" ] || (umask 022 && mkdir -p -- "$3") || return 1
  chown -- "$2" "$3" && chmod -- "$1" "$3" && to_sync "$3"
}

remove() {
  [ -e "$1" ] || [ -L "$1" ] || return 0
  save "$1" && rm -rf -- "$1" && to_sync "${1%/*}" && touched "$1"
}

# No generation keeps it: it must not come back.
destroy() {
  [ -f "$1" ] && [ ! -L "$1" ] || return 0
  shred -u -n 1 -- "$1" && to_sync "${1%/*}" && touched "$1"
}

remove_empty_directory() {
  if [ -d "$1" ] && [ ! -L "$1" ]; then
    save_folder "$1" && rmdir --ignore-fail-on-non-empty -- "$1" && to_sync "${1%/*}"
  fi
}

# check TEMP ARG…: `{}` in an argument stands for the new file.
check() {
  temp=${MCPK_ROOT:-}${1#.}
  shift
  count=$#
  while [ "$count" -gt 0 ]; do
    argument=$1
    shift
    case $argument in *'{}'*) argument=${argument%%'{}'*}$temp${argument#*'{}'} ;; esac
    set -- "$@" "$argument"
    count=$((count - 1))
  done
  timeout -k 5 60 "$@"
}

# ---- the rest of a host ----

set_sysctl() {
  save_sysctl "$1" || return 1
  printf '%s\n' "$2" >"./proc/sys/$1"
}

# user NAME GROUP HOME
make_user() {
  getent group -- "$2" >/dev/null || groupadd --system -- "$2" || return 1
  if getent passwd -- "$1" >/dev/null; then
    usermod --gid "$2" --home "$3" --shell /usr/sbin/nologin -- "$1"
  else
    useradd --system --gid "$2" --home-dir "$3" --no-create-home --shell /usr/sbin/nologin -- "$1"
  fi
}

reload_daemon() {
  [ -n "$reload" ] || return 0
  systemctl daemon-reload && reload=
}

# unit ACTION NAME NO-BLOCK SECONDS
unit() {
  note "did $2 $1 $4" || return 1
  case $1 in
    enable | disable)
      # Links in unit folders are part of what systemd has read: without a reload every unit counts as outdated.
      systemctl --no-reload --quiet "$1" -- "$2" && reload=1 && return 0
      ;;
    *)
      reload_daemon || return 1
      # A unit that failed often is refused a start until it is reset.
      case $1 in start | restart) systemctl reset-failed -- "$2" 2>/dev/null ;; esac
      if [ "$3" = 1 ]; then
        systemctl "$1" --no-block -- "$2" && return 0
      else
        timeout -k 5 "$4" systemctl "$1" -- "$2" && return 0
        [ $? = 124 ] && echo "systemctl $1 did not end within $4 s"
      fi
      ;;
  esac
  # Nothing is left to stop of a unit that is gone.
  case $1 in
    stop | disable) [ "$(systemctl show --property=LoadState --value -- "$2")" = not-found ] && return 0 ;;
  esac
  explain "$2"
  return 1
}

explain() {
  systemctl show --property=ActiveState,SubState,Result,ExecMainStatus,NRestarts -- "$1" | tr '\n' ' '
  echo
  journalctl --unit="$1" --lines=20 --output=cat --no-pager 2>/dev/null
}

# stamp UNIT RESTART RELOAD SECONDS: what the running process was started with. Waits until the unit is active.
stamp() {
  deadline=$4
  now
  deadline=$((now + deadline * 1000))
  while :; do
    active='' invocation=''
    IFS=$nl
    for property in $(systemctl show --property=ActiveState,InvocationID -- "$1"); do
      case $property in
        ActiveState=*) active=${property#*=} ;;
        InvocationID=*) invocation=${property#*=} ;;
      esac
    done
    now
    case $active in
      active) break ;;
      failed | inactive)
        explain "$1"
        return 1
        ;;
    esac
    if [ "$now" -ge "$deadline" ]; then
      echo "still $active after $4 s"
      explain "$1"
      return 1
    fi
    sleep 0.2
  done
  mkdir -p ./run/mcpk/stamps && printf '%s %s %s\n' "$2" "$3" "$invocation" >"./run/mcpk/stamps/$1"
}

operate() {
  operation=$1
  shift
  case $operation in
    cut) cut_out "$@" ;;
    chown) chown -h -- "$@" ;;
    chmod) chmod -- "$@" ;;
    sync) sync_all "$@" ;;
    save) save "$@" ;;
    check) check "$@" ;;
    rename) rename_over "$@" ;;
    access) access "$@" ;;
    mkdir) make_directory "$@" ;;
    link) link_to "$@" ;;
    remove) remove "$@" ;;
    destroy) destroy "$@" ;;
    rmdir) remove_empty_directory "$@" ;;
    install) install_apart "$@" ;;
    sysctl) set_sysctl "$@" ;;
    modprobe) modprobe -- "$@" ;;
    user) make_user "$@" ;;
    run) timeout -k 5 600 "$@" ;;
    daemon-reload) reload=1 ;;
    unit) unit "$@" ;;
    stamp) stamp "$@" ;;
    units) save_units "$@" ;;
    restore) restore "$@" ;;
    arm) arm "$@" ;;
    *)
      echo "unknown operation $operation"
      return 1
      ;;
  esac
}

# ---- the stream ----

# The plan's side expects this very text, built from what the plan saw: type, path, target; then the files' hashes.
check_preconditions() {
  IFS=$us
  set -- $before
  actual=$(find "$@" -maxdepth 0 -printf '%y %p %l\n' -type f -exec sha256sum -- {} + 2>/dev/null)
  # Where nothing is expected, nothing may be there.
  [ "${actual:+$nl$actual}" = "$expected" ] && return 0
  emit stale "$actual"
  exit 17
}

remove_temps() {
  [ -n "$temps" ] || return 0
  IFS=$nl
  rm -rf -- $temps
  : >$state/temps
}

# Whoever took the lock after us counted on: what this run has begun here is his now.
check_fence() {
  [ -n "$fence" ] || return 0
  current=
  { IFS= read -r current <$state/fence; } 2>/dev/null
  [ "$current" = "$fence" ] && return 0
  emit fenced "$current"
  exit 13
}

# sync_all [FILE…]: these, and what waits for it; one process.
sync_all() {
  IFS=$nl
  for path in $unsynced; do
    # A folder may have gone again; a link's own bytes are its folder's.
    if [ -e "$path" ] && [ ! -L "$path" ]; then set -- "$@" "$path"; fi
  done
  [ $# = 0 ] || sync -- "$@" $state/journal || return 1
  unsynced=
}

# Ends the steps that have landed: done is what a power loss would leave.
settle() {
  sync_all || return 1
  IFS=$nl
  for step in $landed; do
    journal "done $stage ${step#* * }" || return 1
  done
  for step in $landed; do
    milliseconds=${step#* }
    emit "event ${step%% *} ${step#* * } changed ${milliseconds%% *}" ''
  done
  landed=
}

end_step() {
  now
  landed="$landed$nl$number $((now - began)) $ref"
  began=$now
}

fail() {
  message=$(tail -c 6000 "$log" 2>/dev/null)
  # What landed before it is done all the same.
  settle 2>/dev/null
  remove_temps
  journal "failed $stage $ref" 2>/dev/null
  now
  emit "event $number $ref failed $((now - began))" "$message"
  exit 15
}

# shellcheck disable=SC2317 # by the trap
interrupted() {
  trap - TERM INT HUP
  remove_temps
  journal "interrupted $stage $ref" 2>/dev/null
  exit 143
}

# The run's line at its first stream here, and a mark that stays when the run does not come to its end.
open_run() {
  mkdir -p $state ./run/mcpk || return 1
  now
  epoch=$(($(date +%s%3N) - now))
  marked=
  { IFS=' ' read -r marked _ <$state/unfinished; } 2>/dev/null
  if [ "$marked" != "$run" ]; then
    [ ! -e $state/journal ] || [ "$(stat -c %s $state/journal)" -lt 1048576 ] || mv -f $state/journal $state/journal.1
    journal "run ${fence:--} $caller" && printf '%s %s\n' "$run" "$caller" >$state/unfinished || return 1
    to_sync $state
    to_sync $state/unfinished
  fi
  [ -z "$notes" ] || printf '%s\n' "${notes#"$nl"}" >>$state/journal
}

begin_stage() {
  open_run && open_generation "$run" && log=./run/mcpk/converge.log && : >$log && journal "stage $stage" && return 0
  emit 'event 0 - failed 0' "cannot write below /var/lib/mcpk"
  exit 15
}

# What a killed stream left: temporary files beside their targets, units masked while they were installed.
forget_leftovers() {
  if [ -s $state/temps ]; then
    while IFS= read -r temp; do rm -rf -- "$temp"; done <$state/temps
    : >$state/temps
  fi
  if [ -s $state/masked ]; then
    while IFS= read -r masked; do systemctl unmask --runtime --quiet -- "$masked"; done <$state/masked
    : >$state/masked
  fi
}

# The run is over on this host, however: the last note says how.
close_run() {
  open_run && forget_leftovers && rm -f $state/unfinished && sync $state $state/journal
}

case $0 in /*) script=$0 ;; *) script=$PWD/$0 ;; esac
case $1 in /*) body=$1 ;; *) body=$PWD/$1 ;; esac
fence=${2-}
read -r _ size us run stage <"$body"
lines=$(head -c "$size" -- "$body")
cd "${MCPK_ROOT:-/}" || exit 1
before='' expected='' pending='' argument='' name=''
now
began=$now
trap interrupted TERM INT HUP
IFS=$nl
for line in $lines; do
  rest=${line#??}
  case $line in
    'R '*) caller=$rest ;;
    'j '*) notes=$notes$nl$rest ;;
    'p '*) before=$rest ;;
    'x '*) expected=$expected$nl$rest ;;
    '! ')
      check_fence
      settle_deadmen >/dev/null 2>&1
      [ -z "$before" ] || check_preconditions
      begin_stage
      forget_leftovers
      ;;
    # Whose operations follow: announced (w) while files are laid down for many, begun (s) when it is its turn.
    'w '* | 's '*)
      number=${rest%% *}
      ref=${rest#* }
      check_fence
      case $line in 's '*) journal "begin $stage $ref" ;; esac
      ;;
    'e ') end_step ;;
    'f ') settle 2>$log || fail ;;
    'o '*)
      name=$rest
      pending=
      set --
      ;;
    'a '*)
      [ -n "$pending" ] && set -- "$@" "$argument"
      argument=$rest
      pending=1
      ;;
    '+ '*) argument=$argument$nl$rest ;;
    '. ')
      [ -n "$pending" ] && set -- "$@" "$argument"
      operate "$name" "$@" </dev/null >$log 2>&1 || fail
      [ -z "$report" ] || emit restored "${report#"$nl"}"
      report=
      ;;
    'E ')
      { reload_daemon && : >$state/temps && journal "end $stage" && sync $state/journal; } >$log 2>&1 || fail
      ;;
    'n ')
      check_fence
      open_run || exit 15
      ;;
    'c ')
      check_fence
      close_run || exit 15
      ;;
  esac
done
exit 0
