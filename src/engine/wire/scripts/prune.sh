#!/bin/sh
# Lets go of old generations, and of binaries in the store that nothing leads to. `sh prune.sh BODY`: BODY is the line
# `RUNS MEGABYTES`, what may be kept at most; the last run's generation stays in any case.
# shellcheck disable=SC2012 # names of runs are plain words
set -u
export LC_ALL=C

IFS=' ' read -r keep megabytes <"$1"
cd "${MCPK_ROOT:-/}" || exit 1
state=./var/lib/mcpk
generations=$state/generations

# Bytes are overwritten with the file's last name: one that has another (at its place, in another generation) lives on.
# What everybody may read is no secret.
# shellcheck disable=SC2016 # for the inner shell
forget() {
  for folder in "$generations/$1" "$generations/$1-back"; do
    [ -d "$folder" ] || continue
    find "$folder" -type f ! -perm -o=r -exec sh -c 'for file; do
        if [ "$(stat -c %h -- "$file")" = 1 ]; then shred -u -n 1 -- "$file"; else rm -f -- "$file"; fi
      done' sh {} +
    rm -rf -- "$folder"
  done
}

# Names of runs, newest first. RUN-back is what RUN kept when it put back its own changes: it goes with RUN.
runs() {
  ls -- "$generations" | sed 's/-back$//' | sort -ur
}

prune_generations() {
  count=0
  for run in $(runs); do
    count=$((count + 1))
    if [ "$count" -gt "$keep" ]; then forget "$run"; fi
  done
  for run in $(runs | sed 1d | sort); do
    size=$(du -sm -- "$generations")
    [ "${size%%[!0-9]*}" -gt "$megabytes" ] || break
    forget "$run"
  done
}

# In use is what a link leads to, what owned.json lists (in a generation too, which may come back), and what runs.
prune_store() {
  used=$(
    find ./usr/local/bin ./opt/cni/bin "$generations" -type l -lname '*/var/lib/mcpk/store/*' -printf '%l\n' 2>/dev/null
    find $state/owned.json "$generations" -type f -name owned.json -exec cat -- {} + 2>/dev/null
    readlink ./proc/[0-9]*/exe 2>/dev/null
  )
  for file in "$state"/store/*; do
    name=${file##*/}
    # A binary is named by its sha256; one that is still being sent has another name.
    case $name in *[!0-9a-f]*) continue ;; esac
    [ ${#name} = 64 ] || continue
    case $used in *"$name"*) ;; *) rm -f -- "$file" ;; esac
  done
}

[ ! -d "$generations" ] || prune_generations
[ ! -d $state/store ] || prune_store
exit 0
