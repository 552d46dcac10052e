# shellcheck shell=sh disable=SC2154,SC2046,SC2086
# What a stream takes away from a host is kept, so that it can go back. Stands before converge.sh, whose helpers it uses.
#
# generations/RUN/STAGE/ holds what was replaced or removed, and generations/RUN/STAGE.undo has a line for each thing
# that was done, written before it is done:
#   kept PATH                           lies in the folder
#   made PATH                           was not there
#   grown PATH                          was not there; a whole tree was put there
#   access MODE UID:GID PATH            had these
#   folder MODE UID:GID PATH            was there, empty
#   sysctl PATH VALUE
#   unit NAME ENABLED ACTIVE RESTART RELOAD   before the stream; the digests are those of its stamp, `-` without one
#   did NAME ACTION SECONDS
#   restores RUN                        the stream put that run's generation of this stage back
# It is undone from its end to its beginning: the oldest state of each thing is the one that stays.

# A note that is there is not written again: a restore that was killed is begun once more.
note() {
  case $nl$noted$nl in *"$nl$1$nl"*) return 0 ;; esac
  noted=$noted$nl$1
  to_sync "$generation.undo"
  printf '%s\n' "$1" >>"$generation.undo"
}

# open_generation RUN
open_generation() {
  generation=$state/generations/$1/$stage noted=
  mkdir -p "$generation" || return 1
  if [ -s "$generation.undo" ]; then noted=$(cat "$generation.undo"); else : >"$generation.undo"; fi
}

# True when the first state of the path is in the books already, by itself or with a tree that it was in; what came
# after is this stream's own.
is_saved() {
  case $nl$noted$nl in *"${nl}made $1$nl"*) return 0 ;; esac
  above=$1
  while [ "$above" != . ]; do
    case $nl$noted$nl in *"${nl}kept $above$nl"* | *"${nl}grown $above$nl"*) return 0 ;; esac
    above=${above%/*}
  done
  return 1
}

# Hard links keep the old inode for nothing; where the generation store is another file system, copies do.
save() {
  gone=
  IFS=$nl
  for path; do
    if is_saved "$path"; then continue; fi
    if [ -e "$path" ] || [ -L "$path" ]; then
      gone=$gone$nl$path
    else
      note "made $path" || return 1
    fi
  done
  [ -n "$gone" ] || return 0
  set -- $gone
  cp -a --link --parents -- "$@" "$generation/" 2>/dev/null ||
    cp -a --remove-destination --parents -- "$@" "$generation/" || return 1
  for path; do
    note "kept $path" || return 1
  done
}

# Mode and owner belong to the inode: one that a generation shares (a stream ended between save and rename) is copied.
save_access() {
  IFS=' '
  set -- "$1" $(stat -c '%a %u:%g %h' -- "$1")
  IFS=$nl
  [ $# = 4 ] || return 1
  if [ "$4" -gt 1 ] && [ -f "$1" ] && [ ! -L "$1" ]; then
    temporary "${1%/*}/.${1##*/}.mcpk" && cp -a -- "$1" "$temporary" && mv -fT -- "$temporary" "$1" || return 1
  fi
  case $nl$noted in *"${nl}access "*" $1$nl"*) return 0 ;; esac
  note "access $2 $3 $1"
}

save_folder() {
  IFS=' '
  set -- "$1" $(stat -c '%a %u:%g' -- "$1")
  IFS=$nl
  note "folder $2 $3 $1"
}

# Not the shell's own read: the kernel answers only the first call of a number's file.
save_sysctl() {
  case $nl$noted in *"${nl}sysctl $1 "*) return 0 ;; esac
  [ ! -e "./proc/sys/$1" ] || note "sysctl $1 $(cat "./proc/sys/$1")"
}

# units NAME…: all of the stream's, in one question.
save_units() {
  answer=$(systemctl show --property=Id,UnitFileState,ActiveState,InvocationID -- "$@" 2>/dev/null)
  name='' enabled='' active='' invocation=''
  while IFS= read -r property; do
    case $property in
      Id=*) name=${property#*=} ;;
      UnitFileState=*) enabled=${property#*=} ;;
      ActiveState=*) active=${property#*=} ;;
      InvocationID=*) invocation=${property#*=} ;;
      '') save_unit || return 1 ;;
    esac
  done <<END
