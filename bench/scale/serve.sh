#!/bin/sh
# Simulated hosts, for `npm run bench -- scale`: `unshare --net --mount --pid … serve.sh IMAGE COUNT KEY HOSTKEY`.
# Each has a network namespace with an address on the bridge br0, a root of its own (an overlay over the lab's image),
# a machine-id and a real sshd in it. No systemd, one kernel. Nothing outlives this process: namespaces, mounts and
# servers go with it. Says `ready`, then reads `spoil PATH` (appends a line to that file of every host) from
# standard input, and answers `done`.
set -eu
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
image=$1 count=$2 key=$3 hostkey=$4
work=/mnt

addresses() {
  number=0
  while [ "$number" -lt "$count" ]; do
    printf '%s\n' "$((number / 250)).$((number % 250 + 1))"
    number=$((number + 1))
  done
}

# start_host NUMBER LAST-TWO-OCTETS
start_host() {
  host=$work/$1 root=$work/$1/root
  mkdir -p "$host/upper" "$host/work" "$root"
  mount -t overlay -o "lowerdir=$image,upperdir=$host/upper,workdir=$host/work" overlay "$root"
  # The last two are what packages bring, which are not installed here.
  mkdir -p "$root/run/sshd" "$root/root/.ssh" "$root/etc/haproxy" "$root/etc/keepalived"
  printf '%032x\n' "$(($1 + 1))" >"$root/etc/machine-id"
  printf '127.0.0.1\tlocalhost\n' >"$root/etc/hosts"
  cp "$key" "$root/root/.ssh/authorized_keys"
  cp "$hostkey" "$root/etc/ssh/ssh_host_ed25519_key"
  chmod 0600 "$root/etc/ssh/ssh_host_ed25519_key" "$root/root/.ssh/authorized_keys"
  mount --bind /proc "$root/proc"
  mount --bind /dev "$root/dev"
  : >"$host/net"
  unshare --net="$host/net" ip link set lo up
  ip link add "v$1" type veth peer name eth0 netns "$host/net"
  ip link set "v$1" master br0 up
  nsenter --net="$host/net" sh -c "ip addr add 10.78.$2/16 dev eth0 && ip link set eth0 up && mount -t sysfs sysfs '$root/sys'"
  # -D, so that it stays a child; all of them end with this process, as it is the first of its namespace.
  nsenter --net="$host/net" chroot "$root" /usr/sbin/sshd -D -o PidFile=none </dev/null >/dev/null 2>"$host/log" 3>&- &
}

mount -t tmpfs -o size=75% scale $work
ip link set lo up
ip link add br0 type bridge forward_delay 0 stp_state 0
ip addr add 10.78.255.254/16 dev br0
ip link set br0 up
number=0
for octets in $(addresses); do
  start_host "$number" "$octets"
  number=$((number + 1))
done
# The last one to start listens last; each is waited for.
for namespace in "$work"/*/net; do
  until nsenter --net="$namespace" grep -q ':0016 0*:0000 0A ' /proc/net/tcp; do :; done
done
printf 'ready\n'
while read -r command path; do
  [ "$command" = spoil ]
  for root in "$work"/*/root; do printf '# drift\n' >>"$root$path"; done
  printf 'done\n'
done
