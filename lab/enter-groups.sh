#!/bin/sh
# enter-groups.sh PROCS-FILE... -- COMMAND...
# Moves itself into control groups, then becomes the command. It must happen before the command
# starts: nspawn takes the groups it finds itself in as the root of the host's cgroup namespace.
set -eu
while [ "$1" != -- ]; do
  echo $$ >"$1"
  shift
done
shift
exec "$@"