$answer

END
}

save_unit() {
  restart=- reload_digest=- stamped=
  if [ -r "./run/mcpk/stamps/$name" ]; then IFS=' ' read -r restart reload_digest stamped <"./run/mcpk/stamps/$name"; fi
  # A stamp of another start says nothing about this one.
  [ -n "$stamped" ] && [ "$stamped" = "$invocation" ] || restart=- reload_digest=-
  case $nl$noted in *"${nl}unit $name "*) ;; *)
    [ -z "$name" ] || note "unit $name ${enabled:--} ${active:--} $restart $reload_digest" || return 1
    ;;
  esac
  name='' enabled='' active='' invocation=''
}

# ---- back ----

# restore RUN: what that run's stream of this stage did here is undone; what it does itself is kept in turn, where a
# run goes back itself as a generation of RUN-back.
restore() {
  [ "$1" != "$run" ] || open_generation "$run-back" || return 1
  from=$state/generations/$1/$stage
  [ -e "$from.undo" ] || {
    echo "$1 left no generation of $stage here"
    return 1
  }
  note "restores $1" || return 1
  forward=$(cat "$from.undo")
  backward=$(tac "$from.undo")
  failed='' names=''
  IFS=$nl
  for line in $forward; do
    case $line in 'unit '*) line=${line#* } names=$names$nl${line%% *} ;; esac
  done
  [ -z "$names" ] || save_units $names || return 1
  each_unit quiet_unit
  IFS=$nl
  for line in $backward; do
    undo_line "$line" || failed=1
    IFS=$nl
  done
  reload_daemon || failed=1
  each_unit wake_unit
  [ -z "$failed" ] && journal "rolled-back $stage $1"
}

put() {
  report=$report$nl$1
}

# each_unit FUNCTION: with the words of each unit's line.
each_unit() {
  IFS=$nl
  for line in $forward; do
    case $line in 'unit '*) ;; *) continue ;; esac
    IFS=' '
    $1 ${line#* } || failed=1
    IFS=$nl
  done
}

# did NAME ACTION: whether the stream did that; `seconds` is what it was given for it.
did() {
  case $nl$forward in *"${nl}did $1 $2 "*) ;; *) return 1 ;; esac
  seconds=${forward#*"did $1 $2 "}
  seconds=${seconds%%"$nl"*}
}

was_active() {
  case $1 in active | activating | reloading) return 0 ;; esac
  return 1
}

is_enabled() {
  case $1 in enabled | enabled-runtime | static | alias | indirect | generated) return 0 ;; esac
  return 1
}

# What was not there before leaves while its files are still there.
quiet_unit() {
  if ! was_active "$3" && { did "$1" start || did "$1" restart; }; then
    unit stop "$1" 0 90 || return 1
    rm -f -- "./run/mcpk/stamps/$1"
    put "unit $1 stopped, as it was"
  fi
  if ! is_enabled "$2" && did "$1" enable; then
    unit disable "$1" 0 90 || return 1
  fi
}

# What ran before runs with the old files, and its old stamp says so.
wake_unit() {
  if is_enabled "$2" && did "$1" disable; then unit enable "$1" 0 90 || return 1; fi
  was_active "$3" || return 0
  if did "$1" restart || did "$1" start || did "$1" stop; then
    action=restart
  elif did "$1" reload; then
    action=reload-or-restart
  else
    return 0
  fi
  rm -f -- "./run/mcpk/stamps/$1"
  unit $action "$1" 0 "$seconds" || return 1
  stamp "$1" "$4" "$5" "$seconds" || return 1
  [ "$4" != - ] || rm -f -- "./run/mcpk/stamps/$1"
  put "unit $1 ${action%%-*}ed"
}

undo_line() {
  rest=${1#* }
  case $1 in
    'kept ./var/lib/mcpk/owned.json') ;;
    'made ./var/lib/mcpk/owned.json') ;;
    'kept '*) put_back "$rest" ;;
    'made '*) take_away "$rest" ;;
    'grown '*) remove "$rest" && put "${rest#.} removed" ;;
    'access '* | 'folder '*)
      mode=${rest%% *}
      rest=${rest#* }
      put_access "${1%% *}" "$mode" "${rest%% *}" "${rest#* }"
      ;;
    'sysctl '*)
      [ ! -e "./proc/sys/${rest%% *}" ] || { set_sysctl "${rest%% *}" "${rest#* }" && put "sysctl ${rest%% *} = ${rest#* }"; }
      ;;
  esac
}

