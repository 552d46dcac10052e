#!/bin/sh
# Sends what a command prints, as root, over a channel of its own. Saved and sourced by the bootstrap with
#   $2 directory's name  $3 size of this file  $4 bytes of the largest part
# Standard input begins with the command: how many words it has, and each of them on a line, written for printf's %b.
# After that each `next` of 5 bytes is answered by one record: `data SIZE` with more of it, or at its end
# `ended RC SIZE`: its exit code, and the end of what it said on standard error.
# When nothing is asked for in two minutes, or the connection dies, the command is ended too.

send_output() {
  dir=/run/mcpk/$2 most=$4 command=
  trap 'leave' EXIT
  trap 'exit 1' TERM HUP INT PIPE
  IFS= read -r words || exit 1
  set --
  while [ "$words" -gt 0 ]; do
    IFS= read -r word || exit 1
    words=$((words - 1))
    # The dot keeps trailing newlines, which $( ) would drop.
    word=$(printf '%b.' "$word")
    set -- "$@" "${word%.}"
  done
  mkfifo "$dir/output" || exit 1
  # A process group of its own, so that it can be ended as one.
  setsid "$@" </dev/null >"$dir/output" 2>"$dir/said" &
  command=$!
  exec 3<"$dir/output"
  while next; do
    # Into a file first: a record says its size before its bytes.
    dd bs=65536 count="$most" iflag=fullblock,count_bytes status=none <&3 >"$dir/part" || exit 1
    size=$(stat -c %s "$dir/part")
    if [ "$size" = 0 ]; then
      end
      break
    fi
    printf 'data %s\n' "$size"
    cat "$dir/part" || exit 1
  done
}

next() {
  [ "$(timeout --foreground 120 head -c 5)" = next ]
}

end() {
  wait "$command"
  status=$?
  command=
  said=$(tail -c 4096 "$dir/said"; echo .)
  said=${said%.}
  printf 'ended %s %s\n%s' "$status" "${#said}" "$said"
}

# TERM, five seconds, KILL: a command that works in a folder of its own removes it.
leave() {
  trap '' TERM HUP INT PIPE
  if [ -n "$command" ]; then
    exec 3<&-
    kill -TERM "-$command" 2>/dev/null
    turns=0
    while [ "$turns" -lt 50 ] && kill -0 "-$command" 2>/dev/null; do
      sleep 0.1
      turns=$((turns + 1))
    done
    kill -KILL "-$command" 2>/dev/null
  fi
  rm -rf "$dir"
}

umask 077
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd / || exit 1
send_output "$@"
