/**
 * What takes off a host that leaves what grew there. Fixed text; what varies comes as arguments, so no value becomes
 * shell source. Each may run again, also where it was cut off.
 */

const MOUNTS_BELOW = `
mounts_below() { awk -v folder="$(readlink -m -- "$1")/" 'index($2, folder) == 1 { print $2 }' /proc/mounts; }
`;

/** A bind mount may be of the same file system, and neither -xdev nor --one-file-system would stop at it. */
export const NOTHING_MOUNTED = `${MOUNTS_BELOW}
nothing_mounted_below() {
  mounted=$(mounts_below "$1" | head -n 1)
  [ -z "$mounted" ] || { echo "something is mounted on $mounted: unmount it, or what is in it would go too" >&2; exit 1; }
}
`;

/** $@ = folders. */
export const MOUNTED_BELOW = `${MOUNTS_BELOW}for folder; do mounts_below "$folder"; done`;

/**
 * $1 = the kubelet's folder, $2 = where control groups are. Containers and images of the kubelet's namespace alone; those
 * of others go on. Names that containerd gives have no blanks.
 */
export const END_PODS = `set -eu
data=$(readlink -m -- "$1")
of_pods() { ctr --namespace k8s.io "$@"; }
if systemctl is-active --quiet containerd.service; then
  # containerd itself clears away what has ended, so that what is listed may be gone a moment later.
  tries=100
  while tasks=$(of_pods tasks ls --quiet) && containers=$(of_pods containers ls --quiet) && [ -n "$tasks$containers" ]; do
    said=$({ [ -z "$tasks" ] || of_pods tasks rm --force $tasks; [ -z "$containers" ] || of_pods containers rm $containers; } 2>&1) || :
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || { printf '%s\n' "$said" >&2; exit 1; }
    sleep 0.1
  done
  # What they consist of goes with them, before containerd stops.
  images=$(of_pods images ls --quiet)
  [ -z "$images" ] || of_pods images rm --sync $images >/dev/null
fi
# A shim ends by itself a moment after the last of its containers, but not always; and without containerd all go on. What
# runs in containers is a child of its shim, or becomes one when its parent ends.
# The name of one that was started from mcpk's store is the beginning of its sum.
digit='[0-9a-f]'
sum=$digit$digit$digit$digit$digit$digit$digit$digit$digit$digit$digit$digit$digit$digit$digit
shims() {
  for process in /proc/[0-9]*; do
    { IFS= read -r name <"$process/comm"; } 2>/dev/null || continue
    case $name in containerd-shim | $sum) ;; *) continue ;; esac
    # Those of another containerd, also of one in a container, go on.
    [ "$process/ns/pid" -ef /proc/self/ns/pid ] || continue
    case $(tr '\\0' ' ' <"$process/cmdline" 2>/dev/null) in
      *' -namespace k8s.io '*' -address /run/containerd/containerd.sock '*) echo "\${process#/proc/}" ;;
    esac
  done
}
children() { for shim; do cat "/proc/$shim/task/"*/children 2>/dev/null || :; done; }
tries=100
while shims=$(shims) && [ -n "$shims" ]; do
  running=$(children $shims)
  if [ -n "$running" ]; then kill -9 $running 2>/dev/null || :
  elif [ "$tries" -lt 95 ]; then kill -9 $shims 2>/dev/null || :
  fi
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || { echo "containers do not end, their shims are: $shims" >&2; exit 1; }
  sleep 0.1
done
for namespace in /run/netns/cni-*; do
  [ -e "$namespace" ] || continue
  umount -l -- "$namespace" 2>/dev/null || :
  rm -f -- "$namespace"
done
mounts() {
  awk -v data="$data/" 'index($2, data) == 1 || $2 ~ "^/run/containerd/io.containerd.[^/]*/k8s.io/" ||
    index($2, "/run/containerd/io.containerd.grpc.v1.cri/") == 1 { print $2 }' /proc/mounts | sort -r
}
mounts | while IFS= read -r target; do
  target=$(printf %b "$target")
  umount -- "$target" 2>/dev/null || umount -l -- "$target"
done
left=$(mounts)
[ -z "$left" ] || { echo "still mounted: $left" >&2; exit 1; }
# What containerd keeps of each container and pod, for the kubelet alone, and sockets of shims on which none listens.
for folder in /run/containerd /var/lib/containerd; do
  rm -rf --one-file-system -- "$folder"/io.containerd.grpc.v1.cri/containers/* "$folder"/io.containerd.grpc.v1.cri/sandboxes/*
done
for socket in /run/containerd/s/*; do
  [ ! -S "$socket" ] || grep -qF " $socket" /proc/net/unix || rm -f -- "$socket"
done
# The groups of pods. systemd may know them as a slice, with which it would end what another kubelet has in there; a group
# in which something runs can't be removed.
find "$2"/kubepods.slice "$2"/*/kubepods.slice -name cgroup.procs -exec cat {} + 2>/dev/null | grep -q . ||
  systemctl stop kubepods.slice 2>/dev/null || :
find "$2"/kubepods "$2"/kubepods.slice "$2"/*/kubepods "$2"/*/kubepods.slice -depth -type d -exec rmdir {} + 2>/dev/null || :
`;

