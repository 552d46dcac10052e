import { spawnSync } from 'node:child_process';
import { existsSync, linkSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WIPE_MEMBER } from '../../src/states/etcd/scripts.ts';
import { CLEAR_NETWORK, DESTROY, END_PODS, MOUNTED_BELOW, TAKE_OFF } from '../../src/states/removal/scripts.ts';
import { Scratch } from './support/scratch.ts';

let host: Scratch;
beforeEach(() => {
  host = new Scratch();
  for (const name of ['systemctl', 'apt-mark']) host.stub(name, 'exit 0');
  host.stub('shred', 'exec /usr/bin/shred "$@"');
});
afterEach(() => {
  host.remove();
});

function run(script: string, ...args: string[]): { exitCode: number | null; stderr: string } {
  const PATH = `${host.stubs}:/usr/bin:/bin:/usr/sbin:/sbin`;
  const { status, stderr } = spawnSync('dash', ['-c', script, 'sh', ...args], { env: { PATH }, encoding: 'utf8' });
  return { exitCode: status, stderr };
}

const lists = (...all: string[][]): string[] => all.flatMap((list) => [String(list.length), ...list]);
const DONE = { exitCode: 0, stderr: '' };

describe('keys and data of a host that leaves', () => {
  it('go once what uses them is stopped; what lies beside them stays', () => {
    host.put('/etc/ca.key', 'secret', 0o600);
    host.put('/etc/theirs', 'x');
    host.put('/var/etcd/member/wal/0', 'x');
    host.put('/var/etcd/theirs', 'x');
    host.put('/var/kubelet/pods/a/b', 'x');
    const args = lists(
      ['etcd.service', 'kubelet.service'],
      [host.at('/etc/ca.key'), host.at('/etc/none')],
      [host.at('/var/etcd/member'), `${host.at('/var/kubelet')}/`, `${host.at('/var/none')}/`],
    );
    expect(run(DESTROY, ...args)).toEqual(DONE);
    expect(readdirSync(host.at('/etc'))).toEqual(['theirs']);
    expect(readdirSync(host.at('/var/etcd'))).toEqual(['theirs']);
    expect(readdirSync(host.at('/var/kubelet'))).toEqual([]);
    expect(host.calls.map((call) => call.split(' ').slice(0, 3).join(' '))).toEqual([
      'systemctl stop --',
      'systemctl stop --',
      'shred -u -n',
    ]);
    // Cut off and begun again.
    expect(run(DESTROY, ...args)).toEqual(DONE);
  });

  it('stay where a unit does not stop, and links lead to nothing that is lost', () => {
    host.put('/etc/real.key', 'secret', 0o600);
    symlinkSync(host.at('/etc/real.key'), host.at('/etc/ca.key'));
    expect(run(DESTROY, ...lists([], [host.at('/etc/ca.key')], []))).toEqual(DONE);
    expect(host.read('/etc/real.key')).toBe('secret');
    host.stub('systemctl', 'case $1 in show) echo loaded ;; *) exit 1 ;; esac');
    const stuck = run(DESTROY, ...lists(['etcd.service'], [host.at('/etc/real.key')], []));
    expect(stuck).toEqual({ exitCode: 1, stderr: 'etcd.service does not stop\n' });
    expect(host.read('/etc/real.key')).toBe('secret');
    // One that was never there, or has left.
    host.stub('systemctl', 'case $1 in show) echo not-found ;; *) exit 5 ;; esac');
    expect(run(DESTROY, ...lists(['etcd.service'], [], []))).toEqual(DONE);
  });
});

