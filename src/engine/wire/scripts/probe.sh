#!/bin/sh
# Reads a host for mcpk and changes nothing. `sh probe.sh BODY`: BODY is data (src/engine/wire/wire.ts and
# wire-facts.ts write it), the answers go to standard output as records: `KIND SIZE`, newline, SIZE bytes.
#
# Paths arrive relative (`./etc/hosts`), so that tests can run this in a scratch root (MCPK_ROOT) and no path
# looks like an option. A line is a tag and a list, split at the separator that the first line names. Processes are
# what costs here (about 1 ms each), and dash's `read` (a system call a byte); so one `cat`, and few tools. All
# records are written at once: each write costs sshd and the other side a packet.
# shellcheck disable=SC2046,SC2086 # lists are split on purpose; globbing is off
set -fu
export LC_ALL=C

memory=./run/mcpk/remembered
stamps=./run/mcpk/stamps
rs=$(printf '\036')
nl='
'

emit() {
  answer="$answer$1 ${#2}$nl$2"
}

# Type, mode, owner … of every path and the sha256 of regular files: one stat, one sha256sum.
# `differing` is ordered like the head of `paths`, so one walk over both finds the files whose text is wanted.
probe_paths() {
  IFS=$us
  set -- $paths
  seen=$(QUOTING_STYLE=literal stat --printf "$us%n$us%f$us%a$us%U$us%G$us%s$us%.9Z$us%N$us\n" -- "$@" 2>/dev/null)
  set -- $seen
  files=
  # Nine fields a path, the first of them its separator. The mode in hexadecimal begins with the type.
  while [ $# -gt 8 ]; do
    case $3 in 8*) files=$files$us$2 ;; esac
    shift 9
  done
  set -- ${files#"$us"}
  sums=
  [ $# -gt 0 ] && sums=$(sha256sum -- "$@" 2>/dev/null)
  emit paths "$seen$nl$sums"
  IFS=$nl
  set -- $sums
  IFS=$us
  for wanted in $differing; do
    case ${1-} in
      *"  ${wanted#*  }")
        [ "$1" = "$wanted" ] || texts=$texts$us${wanted#*  }
        shift
        ;;
    esac
  done
}

# Only regular files (also behind a link): reading a pipe would wait for ever. Kernel settings are texts too, not read
# by the shell: it takes a byte a call, and the kernel answers only the first call of a number's file.
probe_texts() {
  IFS=$us
  set --
  for path in $texts $sysctls; do
    [ -f "$path" ] && set -- "$@" "$path"
  done
  [ $# -gt 0 ] || return 0
  content=$(head -v -c 1048576 -- "$@" 2>/dev/null && printf .)
  emit texts "${content%.}"
}

# Certificates alone: a private key in the same file does not leave the host.
probe_certificates() {
  IFS=$us
  set --
  for path in $certificates; do
    [ -f "$path" ] && set -- "$@" "$path"
  done
  [ $# -gt 0 ] || return 0
  content=
  for path in "$@"; do
    content="$content${content:+$nl}==> $path <==$nl$(sed -n '/-----BEGIN CERTIFICATE-----/,/-----END CERTIFICATE-----/p' "$path" 2>/dev/null)$nl"
  done
  emit certificates "$content"
}

probe_listings() {
  seen=
  IFS=$us
  set +f
  for directory in $listings; do
    for entry in "$directory"/* "$directory"/.[!.]* "$directory"/..?*; do
      if [ -e "$entry" ] || [ -L "$entry" ]; then seen="$seen$directory$us${entry##*/}$us$us"; fi
    done
  done
  set -f
  emit listings "$seen"
}

# A binary may have 100 MB: its hash is remembered, and holds while the file has the same type, size, times and inode.
probe_binaries() {
  IFS=$us
  set -- $binaries
  ids=$(stat -c '%f %s %.9Y %.9Z %i %n' -- "$@" 2>/dev/null)
  hashes=$nl$remembered_hashes$nl
  known=$nl
  set --
  IFS=$nl
  for id in $ids; do
    path=${id#* * * * * }
    case $id in 8*) ;; *) continue ;; esac
    case $hashes in
      *" $id$nl"*)
        hash=${hashes%%" $id$nl"*}
        known=$known${hash##*"$nl"}"  "$path$nl
        ;;
      *) set -- "$@" "$path" ;;
    esac
  done
  if [ $# -gt 0 ]; then
    known=$known$(sha256sum -- "$@" 2>/dev/null)$nl
    remember_hashes
  fi
  emit binaries "$known"
}

remember_hashes() {
  remembered_hashes='' moved=1
  for id in $ids; do
    hash=${known%%"  ${id#* * * * * }$nl"*}
    hash=${hash##*"$nl"}
    [ ${#hash} = 64 ] && remembered_hashes=$remembered_hashes$hash" "$id$nl
  done
}

# What systemctl and dpkg-query said is remembered with its marks (unit_marks): while these are the same, both would say
# the same. Of ten units systemctl needs 30 ms to tell, and systemd 15 ms more; dpkg-query needs 7 ms, and so do the marks.
# us+utc: a start and a file's change in the same second can be told apart.
probe_units_and_packages() {
  IFS=$us
  set -- $units
  key=$(unit_marks "$@")
  if [ "$key" = "$remembered_key" ]; then
    shown=$remembered_show installed=$remembered_packages
  else
    [ $# = 0 ] || shown=$(systemctl show --timestamp=us+utc --property=Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,InvocationID,ActiveEnterTimestamp,ExecMainStartTimestamp,NRestarts,FragmentPath,DropInPaths,MainPID -- "$@" 2>/dev/null)
    ask_packages
    if lasts "$@"; then remembered_key=$key remembered_show=$shown remembered_packages=$installed moved=1; fi
  fi
  [ -z "$packages" ] || emit packages "$installed"
  [ -n "$units" ] || return 0
  emit units "$shown"
  seen=
  for unit in $units; do
    [ -r "$stamps/$unit" ] && IFS= read -r stamp <"$stamps/$unit" && seen="$seen$unit $stamp$nl"
  done
  emit stamps "$seen"
  [ -z "$executables" ] || probe_executables
}

ask_packages() {
  set -- $packages
  # shellcheck disable=SC2016 # dpkg-query's own variables
  [ $# = 0 ] || installed=$(dpkg-query --show --showformat='${Package} ${db:Status-Want} ${db:Status-Status} ${Version}\n' -- "$@" 2>/dev/null)
}

# All files that make up units, the folders that enable them, of each unit the link that systemd makes anew at every
# start and removes when the unit is no longer active (unit_notify in systemd's src/core/unit.c), and dpkg's records.
unit_marks() {
  IFS=' '
  names=$* marks='./var/lib/dpkg/status ./var/lib/dpkg/updates'
  for root in ./etc/systemd/system ./etc/systemd/system.control ./run/systemd/system ./run/systemd/system.control \
    ./usr/local/lib/systemd/system ./usr/lib/systemd/system; do
    [ -d "$root" ] || continue
    marks="$marks $root $root/*.wants $root/*.requires $root/*.d $root/*.d/*"
    for unit; do marks="$marks $root/$unit"; done
  done
  for unit; do marks="$marks ./run/systemd/units/invocation:$unit"; done
  printf '%s\n' "$names" "$packages"
  set +f
  set -- $marks
  stat -c '%N %.9Y %.9Z %i' -- "$@" 2>/dev/null
}

# Only while all of them are active and nothing waits to be read anew: any other state may pass by itself.
lasts() {
  for unit; do
    [ -L "./run/systemd/units/invocation:$unit" ] || return 1
  done
  [ $# = 0 ] || [ -n "$shown" ] || return 1
  case $nl$shown$nl in
    *"${nl}ActiveState="[!a]* | *"${nl}ActiveState=activating$nl"* | *"${nl}NeedDaemonReload=yes$nl"*) return 1 ;;
  esac
}

# Below /run, which a boot empties: then all is read anew.
remember() {
  [ -d ./run/mcpk ] || return 0
  { printf '%s' "$rs$remembered_hashes$rs$remembered_key$rs$remembered_show$rs$remembered_packages$rs$remembered_versions$rs" >$memory.new && mv -f $memory.new $memory; } 2>/dev/null
}

# Of `UNIT PATH…`, the units that run another file than those at these paths now. /proc/PID/exe stays the file that a
# process was started from, also when it was replaced or deleted since; `-ef` is a test of the shell, no process. A
# service that is just being started may still run systemd's own file: that does not count as another one.
probe_executables() {
  pids=$nl id='' pid='' seen=''
  IFS=$nl
  for property in $shown; do
    case $property in
      Id=*.service) id=${property#*=} ;;
      MainPID=*) pid=${property#*=} ;;
    esac
    [ -n "$id" ] && [ -n "$pid" ] && pids=$pids$id=$pid$nl id='' pid=''
  done
  IFS=$us
  for entry in $executables; do
    id=${entry%% *}
    case $pids in *"$nl$id="*) ;; *) continue ;; esac
    pid=${pids#*"$nl$id="}
    pid=${pid%%"$nl"*}
    [ -e "./proc/$pid/exe" ] || continue
    other=1
    IFS=' '
    for path in ${entry#* } ./usr/lib/systemd/systemd-executor ./proc/1/exe; do
      # shellcheck disable=SC3013 # of POSIX since 2024, of every Debian's sh
      [ "./proc/$pid/exe" -ef "$path" ] && other=
    done
    IFS=$us
    [ -z "$other" ] || seen=$seen$id$nl
  done
  emit executables "$seen"
}

# `MODULE:FILE`: a module that is built into the kernel shows in /sys/module only when it has parameters; where it has
# none, FILE is there when the module is.
probe_modules() {
  seen=
  systems=
  IFS=$us
  for entry in $modules; do
    name=${entry%%:*}
    evidence=${entry#*:}
    found=0
    if [ -d "./sys/module/$name" ] || { [ -n "$evidence" ] && [ -e "$evidence" ]; }; then
      found=1
    else
      [ -n "$systems" ] || while IFS= read -r line; do systems="$systems ${line##*	} "; done <./proc/filesystems
      case $systems in *" $name "*) found=1 ;; esac
      # A kernel whose modules an upgrade has removed can load none before the next boot.
      if [ $found = 0 ] && command -v modprobe >/dev/null && ! modprobe -n -q -- "$name"; then found=-; fi
    fi
    seen="$seen$name $found$nl"
  done
  emit modules "$seen"
}

# Users that /etc/passwd does not have may be known by LDAP or the like: then getent is asked.
probe_users() {
  IFS=$us
  set -- $users
  [ "$local_users" = $# ] || accounts=$(getent passwd -- "$@") groups=$(getent group)
  emit users "$accounts"
  emit groups "$groups"
}

# `timeout` runs programs only: a name never reaches a shell builtin. An argument with line breaks comes as
# one `a` line and `+` lines.
probe_commands() {
  seen=
  id=
  argument=
  pending=
  IFS=$nl
  for line in $commands; do
    case $line in
      'c '*)
        id=${line#??}
        pending=
        set --
        ;;
      'a '*)
        [ -n "$pending" ] && set -- "$@" "$argument"
        argument=${line#??}
        pending=1
        ;;
      '+ '*) argument=$argument$nl${line#??} ;;
      '. ')
        [ -n "$pending" ] && set -- "$@" "$argument"
        timeout -k 2 30 "$@" </dev/null >/dev/null 2>&1
        seen="$seen$id $?$nl"
        ;;
    esac
  done
  emit commands "$seen"
}

# What a host tells about itself; raw where parsing is easier on the other side (src/engine/wire/wire-facts.ts).
probe_facts() {
  IFS=$us
  set --
  for path in ./etc/os-release ./proc/meminfo ./proc/swaps $facts; do
    [ -f "$path" ] && set -- "$@" "$path"
  done
  content=$(head -v -c 1048576 -- "$@" 2>/dev/null && printf .)
  emit texts "${content%.}"
  seen=
  fact hostname ./proc/sys/kernel/hostname
  fact kernel ./proc/sys/kernel/osrelease
  fact machine-id ./etc/machine-id
  fact cpus ./sys/devices/system/cpu/online
  fact arch ./proc/sys/kernel/arch || seen="${seen}arch=$(uname -m)$nl"
  for tool in apt-get dpkg-query; do
    command -v $tool >/dev/null && seen="${seen}tool=$tool$nl"
  done
  for tool in docker dockerd kubeadm k3s rke2 microk8s k0s; do
    command -v $tool >/dev/null && seen="${seen}foreign=$tool$nl"
  done
  # A package that is there has its sums; asking dpkg costs a process.
  for package in containerd.io moby-containerd moby-runc ntp ntpsec openntpd; do
    [ -e ./var/lib/dpkg/info/$package.md5sums ] && seen="${seen}rival=$package$nl"
  done
  set +f
  for file in ./etc/kubernetes/manifests/*; do
    [ -e "$file" ] && seen="${seen}foreign=static pod ${file##*/}$nl"
  done
  for file in ./etc/cni/net.d/*; do
    [ -e "$file" ] && seen="${seen}cni=${file##*/}$nl"
  done
  for file in ./etc/systemd/system/*.wants/nftables.service; do
    [ -L "$file" ] && seen="${seen}nftables=1$nl"
  done
  # What systemd-sysctl may read after zz-mcpk.conf.
  for file in ./etc/sysctl.d/[z-~]* ./run/sysctl.d/[z-~]* ./usr/local/lib/sysctl.d/[z-~]* ./usr/lib/sysctl.d/[z-~]*; do
    case $file in
      */zz-mcpk*) ;;
      *.conf) 
        while IFS= read -r line || [ -n "$line" ]; do seen="${seen}sysctl=${file#.}:$line$nl"; done 2>/dev/null <"$file"
        ;;
    esac
  done
  # The version is in the library's name; asking systemctl costs a process. The library may lie there without systemd
  # running the host, as in a container: the folder tells that (sd_booted).
  [ -d ./run/systemd/system ] && for file in ./usr/lib/systemd/libsystemd-shared-*.so ./usr/lib/*/systemd/libsystemd-shared-*.so; do
    [ -e "$file" ] && seen="${seen}systemd=${file##*-shared-}$nl"
  done
  # A member that starts without its data, and finds no others, leaves a folder, but no log.
  [ -n "$etcd_log" ] && for file in "$etcd_log"/*.wal; do
    [ -e "$file" ] && seen="${seen}etcd-data=1$nl" && break
  done
  set -f
  # A service that runs has a control group; asking systemctl costs 10 ms.
  for groups in ./sys/fs/cgroup ./sys/fs/cgroup/systemd; do
    [ -d "$groups/system.slice/systemd-resolved.service" ] && seen="${seen}resolved=1$nl"
  done
  # Of a host that is to join, where packets go that are not for its own networks.
  if [ ! -e ./var/lib/mcpk/owned.json ]; then
    IFS=$nl
    for line in $(ip -o -4 route show 2>/dev/null); do seen="${seen}route=$line$nl"; done
  fi
  probe_running
  emit facts "$seen"
  # One process. From the kernel, not /sys/class/net: in a container that is another network's.
  emit network "$(printf '%s\n' 'addr show' 'link show' 'route show match 169.254.1.1' | ip -o -4 -force -batch - 2>/dev/null)"
  IFS=$us
  emit filesystems "$(stat -f -c '%n %T %a %S %b %d %c' ./sys/fs/cgroup $disks 2>/dev/null)"
  # Not /proc/net/tcp: the kernel walks through its whole table of connections for that, 12 ms.
  emit ports "$(ss -Hltn 2>/dev/null)"
  emit clock "$(date +%s%N)"
}

# The version of what runs, which need not be what lies there by now. What an executable says of itself is remembered
# beside what changes when its bytes do, so that all of this is one process.
probe_running() {
  IFS=$us
  identity='%a %d %i %s %.9Y %.9Z'
  started=$nl
  set --
  for service in $services; do
    for groups in ./sys/fs/cgroup ./sys/fs/cgroup/systemd; do
      main_process "$service" "$groups/system.slice/$service.service/cgroup.procs" || continue
      started="$started$service ./proc/$pid/exe$nl"
      set -- "$@" "./proc/$pid/exe"
      break
    done
  done
  [ $# -gt 0 ] || return 0
  ids=$(stat -L -c "$identity %n" -- "$@" 2>/dev/null)
  known=$nl$remembered_versions
  unknown=
  IFS=$nl
  for id in $ids; do
    case $known in *" ${id% *}$nl"*) ;; *) unknown=$unknown$id$nl ;; esac
  done
  if [ -n "$unknown" ]; then
    known=$known$(for id in $unknown; do ask_version "$id" & done && wait)$nl
    moved=1
  fi
  remembered_versions=
  for id in $ids; do
    said=${known%%" ${id% *}$nl"*}
    [ "$said" = "$known" ] && continue
    said=${said##*"$nl"}
    service=${started%%" ${id##* }$nl"*}
    seen="${seen}runs=${service##*"$nl"} $said$nl"
    remembered_versions="$remembered_versions$said ${id% *}$nl"
  done
}

# Of all processes in a service's control group, the first one of its name: in containerd's there are those of pods, too.
# The kernel keeps 15 letters of a name.
main_process() {
  while read -r pid; do
    IFS= read -r name <"./proc/$pid/comm" && case $1 in "$name"*) return 0 ;; esac
  done 2>/dev/null <"$2"
  return 1
}

# Runs an executable for its version, in a process of its own and as root. So it has to be root's, and nobody else may
# write it; it is held open, so that what was looked at is what runs. A service that was taken over can't have its own
# program run here.
ask_version() {
  exe=${1##* } flag=--version
  exec 3<"$exe"
  case ${1%% *} in *[2367]? | *[2367]) exit ;; esac
  [ -O /proc/self/fd/3 ] && [ "$(stat -L -c "$identity" /proc/self/fd/3)" = "${1% *}" ] || exit
  # haproxy knows no --version: it would take that for the name of a file.
  IFS= read -r name <"${exe%exe}comm" && [ "$name" = haproxy ] && flag=-v
  said=$(timeout -k 2 10 /proc/self/fd/3 $flag </dev/null 2>&1)
  said=${said%%"$nl"*}
  [ -z "$said" ] || printf '%s %s\n' "$said" "${1% *}"
} 2>/dev/null

fact() {
  [ -r "$2" ] && IFS= read -r value <"$2" && seen="$seen$1=$value$nl"
}

paths='' differing='' texts='' certificates='' listings='' binaries='' units='' executables='' packages='' sysctls='' modules='' users='' commands=''
facts='' etcd_log='' disks='' services='' us='' answer='' section='' accounts='' groups='' local_users=0
remembered_hashes='' remembered_key='' remembered_show='' remembered_packages='' remembered_versions='' moved='' shown='' installed=''

cd "${MCPK_ROOT:-/}" || exit 1
# One process reads what an earlier probe remembered, the request, and the users and groups.
said=$(head -v -c 1073741824 -- $memory "$1" ./etc/passwd ./etc/group 2>/dev/null)
IFS=$rs
set -- $said
case ${1-} in
  "==> $memory <=="*)
    [ $# -gt 5 ] && remembered_hashes=$2 remembered_key=$3 remembered_show=$4 remembered_packages=$5 remembered_versions=$6 && shift 6
    ;;
esac
# What was remembered is off; the rest is joined again, as an argument of a command may hold that byte too.
said=$*
IFS=$nl
for line in $said; do
  case $line in
    '==> '*' <==')
      section=$line
      continue
      ;;
  esac
  case $section in
    *' ./etc/passwd '*)
      case $us$users$us in *"$us${line%%:*}$us"*) accounts=$accounts$line$nl local_users=$((local_users + 1)) ;; esac
      continue
      ;;
    *' ./etc/group '*)
      groups=$groups$line$nl
      continue
      ;;
  esac
  rest=${line#??}
  case $line in
    '= '*) us=$rest ;;
    'p '*) paths=$rest ;;
    'd '*) differing=$rest ;;
    't '*) texts=$rest ;;
    'C '*) certificates=$rest ;;
    'l '*) listings=$rest ;;
    'b '*) binaries=$rest ;;
    'u '*) units=$rest ;;
    'X '*) executables=$rest ;;
    'k '*) packages=$rest ;;
    's '*) sysctls=$rest ;;
    'm '*) modules=$rest ;;
    'g '*) users=$rest ;;
    'F '*) facts=$rest ;;
    'E '*) etcd_log=$rest ;;
    'D '*) disks=$rest ;;
    'V '*) services=$rest ;;
    *) commands=$commands$nl$line ;;
  esac
done

[ -n "$facts" ] && probe_facts
[ -n "$paths" ] && probe_paths
[ -n "$texts$sysctls" ] && probe_texts
[ -n "$certificates" ] && probe_certificates
[ -n "$listings" ] && probe_listings
[ -n "$binaries" ] && probe_binaries
[ -n "$units$packages" ] && probe_units_and_packages
[ -n "$modules" ] && probe_modules
[ -n "$users" ] && probe_users
[ -n "$commands" ] && probe_commands
[ -n "$moved" ] && remember
printf '%s' "$answer"
exit 0
