#!/bin/sh
# The remote half of a session, as root. The bootstrap (bootstrap.ts) saved this file in a directory of the
# session's own below /run/mcpk (tmpfs, 0700) and sources it with
#   $2 directory's name  $3 size of this file  $4 exclusive|none  $5 seconds a tick  $6 silent ticks allowed
# The first line on standard input says who takes the lock. Then frames, each a line, data behind it closed
# by the line `end` (so that a connection cut short never runs half a request):
#   beat                       answered by a sign of life, as long as the work lives that was begun
#   lock, unlock               tries to take the lock once more; gives it back
#   stop                       ends the running request
#   code NAME SIZE [lock]      a script that requests call by name; with `lock` it inherits the lock as fd 9
#   request OP SIZE            starts the work; exec and cat are built in
#   part OP SIZE               a request that is started by the `request` after it, and answered before that one;
#                              the commands of all `exec` of them run beside the rest
# Answers on standard output are records: `KIND ARGS… SIZE`, newline, SIZE bytes; the last one of each request and
# part is `done RC 0`. After the last `done` the next work may be sent. The first record, and the one after each
# `lock`, is `ready 0`, or `locked SINCE NOW SIZE` (seconds, by the host's clock): who holds it, and the last line of
# the journal. Requests of a session that wants the lock and has not got it are dropped, without an answer.
#
# A sign of life is the byte 006 on standard error, where it cannot fall into a record.
#
# Frames cost no process but the dd for their data: reading, beats and the watchdog's marks are builtins.

mcpk_main() {
  dir=/run/mcpk/$2 mode=$4 tick=$5 allowed=$6
  lock=/run/mcpk/lock kept=/var/lib/mcpk beats=0 parts=0 ops='' served=1
  IFS= read -r who || who=
  trap 'leave' TERM HUP INT PIPE
  # `exec`, as a redirected function keeps copies of what it replaced, and with them the channel open.
  { exec </dev/null >/dev/null 2>&1; watch; } &
  watchdog=$!
  if [ "$mode" = exclusive ]; then take_lock; else printf 'ready 0\n'; fi
  while IFS= read -r frame; do
    mark
    set -f
    # shellcheck disable=SC2086 # words are wanted
    set -- $frame
    set +f
    case ${1-} in
      beat) sign ;;
      lock) take_lock ;;
      unlock)
        exec 9>&-
        served=
        ;;
      stop) { exec </dev/null >/dev/null 2>&1 9>&-; end_work; } & ;;
      code)
        receive "$3" "$dir/code.$2" || break
        if [ "${4-}" = lock ]; then : >"$dir/lock.$2"; fi
        ;;
      part | request)
        parts=$((parts + 1)) ops="$ops $2"
        receive "$3" "$dir/body.$parts" || break
        [ "$1" = request ] || continue
        if [ -z "$served" ]; then
          parts=0 ops=
          continue
        fi
        # An own process group, so that it can be ended as one.
        # shellcheck disable=SC2086 # words are wanted
        setsid sh "$dir/session" run "$dir" $ops </dev/null &
        printf '%s\n' "$!" >"$dir/work"
        parts=0 ops=
        ;;
      *) break ;;
    esac
  done
  leave
}

# The lock is open on fd 9 and lives as long as some process has that fd: children get it closed.
take_lock() {
  exec 9>>"$lock"
  if flock -n 9; then
    served=1
    count_up
    printf '%s\n' "$who" >"$lock"
    printf 'ready 0\n'
    return
  fi
  exec 9>&-
  served='' holder=''
  IFS= read -r holder <"$lock" || :
  holder="$holder
$(tail -n 1 $kept/journal 2>/dev/null)"
  printf 'locked %s %s\n%s' "$(stat -c %Y "$lock") $(date +%s)" "${#holder}" "$holder"
}

# Whoever works on under a lock that is not his any more finds another number than his own. It need not outlive a
# power loss: no session does.
count_up() {
  fence=
  { IFS= read -r fence <$kept/fence; } 2>/dev/null || :
  case $fence in '' | *[!0-9]*) fence=0 ;; esac
  fence=$((fence + 1))
  # A host that cannot keep it cannot be changed either, and says so when that is tried.
  { { [ -d $kept ] || mkdir -p $kept; } && printf '%s\n' "$fence" >$kept/fence; } 2>/dev/null || fence=
  printf '%s\n' "$fence" >"$dir/fence"
}

