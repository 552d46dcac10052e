# The dead-man: a change that may cut the host off is put back by the host itself, unless mcpk reaches it anew.
# In:  where in BODY the request lies that puts it back, and after how many seconds.
# Out: a timer that outlives the session, and ./run/mcpk/deadman/RUN-STAGE/ with what it runs: this script and that
#      request. Whoever renames the folder first has decided, as only one can: to NAME.over mcpk, which confirms the
#      change (deadman.ts, or the next run here), to NAME.fired the timer. NAME.fired/rc says how putting back ended.

# arm OFFSET SIZE SECONDS
arm_deadman() {
  local name="$run-$stage" folder="./run/mcpk/deadman/$run-$stage"
  rm -rf -- "$folder" "$folder.fired" && mkdir -p -- "$folder" && cp -- "$script" "$folder/converge.sh" &&
    dd if="$body" iflag=skip_bytes,count_bytes skip="$1" count="$2" status=none >"$folder/body" &&
    systemd-run --quiet --collect --unit="mcpk-deadman-$name" --description="mcpk puts $stage back unless it is confirmed" \
      --on-active="$3" --timer-property=AccuracySec=100ms \
      sh "${MCPK_ROOT:-}${folder#.}/converge.sh" --deadman "${MCPK_ROOT:-}${folder#.}"
}

# What `--deadman FOLDER` of this script does, when the timer starts it.
fire_deadman() {
  mv -T -- "$1" "$1.fired" || return 0
  sh "$1.fired/converge.sh" "$1.fired/body" '' >"$1.fired/events" 2>&1
  printf '%s\n' "$?" >"$1.fired/rc"
}

# Dead-men that an earlier run armed. This run has reached the host by a new connection, so their changes did not cut it
# off, and stay. Where one has fired already, the host is putting back: the end of that is waited for.
settle_deadmen() {
  local folder=''
  [ -d ./run/mcpk/deadman ] || return 0
  # A dead-man that has fired runs this very stream, which must not wait for itself.
  case $body in *.fired/body) return 0 ;; esac
  set +f
  for folder in ./run/mcpk/deadman/*; do
    case $folder in *.fired) wait_fired "$folder" && continue ;; esac
    if mv -T -- "$folder" "$folder.over"; then
      systemctl stop "mcpk-deadman-${folder##*/}.timer"
    else
      wait_fired "$folder.fired"
    fi
  done
  set -f
  rm -rf ./run/mcpk/deadman
}

# wait_fired FOLDER: for two minutes at most.
wait_fired() {
  local turns=0
  while [ -d "$1" ] && [ ! -s "$1/rc" ] && [ "$turns" -lt 600 ]; do
    sleep 0.2
    turns=$((turns + 1))
  done
}