# A copy: the kept one's inode stays what it was, whatever happens to the live one.
put_back() {
  [ -e "$from/$1" ] || [ -L "$from/$1" ] || return 0
  [ -d "${1%/*}" ] || (umask 022 && mkdir -p -- "${1%/*}") || return 1
  temporary "${1%/*}/.${1##*/}.mcpk" || return 1
  cp -a -- "$from/$1" "$temporary" || return 1
  if [ -d "$temporary" ] && [ ! -L "$temporary" ] && [ ! -e "$1" ] && [ ! -L "$1" ] && ! is_saved "$1"; then
    note "grown $1"
  else
    save "$1"
  fi || return 1
  [ -L "$temporary" ] || sync -- "$temporary" || return 1
  # A directory cannot be renamed over a file, nor a file over a directory.
  if [ -d "$temporary" ] && [ ! -L "$temporary" ]; then rm -rf -- "$1" || return 1; fi
  rename_over "$temporary" "$1" && put "${1#.}"
}

# A folder that others use meanwhile stays.
take_away() {
  if [ -d "$1" ] && [ ! -L "$1" ]; then
    remove_empty_directory "$1"
  elif [ -e "$1" ] || [ -L "$1" ]; then
    remove "$1" && put "${1#.} removed"
  fi
}

# put_access access|folder MODE UID:GID PATH
put_access() {
  if [ "$1" = folder ]; then
    make_directory "$2" "$3" "$4"
  elif [ -e "$4" ] || [ -L "$4" ]; then
    access "$2" "$3" "$4" || return 1
    [ -d "$4" ] || put "${4#.} mode and owner"
  fi
}

# ---- the dead-man: what may cut the host off is put back by the host itself, unless mcpk reaches it anew ----

# arm OFFSET SIZE SECONDS: a timer that outlives the session, with a script and a body of its own. The body restores.
arm() {
  name=$run-$stage
  deadman=./run/mcpk/deadman/$name
  rm -rf -- "$deadman" "$deadman.fired" && mkdir -p -- "$deadman" && cp -- "$script" "$deadman/converge.sh" &&
    dd if="$body" iflag=skip_bytes,count_bytes skip="$1" count="$2" status=none >"$deadman/body" &&
    systemd-run --quiet --collect --unit="mcpk-deadman-$name" --description="mcpk puts $stage back unless it is confirmed" \
      --on-active="$3" --timer-property=AccuracySec=100ms \
      sh "${MCPK_ROOT:-}/run/mcpk/deadman/$name/converge.sh" --deadman "${MCPK_ROOT:-}/run/mcpk/deadman/$name"
}

# A run that came over a connection of its own confirms what one before it left armed, and waits for what has fired.
settle_deadmen() {
  [ -d ./run/mcpk/deadman ] || return 0
  case $body in *.fired/body) return 0 ;; esac
  set +f
  for deadman in ./run/mcpk/deadman/*; do
    case $deadman in *.fired) wait_fired "$deadman" && continue ;; esac
    if mv -T -- "$deadman" "$deadman.over"; then
      systemctl stop "mcpk-deadman-${deadman##*/}.timer"
    else
      wait_fired "$deadman.fired"
    fi
  done
  set -f
  rm -rf ./run/mcpk/deadman
}

wait_fired() {
  turns=0
  while [ -d "$1" ] && [ ! -s "$1/rc" ] && [ "$turns" -lt 600 ]; do
    sleep 0.2
    turns=$((turns + 1))
  done
}

# sh converge.sh --deadman FOLDER: who renames the folder first has decided, mcpk that confirms or this.
if [ "${1-}" = --deadman ]; then
  mv -T -- "$2" "$2.fired" || exit 0
  sh "$2.fired/converge.sh" "$2.fired/body" '' >"$2.fired/events" 2>&1
  printf '%s\n' "$?" >"$2.fired/rc"
  exit 0
fi
