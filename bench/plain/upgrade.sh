#!/bin/sh
# The upgrade of bench/upgrade.ts as somebody would do it by hand, and no check: the same binaries sent, the same drains,
# stops and starts in the same order, a host at a time. On the operator's side, with kubectl's KUBECONFIG.
#   upgrade.sh SSH_CONFIG CONTROL KUBERNETES ETCD CONTAINERD RUNC
# CONTROL is a folder for ssh's sockets, the last four are folders with the new programs.
set -eu
config=$1 control=$2 kubernetes=$3 etcd=$4 containerd=$5 runc=$6
masters='m1 m2 m3' workers='w1 w2'

on() {
  host=$1
  shift
  ssh -F "$config" -o ControlMaster=auto -o ControlPath="$control/%h" -o ControlPersist=300 "$host" "$@"
}

# send HOST FILE…
send() {
  to=$1
  shift
  for file; do set -- "$@" -C "${file%/*}" "${file##*/}" && shift; done
  tar -cf - "$@" | on "$to" 'mkdir -p /opt/next && tar -xf - -C /opt/next'
}

links() { on "$1" "for name in $2; do ln -sfn /opt/next/\$name /usr/local/bin/\$name; done; $3"; }

node="$kubernetes/kubelet $kubernetes/kube-proxy $containerd/containerd $containerd/containerd-shim-runc-v2 $containerd/ctr $runc/runc"
master="$kubernetes/kube-apiserver $kubernetes/kube-controller-manager $kubernetes/kube-scheduler $kubernetes/kubectl"
for host in $masters $workers; do
  files=$node
  case $host in m*) files="$node $master $etcd/etcd $etcd/etcdctl $etcd/etcdutl" ;; esac
  # shellcheck disable=SC2086 # a list
  send "$host" $files &
done
wait

for host in $masters; do
  links "$host" 'etcd etcdctl etcdutl' 'systemctl stop kube-apiserver etcd && systemctl start etcd kube-apiserver'
done
for host in $masters; do
  links "$host" 'kube-apiserver kubectl' 'systemctl restart kube-apiserver'
done
for host in $masters; do
  links "$host" 'kube-controller-manager kube-scheduler' 'systemctl restart kube-controller-manager kube-scheduler'
done
for host in $masters $workers; do
  kubectl drain "$host" --ignore-daemonsets --delete-emptydir-data --timeout=300s >/dev/null 2>&1
  on "$host" 'sed s,/usr/bin/containerd,/usr/local/bin/containerd, /lib/systemd/system/containerd.service >/etc/systemd/system/containerd.service
cat >/etc/containerd/config.toml' <<'END'
version = 3
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "registry.k8s.io/pause:3.10.1"
[plugins."io.containerd.cri.v1.images".registry]
config_path = "/etc/containerd/certs.d"
[plugins."io.containerd.cri.v1.runtime"]
restrict_oom_score_adj = true
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/opt/cni/bin"]
conf_dir = "/etc/cni/net.d"
[plugins."io.containerd.cri.v1.runtime".containerd]
default_runtime_name = "runc"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
SystemdCgroup = false
END
  links "$host" 'kubelet kube-proxy containerd containerd-shim-runc-v2 ctr runc' \
    'systemctl daemon-reload && systemctl stop kubelet kube-proxy containerd && systemctl start containerd kubelet kube-proxy'
  kubectl uncordon "$host" >/dev/null
done
