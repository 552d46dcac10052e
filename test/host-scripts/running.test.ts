import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';

import { afterEach, beforeEach, expect, it } from 'vitest';

import type { HostFacts } from '../../src/cluster/facts.ts';
import { decodeFacts, encodeFacts } from '../../src/engine/wire/wire-facts.ts';
import { Scratch } from './support/scratch.ts';

let host: Scratch;
beforeEach(() => {
  host = new Scratch();
  host.put('/proc/meminfo', 'MemTotal:        2048 kB\n');
  host.put('/proc/filesystems', 'nodev\toverlay\n');
  mkdirSync(host.at('/run/mcpk'), { recursive: true });
  for (const tool of ['ip', 'ss', 'modprobe']) host.stub(tool, '');
});
afterEach(() => {
  host.remove();
});

function runs(): HostFacts['runs'] {
  const { records, exitCode, stderr } = host.run('probe', encodeFacts({ etcdLog: '/var/lib/etcd/member/wal' }));
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return decodeFacts(records, { host: 'm1', sentAt: 0, receivedAt: 0 }).runs;
}

/** Of executables that were asked for their version. */
const asked = (): string[] => host.calls.filter((call) => call.startsWith('timeout '));

/** An executable that says this to `flag` alone, and leaves a mark when it is run otherwise. */
function executable(path: string, said: string, flag = '--version'): void {
  host.put(path, `#!/bin/sh\n[ "$*" = ${flag} ] && cat <<'END' && exit\n${said}\nEND\nexit 1\n`, 0o755);
}

interface Process {
  pid: number;
  /** As the kernel tells it: at most 15 letters. */
  comm: string;
  exe: string;
}

function service(unit: string, processes: readonly Process[], hierarchy = ''): void {
  const group = `/sys/fs/cgroup${hierarchy}/system.slice/${unit}/cgroup.procs`;
  host.put(group, processes.map(({ pid }) => `${String(pid)}\n`).join(''));
  for (const { pid, comm, exe } of processes) {
    host.put(`/proc/${String(pid)}/comm`, `${comm}\n`);
    const link = host.at(`/proc/${String(pid)}/exe`);
    rmSync(link, { force: true });
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(host.at(exe), link);
  }
}

it.each<[string, string, string, string, string]>([
  ['etcd', 'etcd', 'etcd Version: 3.6.16\nGit SHA: 1\nGo Version: go1.26.1', '--version', '3.6.16'],
  ['kube-apiserver', 'kube-apiserver', 'Kubernetes v1.37.1', '--version', '1.37.1'],
  ['kube-controller-manager', 'kube-controller', 'Kubernetes v1.38.0-beta.0', '--version', '1.38.0-beta.0'],
  [
    'containerd',
    'containerd',
    'containerd github.com/containerd/containerd 1.7.24~ds1 1.7.24~ds1-6+b4',
    '--version',
    '1.7.24',
  ],
  ['containerd', 'containerd', 'containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b71', '--version', '2.1.4'],
  ['haproxy', 'haproxy', 'HAProxy version 3.0.11-1+deb13u2 2026/08/01 - https://haproxy.org/', '-v', '3.0.11'],
  ['keepalived', 'keepalived', 'Keepalived v2.3.3 (03/30,2025)', '--version', '2.3.3'],
])('asks the executable of %s (%s) for its version', (name, comm, said, flag, version) => {
  executable('/bin/x', said, flag);
  service(`${name}.service`, [{ pid: 100, comm, exe: '/bin/x' }]);
  expect(runs()).toEqual({ [name]: version });
});