describe('what mcpk kept for itself', () => {
  it('goes but for the journal and what the run still needs; secrets are overwritten', () => {
    const state = host.at('/var/lib/mcpk');
    for (const name of ['journal', 'journal.1', 'fence', 'unfinished', 'owned.json'])
      host.put(`/var/lib/mcpk/${name}`, 'x', 0o600);
    host.put('/var/lib/mcpk/generations/R1/etcd/etc/ca.key', 'secret', 0o600);
    host.put('/var/lib/mcpk/generations/R1/etcd/etc/x', 'open', 0o644);
    host.put('/var/lib/mcpk/store/abc', 'binary', 0o755);
    host.put('/run/mcpk/stamps/etcd.service', 'x');
    host.put('/run/mcpk/lock', 'x');
    host.put('/run/haproxy.down', '0');
    mkdirSync(host.at('/etc/kubernetes/pki'), { recursive: true });
    mkdirSync(host.at('/etc/haproxy'));
    host.put('/etc/haproxy/theirs', 'x');
    const args = [
      ...[state, host.at('/run/mcpk'), host.at('/run/haproxy.down')],
      ...lists(
        ['haproxy'],
        ['/etc/kubernetes/pki', '/etc/kubernetes', '/etc/haproxy', '/etc/none'].map((path) => host.at(path)),
        ['chrony.service'],
      ),
    ];
    expect(run(TAKE_OFF, ...args)).toEqual(DONE);
    expect(readdirSync(state).toSorted()).toEqual(['fence', 'journal', 'journal.1', 'unfinished']);
    expect(readdirSync(host.at('/run/mcpk'))).toEqual(['lock']);
    expect(readdirSync(host.at('/etc'))).toEqual(['haproxy']);
    expect(host.calls.filter((call) => call.includes('ca.key'))).toHaveLength(1);
    expect(host.calls.filter((call) => call.startsWith('shred') && call.includes('/etc/x'))).toEqual([]);
    expect(host.calls).toContain('apt-mark unhold -- haproxy');
    expect(host.calls).toContain('systemctl enable --now --quiet -- chrony.service');
    expect(run(TAKE_OFF, ...args)).toEqual(DONE);
  });

  it('is not what lies behind a link', () => {
    host.put('/srv/theirs', 'x');
    host.put('/var/lib/mcpk/journal', 'x');
    symlinkSync(host.at('/srv'), host.at('/var/lib/mcpk/generations'));
    linkSync(host.at('/srv/theirs'), host.at('/var/lib/mcpk/open'));
    // As a stream leaves it that was ended once it had kept the file, and before it changed it.
    host.put('/srv/kept', 'x', 0o600);
    linkSync(host.at('/srv/kept'), host.at('/var/lib/mcpk/kept'));
    expect(
      run(TAKE_OFF, host.at('/var/lib/mcpk'), host.at('/run/mcpk'), host.at('/run/x'), ...lists([], [], [])),
    ).toEqual(DONE);
    expect([host.read('/srv/kept'), existsSync(host.at('/var/lib/mcpk/kept'))]).toEqual(['x', false]);
    expect([host.read('/srv/theirs'), existsSync(host.at('/var/lib/mcpk/generations'))]).toEqual(['x', false]);
  });
});