/**
 * $1 = the mark of our routes. Rules of others stay, also in the tables that hold ours. Calico's routes have the marks
 * 80 and bird's, which another bird has too: they are taken for its own only where it ran.
 */
export const CLEAR_NETWORK = `set -eu
for unit in kube-proxy.service mcpk-network.service; do
  systemctl stop "$unit" 2>/dev/null || :
done
is_there() { [ -e "/sys/class/net/$1" ]; }
if is_there kube-ipvs0; then
  ipvsadm --clear
  ip link delete kube-ipvs0
fi
for path in /sys/class/net/cni0 /sys/class/net/vxlan.calico /sys/class/net/cali*; do
  [ ! -e "$path" ] || ip link delete "\${path##*/}" || ! is_there "\${path##*/}"
done
ip -4 route flush proto "$1"
if [ -d /var/lib/calico ]; then
  for mark in 80 bird; do
    ip -4 route flush proto "$mark" || :
    ip -6 route flush proto "$mark" || :
  done
  # A device of the kernel's own, which goes with its module.
  if is_there tunl0; then
    ip address flush dev tunl0
    ip link set tunl0 down
    modprobe -r ipip 2>/dev/null || :
  fi
  # Calico mounts the root of the cgroups there, whatever carries its pods.
  ! mountpoint -q /run/calico/cgroup || umount /run/calico/cgroup
fi
for table in 'ip kube-proxy' 'ip6 kube-proxy' 'ip mcpk_pods' 'ip cni_hostport' 'ip6 cni_hostport'; do
  nft delete table $table 2>/dev/null || :
done
# Their chains, what is in them, what leads there, and what Calico marks as its own. Others may speak of them.
ours='(^:|^-A | -[jg] )(KUBE-|cali-|CNI-)|--comment "?cali:|--match-set (KUBE-|cali[46])'
for family in iptables ip6tables; do
  command -v "$family-save" >/dev/null || continue
  rules=$("$family-save")
  case $rules in
    *KUBE-* | *cali-* | *CNI-*)
      printf '%s\\n' "$rules" | { grep -vE "$ours" || :; } | "$family-restore" -w
      ;;
  esac
done
if command -v ipset >/dev/null; then
  ipset list -name | { grep -E '^(KUBE-|cali[46])' || :; } | while IFS= read -r name; do ipset destroy "$name"; done
fi
`;

/**
 * Three lists, each after its length: units to stop, files to overwrite, and what to remove: of a folder with a slash
 * behind its name what lies in it, and so of one that is a mount. Nothing goes of a folder in which something is mounted.
 */
export const DESTROY = `set -eu
${NOTHING_MOUNTED}count=$1; shift
while [ "$count" -gt 0 ]; do
  systemctl stop -- "$1" 2>/dev/null || [ "$(systemctl show --property=LoadState --value -- "$1")" = not-found ] ||
    { echo "$1 does not stop" >&2; exit 1; }
  shift; count=$((count - 1))
done
count=$1; shift
while [ "$count" -gt 0 ]; do
  if [ -f "$1" ] && [ ! -L "$1" ]; then shred -u -n 1 -- "$1"; fi
  shift; count=$((count - 1))
done
count=$1; shift
while [ "$count" -gt 0 ]; do
  nothing_mounted_below "$1"
  if [ "$1" != "\${1%/}" ] || mountpoint -q -- "$1"; then
    [ ! -d "$1" ] || find "\${1%/}/" -xdev -mindepth 1 -depth -delete
  else
    rm -rf --one-file-system -- "$1"
  fi
  shift; count=$((count - 1))
done
`;

/**
 * $1 = what mcpk keeps on a host, $2 = the same until the next boot, $3 = HAProxy's mark; then three lists, each after its
 * length: packages to hold no more; folders, those within others first, that go where nothing lies in them; units that
 * run on. The journal stays, and what a session and its run still need.
 */
export const TAKE_OFF = `set -eu
${NOTHING_MOUNTED}state=$1 run=$2 mark=$3
shift 3
nothing_mounted_below "$state"
# What everybody may read is no secret. A file that has another name lives on, and only its last name's bytes are
# overwritten: what was kept before a change is the live file itself where the change did not come about.
find "$state" -xdev -type f ! -perm -o=r ! -path "$state/journal*" ! -path "$state/fence" ! -path "$state/unfinished" \\
  -exec sh -ec 'for file; do
    if [ "$(stat -c %h -- "$file")" = 1 ]; then shred -u -n 1 -- "$file"; else rm -f -- "$file"; fi
  done' sh {} +
find "$state" -xdev -mindepth 1 -maxdepth 1 ! -name journal ! -name journal.1 ! -name fence ! -name unfinished \\
  -exec rm -rf --one-file-system -- {} +
rm -rf -- "$run/stamps" "$mark"
count=$1; shift
while [ "$count" -gt 0 ]; do
  apt-mark unhold -- "$1" >/dev/null
  shift; count=$((count - 1))
done
count=$1; shift
while [ "$count" -gt 0 ]; do
  [ ! -d "$1" ] || mountpoint -q -- "$1" || rmdir --ignore-fail-on-non-empty -- "$1"
  shift; count=$((count - 1))
done
count=$1; shift
while [ "$count" -gt 0 ]; do
  systemctl enable --now --quiet -- "$1"
  shift; count=$((count - 1))
done
`;
