# Puts back what an earlier stream of this stage changed.
# In:  RUN, whose generation and undo list (keep.sh) are read.
# Out: the host as it was before that stream, and `report`: a line for people about each thing that was put back. The
#      state before that is kept in turn, so that putting back can be undone as well.
#
# `from`, `forward`, `failed` and `given` are local to `restore`; the functions that it calls see them.

# restore RUN: goes through the undo list from its last line to its first. Of a thing that changed
# several times the oldest state is put back last, and stays.
restore() {
  local from="$state/generations/$1/$stage" forward='' backward='' failed='' given='' names='' line='' IFS="$nl"
  # A run that goes back itself must not write into the generation that it reads.
  [ "$1" != "$run" ] || open_generation "$run-back" || return 1
  [ -e "$from.undo" ] || {
    echo "$1 left no generation of $stage here"
    return 1
  }
  note "restores $1" || return 1
  forward=$(cat "$from.undo")
  backward=$(tac "$from.undo")
  for line in $forward; do
    case $line in 'unit '*) line=${line#* } names=$names$nl${line%% *} ;; esac
  done
  [ -z "$names" ] || save_units $names || return 1
  each_unit quiet_unit
  for line in $backward; do
    undo_line "$line" || failed=1
  done
  reload_daemon || failed=1
  each_unit wake_unit
  [ -z "$failed" ] && journal "rolled-back $stage $1"
}

# add_report LINE
add_report() {
  report=$report$nl$1
}

# each_unit FUNCTION: calls it with the words NAME ENABLED ACTIVE RESTART RELOAD of each unit in the undo list.
each_unit() {
  local line='' IFS="$nl"
  for line in $forward; do
    case $line in 'unit '*) ;; *) continue ;; esac
    IFS=' '
    $1 ${line#* } || failed=1
    IFS=$nl
  done
}

# did NAME ACTION: whether the stream did that to the unit. Sets `given` to the seconds that it was given for it.
did() {
  case $nl$forward in *"${nl}did $1 $2 "*) ;; *) return 1 ;; esac
  given=${forward#*"did $1 $2 "}
  given=${given%%"$nl"*}
}

was_active() {
  case $1 in active | activating | reloading) return 0 ;; esac
  return 1
}

is_enabled() {
  case $1 in enabled | enabled-runtime | static | alias | indirect | generated) return 0 ;; esac
  return 1
}

# A unit that the stream brought is stopped and disabled first, while the files that stopping it needs are still there.
quiet_unit() {
  if ! was_active "$3" && { did "$1" start || did "$1" restart; }; then
    control_unit stop "$1" 0 90 || return 1
    rm -f -- "./run/mcpk/stamps/$1"
    add_report "unit $1 stopped, as it was"
  fi
  if ! is_enabled "$2" && did "$1" enable; then
    control_unit disable "$1" 0 90 || return 1
  fi
}

# A unit that ran before is started last, with the old files. It gets its old stamp: the digests are those of these files.
wake_unit() {
  local action=''
  if is_enabled "$2" && did "$1" disable; then control_unit enable "$1" 0 90 || return 1; fi
  was_active "$3" || return 0
  if did "$1" restart || did "$1" start || did "$1" stop; then
    action=restart
  elif did "$1" reload; then
    action="reload-or-restart"
  else
    return 0
  fi
  rm -f -- "./run/mcpk/stamps/$1"
  control_unit $action "$1" 0 "$given" || return 1
  stamp_unit "$1" "$4" "$5" "$given" || return 1
  # It had no stamp before, and must have none now: `-` is no digest.
  [ "$4" != - ] || rm -f -- "./run/mcpk/stamps/$1"
  add_report "unit $1 ${action%%-*}ed"
}

# undo_line LINE
undo_line() {
  local rest="${1#* }" mode=''
  case $1 in
    # The list of what mcpk owns is not put back: the request itself says what the list has to be afterwards.
    'kept ./var/lib/mcpk/owned.json' | 'made ./var/lib/mcpk/owned.json') ;;
    'kept '*) put_back "$rest" ;;
    'made '*) take_away "$rest" ;;
    'grown '*) remove "$rest" && add_report "${rest#.} removed" ;;
    'access '* | 'folder '*)
      mode=${rest%% *}
      rest=${rest#* }
      put_access "${1%% *}" "$mode" "${rest%% *}" "${rest#* }"
      ;;
    'sysctl '*)
      # A setting is gone when the kernel module that brought it is.
      [ -e "./proc/sys/${rest%% *}" ] || return 0
      set_sysctl "${rest%% *}" "${rest#* }" && add_report "sysctl ${rest%% *} = ${rest#* }"
      ;;
  esac
}

# put_back PATH: as a copy of what was kept. A hard link would carry later changes of the live file into the kept one.
put_back() {
  [ -e "$from/$1" ] || [ -L "$from/$1" ] || return 0
  [ -d "${1%/*}" ] || (umask 022 && mkdir -p -- "${1%/*}") || return 1
  new_temp "${1%/*}/.${1##*/}.mcpk" || return 1
  cp -a -- "$from/$1" "$temp" || return 1
  if [ -d "$temp" ] && [ ! -L "$temp" ] && [ ! -e "$1" ] && [ ! -L "$1" ] && ! is_saved "$1"; then
    note "grown $1"
  else
    save "$1"
  fi || return 1
  [ -L "$temp" ] || sync -- "$temp" || return 1
  # `mv` replaces neither a folder by a file (rename_over sees to that) nor a file by a folder (hence this).
  if [ -d "$temp" ] && [ ! -L "$temp" ]; then rm -rf -- "$1" || return 1; fi
  rename_over "$temp" "$1" && add_report "${1#.}"
}

# take_away PATH: a folder stays when others have put something into it.
take_away() {
  if [ -d "$1" ] && [ ! -L "$1" ]; then
    remove_empty_directory "$1"
  elif [ -e "$1" ] || [ -L "$1" ]; then
    remove "$1" && add_report "${1#.} removed"
  fi
}

# put_access access|folder MODE UID:GID PATH
put_access() {
  if [ "$1" = folder ]; then
    make_directory "$2" "$3" "$4"
  elif [ -e "$4" ] || [ -L "$4" ]; then
    set_access "$2" "$3" "$4" || return 1
    [ -d "$4" ] || add_report "${4#.} mode and owner"
  fi
}
