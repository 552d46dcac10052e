# Operations on systemd's units.
# In:  arguments of the operation; `reload`, set where unit files changed (files.sh).
# Out: the unit as asked, a `did` line in the undo list (keep.sh). On failure what systemd and the unit's own log say.

reload_daemon() {
  [ -n "$reload" ] || return 0
  systemctl daemon-reload && reload=
}

# unit ACTION NAME NO-BLOCK SECONDS
control_unit() {
  note "did $2 $1 $4" || return 1
  case $1 in
    enable | disable)
      # The links that this makes are files of systemd too: until they are read, each unit counts as changed on disk.
      systemctl --no-reload --quiet "$1" -- "$2" && reload=1 && return 0
      ;;
    *)
      reload_daemon || return 1
      # A unit that failed often is refused a start until its failures are forgotten.
      case $1 in start | restart) systemctl reset-failed -- "$2" 2>/dev/null ;; esac
      if [ "$3" = 1 ]; then
        systemctl "$1" --no-block -- "$2" && return 0
      else
        timeout -k 5 "$4" systemctl "$1" -- "$2" && return 0
        [ $? = 124 ] && echo "systemctl $1 did not end within $4 s"
      fi
      ;;
  esac
  # systemctl fails on a unit that does not exist; there is nothing to stop, and that is what was asked.
  case $1 in
    stop | disable) [ "$(systemctl show --property=LoadState --value -- "$2")" = not-found ] && return 0 ;;
  esac
  explain "$2"
  return 1
}

# explain NAME
explain() {
  systemctl show --property=ActiveState,SubState,Result,ExecMainStatus,NRestarts -- "$1" | tr '\n' ' '
  echo
  journalctl --unit="$1" --lines=20 --output=cat --no-pager 2>/dev/null
}

# stamp NAME RESTART RELOAD SECONDS: waits until the unit is active, then notes which configuration it was started with
# (two digests) and which start that was: ./run/mcpk/stamps/NAME has RESTART RELOAD INVOCATION.
stamp_unit() {
  local deadline=0 property='' active='' invocation='' IFS="$nl"
  read_clock
  deadline=$((clock + $4 * 1000))
  while :; do
    active='' invocation=''
    for property in $(systemctl show --property=ActiveState,InvocationID -- "$1"); do
      case $property in
        ActiveState=*) active=${property#*=} ;;
        InvocationID=*) invocation=${property#*=} ;;
      esac
    done
    read_clock
    case $active in
      active) break ;;
      failed | inactive)
        explain "$1"
        return 1
        ;;
    esac
    if [ "$clock" -ge "$deadline" ]; then
      echo "still $active after $4 s"
      explain "$1"
      return 1
    fi
    sleep 0.2
  done
  mkdir -p ./run/mcpk/stamps && printf '%s %s %s\n' "$2" "$3" "$invocation" >"./run/mcpk/stamps/$1"
}
