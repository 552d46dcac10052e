#!/bin/sh
# Receives one file, as root, over a channel of its own. Saved and sourced by the bootstrap with
#   $2 directory's name  $3 size of this file  $4 size of the data  $5 its sha256
# The first line on standard input is the target's path; the data follow. The file appears under its name only
# when size and sha256 agree; else, and when the connection dies, nothing is left. Answer: one record; of a failed
# write its body is what the system said.

receive_file() {
  dir=/run/mcpk/$2 size=$4 sha256=$5
  IFS= read -r path || exit 1
  temporary=$path.tmp.$$
  trap 'rm -rf "$dir" "$temporary"' EXIT
  trap 'exit 1' TERM HUP INT PIPE
  exec 2>"$dir/said"
  case $path in */*) mkdir -p -- "${path%/*}" || fail io ;; esac
  # What a power loss left of uploads before this one: their processes are gone.
  for left in "${path%/*}"/*.tmp.*; do
    [ ! -e "$left" ] || kill -0 "${left##*.}" || rm -f -- "$left"
  done
  : >"$temporary" || fail io
  got=0
  # 16 MiB in two minutes at least: a connection that is gone without a word ends here.
  while [ "$got" -lt "$size" ]; do
    timeout --foreground 120 dd bs=65536 count=256 iflag=fullblock status=none >>"$temporary" || fail io
    got=$((got + 16777216))
  done
  [ "$(stat -c %s "$temporary")" = "$size" ] || fail size "$(stat -c %s "$temporary")"
  found=$(sha256sum <"$temporary") || fail io
  [ "${found%% *}" = "$sha256" ] || fail checksum "${found%% *}"
  { chmod 0755 "$temporary" && sync "$temporary" && mv -f -- "$temporary" "$path" && sync "${path%/*}"; } || fail io
  printf 'stored 0\n'
}

fail() {
  said=
  [ "$1" != io ] || said=$(tail -n 1 "$dir/said")
  printf 'failed %s %s %s\n%s' "$1" "${2:--}" "${#said}" "$said"
  exit 1
}

umask 077
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd / || exit 1
receive_file "$@"