describe.skipIf(process.getuid?.() !== 0)('mounts and rules', () => {
  /** In mounts of its own: pairs of what is bound on what. */
  function mounted(binds: readonly (readonly [string, string])[], script: string, ...args: string[]): string {
    const PATH = `${host.stubs}:/usr/bin:/bin:/usr/sbin:/sbin`;
    const bind = binds.map(([what, on]) => `mount --bind '${host.at(what)}' '${host.at(on)}'\n`).join('');
    const argv = [
      '--mount',
      '--propagation',
      'private',
      'dash',
      '-c',
      `set -e\n${bind}exec dash -c "$@"`,
      'sh',
      script,
    ];
    const { status, stderr } = spawnSync('unshare', [...argv, 'sh', ...args], { env: { PATH }, encoding: 'utf8' });
    return `${String(status)} ${stderr}`;
  }

  beforeEach(() => {
    host.put('/srv/theirs', 'secret', 0o600);
    for (const path of ['/var/cni/own', '/var/kubelet/own', '/var/etcd/member/own', '/var/lib/mcpk/own'])
      host.put(path, 'x', 0o600);
    for (const path of ['/var/cni/on', '/var/kubelet/on', '/var/etcd/member/on', '/var/lib/mcpk/on'])
      mkdirSync(host.at(path));
  });

  it.each<[string, string, string[]]>([
    ['/var/cni/on', DESTROY, ['0', '0', '1', '/var/cni']],
    ['/var/kubelet/on', DESTROY, ['0', '0', '1', '/var/kubelet/']],
    ['/var/etcd/member/on', WIPE_MEMBER, ['/var/etcd', '']],
    ['/var/lib/mcpk/on', TAKE_OFF, ['/var/lib/mcpk', '/run/mcpk', '/run/x', '0', '0', '0']],
  ])('of the same file system on %s keep what they show', (on, script, args) => {
    const placed = args.map((word) => (word.startsWith('/') ? host.at(word) : word));
    expect(mounted([['/srv', on]], script, ...placed)).toBe(
      `1 something is mounted on ${host.at(on)}: unmount it, or what is in it would go too\n`,
    );
    expect(host.read('/srv/theirs')).toBe('secret');
    expect(host.read(`${on}/../own`)).toBe('x');
    expect(run(script, ...placed)).toEqual(DONE);
  });

  it('are told beforehand, each that lies below a folder that goes, and no other', () => {
    const binds = ['/var/cni/on', '/var/kubelet/on', '/var/lib/mcpk'].map((on) => ['/srv', on] as const);
    const folders = ['/var/cni', '/var/lib/mcpk', '/var/kub', '/none'].map((path) => host.at(path));
    expect(mounted(binds, `{ ${MOUNTED_BELOW}; } >&2`, ...folders)).toBe(`0 ${host.at('/var/cni/on')}\n`);
  });

  it('on which a folder of ours lies as a whole are emptied, and stay', () => {
    host.put('/disk/cni/cache', 'x');
    expect(mounted([['/disk', '/var/cni']], DESTROY, '0', '0', '1', host.at('/var/cni'))).toBe('0 ');
    expect(readdirSync(host.at('/disk'))).toEqual([]);
    expect(host.read('/var/cni/own')).toBe('x');
  });

  /** With a network, processes, a /run and a /var/lib of its own. */
  function apart(setUp: string, script: string, args: readonly string[], look: string): string {
    const PATH = `${host.stubs}:/usr/sbin:/sbin:/usr/bin:/bin`;
    const own = `set -e; mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /var/lib`;
    const code = `${own}\n${setUp}\nscript=$1; shift; dash -c "$script" sh "$@"\n${look}`;
    const apartFrom = ['--mount', '--net', '--pid', '--fork', '--mount-proc', '--propagation', 'private'];
    const argv = [...apartFrom, 'dash', '-c', code, 'sh', script, ...args];
    const { status, stdout, stderr } = spawnSync('unshare', argv, { env: { PATH }, encoding: 'utf8' });
    return `${String(status)} ${stdout}${stderr}`;
  }

  it("of Calico's cgroups leaves with its network", () => {
    for (const name of ['nft', 'modprobe', 'ipset', 'iptables-save', 'ip6tables-save']) host.stub(name, 'exit 0');
    const setUp =
      'ip link set lo up; mkdir -p /var/lib/calico /run/calico/cgroup; mount -t tmpfs tmpfs /run/calico/cgroup';
    expect(apart(setUp, CLEAR_NETWORK, ['200'], 'mountpoint /run/calico/cgroup || :')).toBe(
      '0 /run/calico/cgroup is not a mountpoint\n',
    );
  });

  it.each([
    ['the chains of pods and what leads there leave', [], [':KUBE-SERVICES - [0:0]', ':CNI-DN-a1 - [0:0]', '-A KUBE-SERVICES -j RETURN', '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES', '-A FORWARD -m comment --comment "cali:6gwbT8clXdHdC1b1" -j MARK', '-A FORWARD -m set --match-set cali40all-ipam-pools src -j ACCEPT', '-A MINE -g cali-FORWARD']], // prettier-ignore
    ['rules of others stay, whatever they speak of', [':MY-KUBE-X - [0:0]', '-A INPUT -m comment --comment "not for KUBE-SERVICES" -j DROP', '-A INPUT -i cali-lan0 -j ACCEPT', '-A MY-KUBE-X -m comment --comment "see cali: no" -j RETURN', '-A INPUT -m set --match-set california src -j DROP'], [':KUBE-X - [0:0]']], // prettier-ignore
  ])('%s', (_what, stay, leave) => {
    for (const name of ['nft', 'ipset', 'ip6tables-save']) host.stub(name, 'exit 0');
    host.put('/rules', ['*filter', ...stay, ...leave, 'COMMIT', ''].join('\n'));
    host.stub('iptables-save', `cat '${host.at('/rules')}'`);
    host.stub('iptables-restore', `cat >'${host.at('/restored')}'`);
    expect(apart('ip link set lo up', CLEAR_NETWORK, ['200'], ':')).toBe('0 ');
    expect(host.read('/restored')).toBe(['*filter', ...stay, 'COMMIT', ''].join('\n'));
  });

  it("of pods leave, where the kubelet's folder is a link too; those of others stay", () => {
    host.stub('systemctl', 'exit 3');
    const setUp = `mkdir -p '/var/lib/disk/pods/a b' /var/lib/theirs
      ln -s disk /var/lib/kubelet
      mount -t tmpfs tmpfs '/var/lib/disk/pods/a b'
      mount -t tmpfs tmpfs /var/lib/theirs`;
    expect(
      apart(
        setUp,
        END_PODS,
        ['/var/lib/kubelet', host.at('/groups')],
        "awk '{ print $2 }' /proc/mounts | grep /var/lib/",
      ),
    ).toBe('0 /var/lib/theirs\n');
  });

  it('and what containerd and the kernel keep of pods leave; those of others stay', () => {
    host.stub('systemctl', `[ "$1" = stop ] && echo "$*" >>'${host.at('/said')}'; exit 3`);
    const cri = 'io.containerd.grpc.v1.cri';
    const groups = host.at('/groups');
    // Files can't be removed as those of the kernel go with their folder: what is kept has one.
    for (const group of ['cpu/kubepods/burstable/pod1', 'memory/kubepods', 'kubepods.slice/pod2', 'k3s.slice/kubepods'])
      mkdirSync(join(groups, group), { recursive: true });
    host.put('/groups/cpu/kubepods-theirs/cgroup.procs', '');
    host.put('/groups/pids/kubepods/pod3/cgroup.procs', '12\n');
    const setUp = `mkdir -p /var/lib/kubelet /run/containerd/s /run/containerd/io.containerd.runtime.v2.task/moby
      for folder in /run/containerd /var/lib/containerd; do mkdir -p $folder/${cri}/containers/a/io $folder/${cri}/sandboxes/b; done
      for name in dead lives; do
        '${process.execPath}' -e 'require("net").createServer().listen(process.argv[1])' /run/containerd/s/$name >/dev/null 2>&1 & eval $name=$!
        until [ -S /run/containerd/s/$name ]; do :; done
      done
      kill -9 $dead; wait $dead 2>/dev/null || :`;
    const look = `find /run/containerd /var/lib/containerd '${groups}' -depth -empty -o -type s -o -type f | sed 's|^${groups}/||' | sort; kill $lives 2>/dev/null || :`;
    expect(apart(setUp, END_PODS, ['/var/lib/kubelet', groups], look)).toBe(
      [
        `0 /run/containerd/${cri}/containers`,
        ...[`/run/containerd/${cri}/sandboxes`, '/run/containerd/io.containerd.runtime.v2.task/moby'],
        ...['/run/containerd/s/lives', `/var/lib/containerd/${cri}/containers`, `/var/lib/containerd/${cri}/sandboxes`],
        ...['cpu/kubepods-theirs/cgroup.procs', 'k3s.slice', 'memory', 'pids/kubepods/pod3/cgroup.procs'],
        '',
      ].join('\n'),
    );
    expect(host.read('/said')).toBe('stop kubepods.slice\n');
  });

  it('and containers whose shims outlived them, or containerd, end; those of other namespaces go on', () => {
    host.stub('systemctl', 'exit 3');
    // A container's process that ignores what it may, under a shim that never ends by itself.
    const shim = 'trap "" TERM; sh -c "trap \\"\\" TERM; exec tail -f /dev/null" & wait; read -r _ <&3';
    const program = '/containerd-shim-runc-v2';
    // What lies in mcpk's store has its sum for a name.
    const stored = `/${'0e48cea4'.repeat(8)}`;
    for (const path of [program, stored]) host.put(path, `#!/bin/sh\nexec 3<>/run/never\n${shim}\n`, 0o755);
    const start = (namespace: string, of = 'containerd', path = program): string =>
      `${host.at(path)} -namespace ${namespace} -id 1 -address /run/${of}/containerd.sock >/dev/null 2>&1 & `;
    const setUp = `mkdir -p /var/lib/kubelet; mkfifo /run/never; ${start('k8s.io')}${start('k8s.io', 'containerd', stored)}${start('moby')}${start('k8s.io', 'k3s')}
      until [ "$(pgrep -xc tail)" = 4 ]; do :; done`;
    const look = "pgrep -ax 'tail|containerd-shim|0e48cea40e48cea' | grep -o 'tail\\|-namespace.*' | sort";
    expect(apart(setUp, END_PODS, ['/var/lib/kubelet', host.at('/groups')], look)).toBe(
      `0 ${['k8s.io -id 1 -address /run/k3s', 'moby -id 1 -address /run/containerd'].map((of) => `-namespace ${of}/containerd.sock\n`).join('')}tail\ntail\n`,
    );
  });
});