it('knows a process by its control group in either hierarchy, and that of pods by their names', () => {
  executable('/bin/containerd', 'containerd x 2.1.4');
  executable('/bin/shim', 'containerd-shim 9.9.9');
  executable('/bin/kubelet', 'Kubernetes v1.37.1');
  const shim = { pid: 100, comm: 'containerd-shim', exe: '/bin/shim' };
  service('containerd.service', [shim, { pid: 200, comm: 'containerd', exe: '/bin/containerd' }]);
  service('kubelet.service', [{ pid: 300, comm: 'kubelet', exe: '/bin/kubelet' }], '/systemd');
  expect(runs()).toEqual({ containerd: '2.1.4', kubelet: '1.37.1' });
});

it('tells nothing of a service that does not run, or has ended since', () => {
  executable('/bin/etcd', 'etcd Version: 3.7.3');
  service('etcd.service', []);
  host.put('/sys/fs/cgroup/system.slice/kubelet.service/cgroup.procs', '400\n');
  expect(runs()).toEqual({});
});

it('asks an executable once, however often its service starts anew', () => {
  host.stub('timeout', 'shift 3; exec "$@"');
  executable('/store/a', 'etcd Version: 3.6.16');
  executable('/store/b', 'Kubernetes v1.36.3');
  service('etcd.service', [{ pid: 100, comm: 'etcd', exe: '/store/a' }]);
  service('kubelet.service', [{ pid: 101, comm: 'kubelet', exe: '/store/b' }]);
  expect(runs()).toEqual({ etcd: '3.6.16', kubelet: '1.36.3' });
  expect(asked()).toHaveLength(2);
  service('etcd.service', [{ pid: 102, comm: 'etcd', exe: '/store/a' }]);
  expect(runs()).toEqual({ etcd: '3.6.16', kubelet: '1.36.3' });
  expect(asked()).toHaveLength(2);
  // Other bytes in the same place are another executable.
  executable('/store/c', 'etcd Version: 3.7.3');
  renameSync(host.at('/store/c'), host.at('/store/a'));
  expect(runs()).toEqual({ etcd: '3.7.3', kubelet: '1.36.3' });
  expect(asked()).toHaveLength(3);
});

it('tells what the process is, where another file lies in its place by now', () => {
  executable('/usr/local/bin/etcd.old', 'etcd Version: 3.6.5');
  executable('/usr/local/bin/etcd', 'etcd Version: 3.7.3');
  service('etcd.service', [{ pid: 100, comm: 'etcd', exe: '/usr/local/bin/etcd.old' }]);
  expect(runs()).toEqual({ etcd: '3.6.5' });
});

it.each([0o775, 0o757])('runs no file that others may write: %o', (mode) => {
  executable('/tmp/evil', 'etcd Version: 3.7.3');
  chmodSync(host.at('/tmp/evil'), mode);
  service('etcd.service', [{ pid: 100, comm: 'etcd', exe: '/tmp/evil' }]);
  expect(runs()).toEqual({});
});

it.runIf(process.getuid?.() === 0)('runs no file of another user than who reads', () => {
  executable('/tmp/evil', 'etcd Version: 3.7.3');
  chownSync(host.at('/tmp/evil'), 65534, 65534);
  service('etcd.service', [{ pid: 100, comm: 'etcd', exe: '/tmp/evil' }]);
  expect(runs()).toEqual({});
});

const traceable = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;

it.runIf(traceable)('costs one process where all are known, and none where none runs', () => {
  const processes = (): number => {
    const under = ['strace', '-f', '-qq', '-e', 'trace=execve', '-e', 'status=successful'];
    const { stderr } = host.run('probe', encodeFacts({ etcdLog: '/x' }), { under });
    return stderr.split('\n').filter((line) => line.includes('execve(')).length;
  };
  const bare = processes();
  executable('/store/a', 'etcd Version: 3.6.16');
  executable('/store/b', 'Kubernetes v1.36.3');
  service('etcd.service', [{ pid: 100, comm: 'etcd', exe: '/store/a' }]);
  service('kubelet.service', [{ pid: 101, comm: 'kubelet', exe: '/store/b' }]);
  runs();
  expect(processes()).toBe(bare + 1);
});
