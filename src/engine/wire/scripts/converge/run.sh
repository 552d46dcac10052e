# How a run begins and ends on a host, and what stops a stream.
# In:  the request's words (head.sh); what killed streams left in $state.
# Out: `epoch`, and the journal with the run's first line. $state/unfinished has `RUN CALLER` from the first stream of
#      the run here until close_run: where it is found later, the run did not come to its end. $state/journal.1 is the
#      journal before, when it had grown to 1 MiB. Exit 13, 15 or 17 with a record that says why (head.sh).

# Each session that takes the host's lock writes a higher number to $state/fence (session.sh). Another number than ours
# means that another run has the lock since: what we began is left to it.
check_fence() {
  local current=''
  [ -n "$fence" ] || return 0
  { IFS= read -r current <$state/fence; } 2>/dev/null
  [ "$current" = "$fence" ] && return 0
  emit fenced "$current"
  exit 13
}

# check_preconditions SEPARATOR PATHS EXPECTED: what lies at these paths has to be what the plan saw there. EXPECTED is
# written the way this `find` writes it: a line TYPE PATH TARGET for each, then a line of sha256sum for each file.
check_preconditions() {
  local expected="$3" actual='' IFS="$1"
  set -- $2
  actual=$(find "$@" -maxdepth 0 -printf '%y %p %l\n' -type f -exec sha256sum -- {} + 2>/dev/null)
  # EXPECTED begins with a line break, unless it is empty: then nothing may be there.
  [ "${actual:+$nl$actual}" = "$expected" ] && return 0
  emit stale "$actual"
  exit 17
}

# Writes the run's first line into the journal, and the file `unfinished`. The clock is asked only here (`date` is a
# process): the time of a later line is `epoch` plus the time since boot, which is read from /proc.
open_run() {
  local marked=''
  mkdir -p $state ./run/mcpk || return 1
  read_clock
  epoch=$(($(date +%s%3N) - clock))
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

# Clears away what a stream that was killed left: temporary files, and units that it had masked to install packages.
forget_leftovers() {
  local line=''
  if [ -s $state/temps ]; then
    while IFS= read -r line; do rm -rf -- "$line"; done <$state/temps
    : >$state/temps
  fi
  if [ -s $state/masked ]; then
    while IFS= read -r line; do systemctl unmask --runtime --quiet -- "$line"; done <$state/masked
    : >$state/masked
  fi
}

# The stage is over here. Each temporary file got its final name by now, so none is listed any more.
end_stage() {
  reload_daemon && : >$state/temps && journal "end $stage" && sync $state/journal
}

# The run is over on this host. How it ended stands in the notes that came with this request.
close_run() {
  open_run && forget_leftovers && rm -f $state/unfinished && sync $state $state/journal
}

# Ends the stream at an operation that failed. Steps that landed before it are done nevertheless.
fail() {
  local message=''
  message=$(tail -c 6000 "$log" 2>/dev/null)
  settle 2>/dev/null
  remove_temps
  journal "failed $stage $ref" 2>/dev/null
  read_clock
  emit "event $number $ref failed $((clock - began))" "$message"
  exit 15
}

# shellcheck disable=SC2317 # called by the trap in main.sh
interrupted() {
  trap - TERM INT HUP
  remove_temps
  journal "interrupted $stage $ref" 2>/dev/null
  exit 143
}