# receive SIZE FILE: in pieces, so that a long body on a slow line is not taken for silence.
receive() {
  : >"$2"
  left=$1
  while [ "$left" -gt 0 ]; do
    piece=$left
    if [ "$piece" -gt 262144 ]; then piece=262144; fi
    dd bs="$piece" count=1 iflag=fullblock status=none >>"$2" 9>&- || return 1
    left=$((left - piece))
    mark
    [ "$left" = 0 ] || printf '\006' >&2
  done
  IFS= read -r closing && [ "$closing" = end ]
}

mark() {
  beats=$((beats + 1))
  printf '%s\n' "$beats" >"$dir/beat"
}

# Work that was killed without a word is not waited for any longer. A process that has died has no executable any more,
# also before its parent has asked for it.
sign() {
  work='' ended=''
  { read -r work <"$dir/work"; read -r ended <"$dir/ended"; } 2>/dev/null || :
  [ -z "$work" ] || [ "$work" = "$ended" ] || [ -e "/proc/$work/exe" ] || return 0
  printf '\006' >&2
}

# Beside the session: ends it and its work after `allowed` ticks without a frame, and cleans up if it was killed.
watch() {
  seen='' silent=0
  while kill -0 "$$"; do
    sleep "$tick" &
    printf '%s\n' "$!" >"$dir/nap"
    wait "$!"
    now=
    read -r now <"$dir/beat" || :
    if [ "$now" != "$seen" ]; then
      seen=$now silent=0
      continue
    fi
    silent=$((silent + 1))
    [ "$silent" -lt "$allowed" ] || break
  done
  : >"$dir/over"
  end_work
  rm -rf "$dir"
  kill -KILL "$$"
}

# TERM, two seconds, KILL; to the whole process group. Does nothing when the work has ended by itself.
end_work() {
  work='' ended=''
  { read -r work <"$dir/work"; read -r ended <"$dir/ended"; } 2>/dev/null || :
  if [ -z "$work" ] || [ "$work" = "$ended" ]; then return 0; fi
  kill -TERM "-$work" 2>/dev/null || kill -TERM "$work" 2>/dev/null || return 0
  turns=0
  while [ "$turns" -lt 20 ] && kill -0 "-$work" 2>/dev/null; do
    sleep 0.1 9>&-
    turns=$((turns + 1))
  done
  kill -KILL "-$work" 2>/dev/null || :
}

leave() {
  trap '' TERM HUP INT PIPE
  : >"$dir/over"
  end_work
  # Not TERM: a shell that was forked just now may lose it.
  nap=
  { kill -KILL "$watchdog"; read -r nap <"$dir/nap"; kill "$nap"; } 2>/dev/null || :
  rm -rf "$dir" 9>&-
  exit 0
}

# ---- the work: `sh session run DIR OP…`, leader of its process group ----

mcpk_run() {
  dir=$2 part=0 stopped='' beside=
  shift 2
  # Stays to report when the group is ended; the children die, and what was not begun is not.
  trap 'stopped=1' TERM
  begin_all "$@"
  while [ "$#" -gt 0 ]; do
    part=$((part + 1)) status=143
    if [ -z "$stopped" ]; then
      run_op "$1" "$dir/body.$part"
      status=$?
    fi
    # Ended with the session: nobody is told that it was done.
    [ ! -e "$dir/over" ] || return 0
    if [ -s "$dir/stderr" ]; then
      tail -c 65536 "$dir/stderr" >"$dir/stderr.end"
      printf 'stderr %s\n' "$(stat -c %s "$dir/stderr.end")"
      cat "$dir/stderr.end"
      : >"$dir/stderr"
    fi
    shift
    [ "$#" -gt 0 ] || printf '%s\n' "$$" >"$dir/ended"
    printf 'done %s 0\n' "$status"
  done
}

