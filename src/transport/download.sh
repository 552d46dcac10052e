#!/bin/sh
# Sends what a command prints, as root, over a channel of its own. Saved and sourced by the bootstrap with
#   $2 directory's name  $3 size of this file  $4 bytes of the largest part
# Standard input begins with the command: how many words it has, and each of them on a line, written for printf's %b.
# After that each `next` of 5 bytes is answered by one record: `data SIZE` with more of it, or at its end
# `ended RC SIZE`: its exit code, and the end of what it said on standard error.
# When nothing is asked for in two minutes, or the connection dies, the command is ended too.

# Fd 3 onto standard output. One process for all parts and one copy of each byte: a dd, a cat and what counts between
# them took as much processor time as the rest of the way.
# shellcheck disable=SC2016 # perl's own
parts='use strict;
my ($most, $asked, $part) = (@ARGV, "", "");
open my $output, "<&=", 3 or exit 1;
fcntl $output, 1031, 1 << 20; # F_SETPIPE_SZ; 64 KiB do where it may not
sub put {
  for (my $done = 0; $done < length $_[0];) { $done += syswrite(STDOUT, $_[0], 1 << 20, $done) || exit 1 }
}
for (;;) {
  my $turn = length $asked >= 5;
  vec(my $ready = "", 0, 1) = 1;
  vec($ready, 3, 1) = 1 if $turn;
  select($ready, undef, undef, $turn ? undef : 120) > 0 or exit 1;
  if (vec $ready, 0, 1) { sysread(STDIN, $asked, 64, length $asked) or exit 1 }
  next unless vec $ready, 3, 1;
  my $more = sysread($output, $part, $most - length $part, length $part);
  defined $more or exit 1;
  last if $part eq "";
  next if $more and length $part < $most;
  substr($asked, 0, 5, "") eq "next\n" or exit 1;
  put("data " . length($part) . "\n");
  put($part);
  $part = "";
}'

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
  perl -e "$parts" "$most" || exit 1
  end
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
