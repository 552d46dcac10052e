# Tells what happened.
# In:  what the other parts report: events, paths that changed, steps that ended.
# Out: records on standard output, lines in the host's journal (docs/journal.md), and changed paths synced to the disk
#      before a line says that the change is done.

# emit HEAD BYTES
emit() {
  printf '%s %s\n%s' "$1" "${#2}" "$2"
}

# Sets `clock` to the milliseconds since boot.
read_clock() {
  local uptime=''
  IFS=' ' read -r uptime _ </proc/uptime
  clock=${uptime%.*}${uptime#*.}0
}

# journal 'EVENT WORD…'. `epoch` is the time of boot (open_run); until it is known nothing is written.
journal() {
  [ -n "$epoch" ] || return 0
  read_clock
  printf '%s %s %s\n' "$((epoch + clock))" "$run" "$1" >>$state/journal
}

# to_sync PATH: it changed, and has to be on the disk before the journal says so. `unsynced` lists such paths.
to_sync() {
  case $nl$unsynced$nl in *"$nl$1$nl"*) ;; *) unsynced=$unsynced$nl$1 ;; esac
}

# sync_all [FILE…]: these and all that `unsynced` lists, by one process.
sync_all() {
  local path='' IFS="$nl"
  for path in $unsynced; do
    # A folder may be gone again. Of a link nothing but its name can be synced, and that is in its folder.
    if [ -e "$path" ] && [ ! -L "$path" ]; then set -- "$@" "$path"; fi
  done
  [ $# = 0 ] || sync -- "$@" $state/journal || return 1
  unsynced=
}

# The step's changes are made, but a loss of power could still undo them. It joins `landed` (lines NUMBER MS REF) and is
# told to be done by `settle`.
end_step() {
  read_clock
  landed="$landed$nl$number $((clock - began)) $ref"
  began=$clock
}

# Syncs, then tells of each step in `landed` that it is done.
settle() {
  local step='' milliseconds='' IFS="$nl"
  sync_all || return 1
  for step in $landed; do
    journal "done $stage ${step#* * }" || return 1
  done
  for step in $landed; do
    milliseconds=${step#* }
    emit "event ${step%% *} ${step#* * } changed ${milliseconds%% *}" ''
  done
  landed=
}