# Commands run beside the other parts, but never beside a script that changes the host under the lock.
begin_all() {
  for op; do
    [ ! -e "$dir/lock.$op" ] || return 0
  done
  beside=1 number=0
  for op; do
    number=$((number + 1))
    [ "$op" != exec ] || begin "$dir/body.$number" 9>&-
  done
}

# run_op OP BODY
run_op() {
  cd / || return 1
  case $1 in
    exec)
      [ -n "$beside" ] || begin "$2" 9>&-
      finish "$2" 2>"$dir/stderr" 9>&-
      ;;
    cat) run_cat "$2" 2>"$dir/stderr" 9>&- ;;
    *)
      if [ -e "$dir/lock.$1" ]; then
        fence=
        { IFS= read -r fence <"$dir/fence"; } 2>/dev/null || :
        sh "$dir/code.$1" "$2" "$fence" 2>"$dir/stderr"
      else
        run_here "$1" "$2" 2>"$dir/stderr" 9>&-
      fi
      ;;
  esac
}

# A shell of its own, but none that is started anew: that takes a millisecond.
run_here() (
  code=$1
  set -- "$2"
  # shellcheck source=/dev/null
  . "$dir/code.$code"
)

# Commands, side by side, 16 at once. A command is the line `ID WORDS INPUT LIMIT`, its words a line each, and one
# line more when INPUT is 1. Words are written for printf's %b, so that every byte arrives and none is ever source.
# Answers, in their order: `exec ID RC STDOUTSIZE SIZE`, newline, standard output, then standard error.
# All files of a part lie beside its body.
begin() {
  exec 3<"$1"
  count=0 ids='' codes='' pids=''
  while read -r id words input limit <&3; do
    count=$((count + 1)) ids="$ids $id"
    set -- "$1"
    while [ "$words" -gt 0 ]; do
      IFS= read -r word <&3
      words=$((words - 1))
      case $word in
        *\\*)
          # The dot keeps trailing newlines, which $( ) would drop.
          word=$(printf '%b.' "$word")
          word=${word%.}
          ;;
      esac
      set -- "$@" "$word"
    done
    : >"$1.in.$count"
    if [ "$input" = 1 ]; then
      IFS= read -r word <&3
      printf '%b' "$word" >"$1.in.$count"
    fi
    body=$1
    shift
    if [ "$limit" -gt 0 ]; then set -- timeout --foreground -k 2 "$limit" "$@"; fi
    # exec: never a builtin or a function of this script.
    { cd / && exec "$@"; } <"$body.in.$count" >"$body.out.$count" 2>"$body.err.$count" 3<&- &
    pids="$pids $!"
    set -- "$body"
    if [ $((count % 16)) = 0 ]; then wait_for_all; fi
  done
  printf '%s\n' "$ids" "$codes" "$pids" >"$1.begun"
}

wait_for_all() {
  for pid in $pids; do
    wait "$pid"
    codes="$codes $?"
  done
  pids=
}

finish() {
  { IFS= read -r ids && IFS= read -r codes && IFS= read -r pids; } <"$1.begun"
  wait_for_all
  body=$1 number=0
  set --
  for id in $ids; do
    number=$((number + 1))
    set -- "$@" "$body.out.$number" "$body.err.$number"
  done
  [ "$number" -gt 0 ] || return 0
  stat -c %s "$@" >"$body.sizes"
  exec 4<"$body.sizes"
  # shellcheck disable=SC2086 # words are wanted
  set -- $codes
  number=0 files=
  for id in $ids; do
    number=$((number + 1))
    read -r out <&4
    read -r err <&4
    printf 'exec %s %s %s %s\n' "$id" "$1" "$out" "$((out + err))" >"$body.head.$number"
    files="$files $body.head.$number $body.out.$number $body.err.$number"
    shift
  done
  # shellcheck disable=SC2086 # words are wanted
  cat $files
}

# Bytes of one file. Copied first: its size must not change between the record's line and its bytes.
run_cat() {
  IFS= read -r path <"$1" || :
  cat -- "$path" >"$dir/file" || return 1
  printf 'file %s\n' "$(stat -c %s "$dir/file")"
  cat "$dir/file"
}

umask 077
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd / || exit 1
case $1 in
  mcpk) mcpk_main "$@" ;;
  run) mcpk_run "$@" ;;
esac
