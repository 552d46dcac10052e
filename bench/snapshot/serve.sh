#!/bin/sh
# A simulated host with a member of etcd, for `npm run bench -- snapshot`:
# `unshare --net --mount --pid … serve.sh IMAGE FOLDER BINARIES`. Its root is an overlay over the lab's image, with what
# lies below /var/lib on this machine's disk, in FOLDER, where the key of the operator and that of the host are. A real
# sshd and a real etcd, no systemd; nothing outlives this process. Says `ready`, and ends with its standard input.
set -eu
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
image=$1 folder=$2 binaries=$3
address=10.79.0.11
root=/mnt/root
pki=$root/etc/kubernetes/pki health=$root/etc/etcd/pki/healthcheck-client

mount -t tmpfs tmpfs /mnt
mkdir -p /mnt/upper /mnt/work $root "$folder/lib"
mount -t overlay -o "lowerdir=$image,upperdir=/mnt/upper,workdir=/mnt/work" overlay $root
mkdir -p $root/root/.ssh $pki $root/etc/etcd/pki $root/etc/kubernetes/api-server
mount --bind "$folder/lib" $root/var/lib
# By which etcd is asked. Not by apt, which would ask for its own state in /var/lib.
dpkg-deb -x "$image"/opt/lab-apt/socat_*.deb $root
mount --bind "$binaries" $root/usr/local/bin
mount --bind /proc $root/proc
mount --bind /dev $root/dev
mount -t tmpfs tmpfs $root/run
mkdir -p $root/run/sshd $root/var/lib/mcpk
cp "$folder/operator.pub" $root/root/.ssh/authorized_keys
cp "$folder/host" $root/etc/ssh/ssh_host_ed25519_key
ip link set lo up
ip addr add $address/32 dev lo

# An authority, and one certificate for the member and its clients.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=etcd-ca \
  -keyout /mnt/ca.key -out $pki/etcd-ca.crt 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=bench -keyout $health.key -out /mnt/csr 2>/dev/null
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:%s\n' $address >/mnt/names
openssl x509 -req -days 2 -in /mnt/csr -CA $pki/etcd-ca.crt -CAkey /mnt/ca.key -CAcreateserial -extfile /mnt/names \
  -out $health.crt 2>/dev/null
cp $pki/etcd-ca.crt $health.crt $health.key "$folder/"
# What a bundle has beside the data.
openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out $root/etc/kubernetes/api-server/service-account.key
openssl pkey -in $root/etc/kubernetes/api-server/service-account.key -pubout -out $pki/service-account.pub
printf 'resources:\n  - resources: [secrets]\n    providers:\n      - secretbox: { keys: [{ name: bench, secret: YmVuY2g= }] }\n' \
  >$root/etc/kubernetes/api-server/encryption.yaml

set -- --cert-file=/etc/etcd/pki/healthcheck-client.crt --key-file=/etc/etcd/pki/healthcheck-client.key
set -- "$@" --client-cert-auth --trusted-ca-file=/etc/kubernetes/pki/etcd-ca.crt
set -- "$@" --peer-cert-file=/etc/etcd/pki/healthcheck-client.crt --peer-key-file=/etc/etcd/pki/healthcheck-client.key
set -- "$@" --peer-client-cert-auth --peer-trusted-ca-file=/etc/kubernetes/pki/etcd-ca.crt
chroot $root etcd --name=m1 --data-dir=/var/lib/etcd --log-level=error --listen-metrics-urls=http://127.0.0.1:2381 \
  --listen-client-urls=https://127.0.0.1:2379 --advertise-client-urls=https://127.0.0.1:2379 \
  --listen-peer-urls=https://$address:2380 --initial-advertise-peer-urls=https://$address:2380 \
  --initial-cluster=m1=https://$address:2380 --unsafe-no-fsync "$@" </dev/null >/mnt/log 2>&1 &
chroot $root /usr/sbin/sshd -D -o PidFile=none </dev/null >/dev/null 2>&1 &
etcd_answers() {
  etcdctl --endpoints=https://127.0.0.1:2379 --cacert=$pki/etcd-ca.crt --cert=$health.crt --key=$health.key \
    endpoint health >/dev/null 2>&1
}
until PATH=$binaries:$PATH etcd_answers; do sleep 0.1; done
printf 'ready\n'
cat >/dev/null
