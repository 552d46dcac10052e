#!/bin/sh
# Runs once inside the image, by chroot, after lab/rootfs was copied into it.
set -eu

chmod 0440 /etc/sudoers.d/lab
chmod 0644 /etc/ssh/sshd_config.d/lab.conf

for user in ops pw; do
  useradd --create-home --shell /bin/bash "$user"
done
echo 'pw:lab' | chpasswd

# Each host gets its own keys and machine-id before its first boot.
rm -f /etc/ssh/ssh_host_* /etc/machine-id /var/lib/dbus/machine-id

# Refused at once: with no name server at all, each look-up would wait for a timeout. The operator's side, not
# 127.0.0.1: that would be CoreDNS itself in its own pod, and CoreDNS stops when it finds such a loop.
rm -f /etc/resolv.conf
echo 'nameserver 10.77.0.1' >/etc/resolv.conf

systemctl enable lab-cgroups.service ssh.service
# Timers that would take dpkg's lock at a random moment; consoles that nobody looks at.
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer \
  e2scrub_all.timer console-getty.service getty.target systemd-firstboot.service \
  systemd-networkd-wait-online.service

rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/log/bootstrap.log
apt-get update -q
# Catalogues and caches are up to date: no first boot has to make them.
ldconfig
journalctl --update-catalog
# Debian 12 has none.
[ ! -x /usr/lib/systemd/systemd-update-done ] || /usr/lib/systemd/systemd-update-done

mkdir -p /root/.ssh /var/lib/containerd /var/lib/kubelet /var/lib/etcd /var/log/journal
chmod 0700 /root/.ssh
