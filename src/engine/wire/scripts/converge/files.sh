# Operations on files, links and folders.
# In:  arguments of the operation; BODY, of which `cut` takes the contents of files.
# Out: the change, with the old state kept (keep.sh). `temps` lists temporary files that are still there, $state/temps
#      too, for the stream after one that is killed. `reload` is set where systemd has to read its files anew.
#
# Writing a file is cut, chown, chmod, sync, save, rename: operations of their own, because those of many files share one
# process, and a process is what costs.

# new_temp PATH: makes way for a temporary file and sets `temp`. It is listed before it is made.
new_temp() {
  { [ -e "$1" ] || [ -L "$1" ]; } && rm -rf -- "$1"
  temp=$1
  temps=$temps$nl$1
  printf '%s\n' "$1" >>$state/temps
}

# cut OFFSET SIZE TEMP. `set -C` opens a file only if it is new: nobody can lead the bytes elsewhere by a link.
cut_out() {
  local result=0
  new_temp "$3" || return 1
  set -C
  dd if="$body" bs=262144 iflag=skip_bytes,count_bytes skip="$1" count="$2" status=none >"$3"
  result=$?
  set +C
  return $result
}

remove_temps() {
  local IFS="$nl"
  [ -n "$temps" ] || return 0
  rm -rf -- $temps
  : >$state/temps
}

# make_way PATH: a folder is kept and removed, as `mv` cannot put a file in its place.
make_way() {
  if [ -d "$1" ] && [ ! -L "$1" ]; then save "$1" && rm -rf -- "$1"; fi
}

touched() {
  case $1 in ./etc/systemd/system/* | ./usr/lib/systemd/system/*) reload=1 ;; esac
}

# rename TEMP PATH
rename_over() {
  make_way "$2" && mv -fT -- "$1" "$2" && to_sync "${2%/*}" && touched "$2"
}

# link PATH TARGET
link_to() {
  save "$1" && make_way "$1" && new_temp "${1%/*}/.${1##*/}.mcpk" && ln -sfn -- "$2" "$temp" && rename_over "$temp" "$1"
}

# access MODE OWNER:GROUP PATH
set_access() {
  save_access "$3" && chown -h -- "$2" "$3" && chmod -- "$1" "$3" && to_sync "$3"
}

# mkdir MODE OWNER:GROUP PATH
make_directory() {
  local above="$3"
  if [ -d "$3" ] && [ ! -L "$3" ]; then save_access "$3"; else save "$3"; fi || return 1
  if [ -L "$3" ] || { [ -e "$3" ] && [ ! -d "$3" ]; }; then rm -f -- "$3" || return 1; fi
  while [ ! -d "$above" ]; do
    above=${above%/*}
    to_sync "$above"
  done
  [ -d "$3" ] || (umask 022 && mkdir -p -- "$3") || return 1
  chown -- "$2" "$3" && chmod -- "$1" "$3" && to_sync "$3"
}

# remove PATH
remove() {
  [ -e "$1" ] || [ -L "$1" ] || return 0
  save "$1" && rm -rf -- "$1" && to_sync "${1%/*}" && touched "$1"
}

# destroy PATH: a secret that must not come back. Nothing is kept, and its bytes are overwritten.
destroy() {
  [ -f "$1" ] && [ ! -L "$1" ] || return 0
  shred -u -n 1 -- "$1" && to_sync "${1%/*}" && touched "$1"
}

# rmdir PATH: a folder that still has something in it stays, without an error, and one that a disk is mounted on.
remove_empty_directory() {
  if [ -d "$1" ] && [ ! -L "$1" ] && ! mountpoint -q -- "$1"; then
    save_folder "$1" && rmdir --ignore-fail-on-non-empty -- "$1" && to_sync "${1%/*}"
  fi
}

# check TEMP PROGRAM ARG…: asks a program whether the new file is valid; `{}` in an argument stands for its path.
check_file() {
  local file="${MCPK_ROOT:-}${1#.}" argument='' left=0
  shift
  left=$#
  # Each argument in turn is taken from the front and put to the end, with the path in it.
  while [ "$left" -gt 0 ]; do
    argument=$1
    shift
    case $argument in *'{}'*) argument=${argument%%'{}'*}$file${argument#*'{}'} ;; esac
    set -- "$@" "$argument"
    left=$((left - 1))
  done
  timeout -k 5 60 "$@"
}
