#!/bin/sh
# Receives one file, as root, over a channel of its own. Saved and sourced by the bootstrap with
#   $2 directory's name  $3 size of this file  $4 size of the data  $5 its sha256
# The first line on standard input is the target's path; the data follow in parts, each after a header of 16 bytes:
#   plain BYTES   as they are     gzip BYTES   a gzip file     end   that was all
# Each part is answered by the record `part`. The file appears under its name only when size and sha256 agree; else, and
# when the connection dies, nothing is left. The last answer is one record; of a failed write its body is what the
# system said.

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
  while next_part && [ "$how" != end ]; do
    case $how in
      plain) take "$bytes" >>"$temporary" || fail io ;;
      gzip) take "$bytes" | gzip -dc >>"$temporary" || fail io ;;
    esac
    printf 'part 0\n'
  done
  [ "$(stat -c %s "$temporary")" = "$size" ] || fail size "$(stat -c %s "$temporary")"
  found=$(sha256sum <"$temporary") || fail io
  [ "${found%% *}" = "$sha256" ] || fail checksum "${found%% *}"
  { chmod 0755 "$temporary" && sync "$temporary" && mv -f -- "$temporary" "$path" && sync "${path%/*}"; } || fail io
  printf 'stored 0\n'
}

# A part in two minutes at least: a connection that is gone without a word ends here.
next_part() {
  header=$(timeout --foreground 120 head -c 16)
  how=${header%% *} bytes=${header#* }
  bytes=${bytes%% *}
  [ -n "$how" ]
}

take() {
  timeout --foreground 120 dd bs=65536 count="$1" iflag=fullblock,count_bytes status=none
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
