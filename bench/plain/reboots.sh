#!/bin/sh
# `mcpk node reboot all` as somebody would do it by hand: each host drained, rebooted, waited for until its units are up,
# and let in again, one at a time. On the operator's side, with kubectl's KUBECONFIG.
#   reboots.sh SSH_CONFIG
set -eu
on() {
  host=$1
  shift
  ssh -F "$config" -o ControlMaster=no -o ConnectTimeout=2 "$host" "$@" 2>/dev/null
}

config=$1
for host in m1 m2 m3 w1 w2; do
  units='containerd kubelet kube-proxy'
  case $host in m*) units="$units etcd kube-apiserver kube-scheduler kube-controller-manager haproxy keepalived" ;; esac
  before=$(on "$host" cat /proc/sys/kernel/random/boot_id)
  kubectl drain "$host" --ignore-daemonsets --delete-emptydir-data --timeout=300s >/dev/null 2>&1
  on "$host" systemctl reboot || :
  until on "$host" "[ \"\$(cat /proc/sys/kernel/random/boot_id)\" != $before ] && systemctl is-active --quiet $units"; do
    sleep 0.2
  done
  kubectl uncordon "$host" >/dev/null
done
