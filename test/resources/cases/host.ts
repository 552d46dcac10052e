import type {
  BinaryResource,
  CommandResource,
  PackageResource,
  SysctlResource,
  UserResource,
} from '../../../src/resources/types.ts';
import { fileState, type Case } from '../case.ts';

const haproxy: PackageResource = { kind: 'package', name: 'haproxy', units: ['haproxy.service'], hold: true };
const exact: PackageResource = {
  kind: 'package',
  name: 'containerd',
  version: '1.7.24~ds1-6',
  units: ['containerd.service'],
  hold: true,
};
const forward: SysctlResource = { kind: 'sysctl', key: 'net.ipv4.ip_local_port_range', value: '1024 60999' };
const etcd: UserResource = { kind: 'user', name: 'etcd', group: 'etcd', home: '/var/lib/etcd' };
const binary: BinaryResource = {
  kind: 'binary',
  name: 'etcd',
  version: '3.7.3',
  sha256: 'a'.repeat(64),
  source: '/x',
  size: 25_000_000,
};
const stored = `/var/lib/mcpk/store/${binary.sha256}`;
const command: CommandResource = { kind: 'command', id: 'x', argv: ['do', 'it'], title: 'does it' };
const user = { group: 'etcd', home: '/var/lib/etcd', shell: '/usr/sbin/nologin' };

export const cases: Case[] = [
  {
    name: 'a package that is absent is installed with its units masked, and held',
    wanted: haproxy,
    gives: { verb: 'install', reasons: ['not installed'], irreversible: 'packages are not taken off again' },
    ops: [{ op: 'install', packages: ['haproxy'], mask: ['haproxy.service'], hold: ['haproxy'], replaced: [] }],
  },
  {
    name: 'a package takes the place of those that are there and not of others',
    wanted: { ...haproxy, replaces: ['nginx', 'pound'] },
    seen: { packages: { nginx: { version: '1', status: 'installed', held: false } } },
    gives: { verb: 'install', reasons: ['not installed', 'nginx goes for it'] },
    ops: [{ op: 'install', packages: ['haproxy'], mask: ['haproxy.service'], hold: ['haproxy'], replaced: ['nginx'] }],
  },
  {
    name: 'a package that dpkg left half-configured is finished',
    wanted: haproxy,
    seen: { packages: { haproxy: { version: '3', status: 'half-configured', held: true } } },
    gives: { verb: 'install', reasons: ['dpkg says half-configured'] },
  },
  {
    name: 'a package of which only conffiles are left is installed',
    wanted: haproxy,
    seen: { packages: { haproxy: { version: '3', status: 'config-files', held: true } } },
    gives: { verb: 'install', reasons: ['not installed'] },
  },
  {
    name: 'a package that is installed but not held is only held',
    wanted: haproxy,
    seen: { packages: { haproxy: { version: '3', status: 'installed', held: false } } },
    gives: { verb: 'update', reasons: ['3 is not held'] },
    ops: [{ op: 'run', argv: ['apt-mark', 'hold', 'haproxy'] }],
  },
  {
    name: 'a held package that is right is left alone',
    wanted: haproxy,
    seen: { packages: { haproxy: { version: '3', status: 'installed', held: true } } },
    gives: { result: 'unchanged', hash: 'package haproxy' },
  },
  {
    name: 'a package of which a version is wanted is installed in that version',
    wanted: exact,
    gives: { verb: 'install', reasons: ['not installed'], hash: 'package containerd=1.7.24~ds1-6' },
    ops: [
      {
        op: 'install',
        packages: ['containerd=1.7.24~ds1-6'],
        mask: ['containerd.service'],
        hold: ['containerd'],
        replaced: [],
      },
    ],
  },
  {
    name: 'another version than the one that is wanted is changed, and held',
    wanted: exact,
    seen: { packages: { containerd: { version: '1.6.20~ds1-1', status: 'installed', held: true } } },
    gives: {
      verb: 'update',
      reasons: ['1.6.20~ds1-1 → 1.7.24~ds1-6'],
      irreversible: 'the version of a package before is not put back',
    },
    ops: [
      {
        op: 'install',
        packages: ['containerd=1.7.24~ds1-6'],
        mask: ['containerd.service'],
        hold: ['containerd'],
        replaced: [],
      },
    ],
  },
  {
    name: 'what we hold and another version may need moves along with it',
    wanted: { ...exact, moves: ['runc'] },
    seen: { packages: { containerd: { version: '1.6.20~ds1-1', status: 'installed', held: true } } },
    gives: { verb: 'update' },
    ops: [
      {
        op: 'install',
        packages: ['containerd=1.7.24~ds1-6'],
        mask: ['containerd.service'],
        hold: ['containerd'],
        replaced: [],
        moved: ['runc'],
      },
    ],
  },
  {
    name: 'the version that is wanted is left alone, and counts for its unit',
    wanted: exact,
    seen: { packages: { containerd: { version: '1.7.24~ds1-6', status: 'installed', held: true } } },
    gives: { result: 'unchanged', hash: 'package containerd=1.7.24~ds1-6' },
  },
  {
    name: 'the version that is wanted is only held where it is not',
    wanted: exact,
    seen: { packages: { containerd: { version: '1.7.24~ds1-6', status: 'installed', held: false } } },
    gives: { verb: 'update', reasons: ['1.7.24~ds1-6 is not held'] },
    without: ['irreversible'],
    ops: [{ op: 'run', argv: ['apt-mark', 'hold', 'containerd'] }],
  },
  {
    name: 'a hold by an administrator is left alone',
    wanted: { ...haproxy, hold: false },
    seen: { packages: { haproxy: { version: '3', status: 'installed', held: true } } },
    gives: 'unchanged',
  },
  {
    name: 'a sysctl is the same whatever separates its values',
    wanted: forward,
    seen: { sysctls: { [forward.key]: '1024\t60999' } },
    gives: 'unchanged',
  },
  {
    name: 'a sysctl with another value is set',
    wanted: forward,
    seen: { sysctls: { [forward.key]: '32768\t60999' } },
    gives: { verb: 'update', reasons: ['32768 60999 → 1024 60999'] },
    ops: [{ op: 'sysctl', key: forward.key, value: forward.value }],
  },
  {
    name: 'a sysctl whose module is not loaded yet is set later',
    wanted: forward,
    gives: { reasons: ['not there yet'] },
  },
  {
    name: 'a sysctl may be written with slashes',
    wanted: { ...forward, key: 'net/ipv4/ip_forward', value: '1' },
    seen: { sysctls: { 'net.ipv4.ip_forward': '1' } },
    gives: 'unchanged',
  },
  {
    name: 'a module is found by its listed name',
    wanted: { kind: 'kernelModule', name: 'ip-vs' },
    seen: { modules: { ip_vs: true } },
    gives: 'unchanged',
  },
  {
    name: 'a module that is not there is loaded',
    wanted: { kind: 'kernelModule', name: 'ip_vs' },
    seen: { modules: { ip_vs: false } },
    gives: { verb: 'run', reasons: ['not loaded'] },
    ops: [{ op: 'modprobe', name: 'ip_vs' }],
  },
  {
    name: 'a user that is absent is made',
    wanted: etcd,
    gives: { verb: 'create' },
    ops: [{ op: 'user', name: 'etcd', group: 'etcd', home: '/var/lib/etcd' }],
  },
  {
    name: 'a user who can log in no longer can',
    wanted: etcd,
    seen: { users: { etcd: { ...user, shell: '/bin/sh' } } },
    gives: { verb: 'update', reasons: ['can log in with /bin/sh'] },
  },
  { name: 'a user that is right is left alone', wanted: etcd, seen: { users: { etcd: user } }, gives: 'unchanged' },
  {
    name: 'a binary that is not in the store is sent',
    wanted: binary,
    gives: { verb: 'create', reasons: ['not in the store'], hash: binary.sha256 },
    ops: [],
  },
  {
    name: 'a binary whose bytes changed is sent again',
    wanted: binary,
    seen: { binaries: { [stored]: 'b'.repeat(64) } },
    gives: { verb: 'update', reasons: ['damaged in the store'] },
  },
  {
    name: 'a binary that is right is left alone',
    wanted: binary,
    seen: { binaries: { [stored]: binary.sha256 } },
    gives: 'unchanged',
  },
  {
    name: 'a command without conditions always runs, and is not undone',
    wanted: command,
    gives: { verb: 'run', reasons: ['runs every time'], irreversible: 'a command has no undo' },
    ops: [{ op: 'run', argv: ['do', 'it'] }],
  },
  {
    name: 'a command that needs no undo is nothing that a rollback leaves behind',
    wanted: { ...command, needsNoUndo: true },
    gives: { verb: 'run' },
    without: ['irreversible'],
  },
  {
    name: 'a command whose product exists does not run',
    wanted: { ...command, creates: '/x' },
    seen: { paths: { '/x': fileState() } },
    gives: 'unchanged',
  },
  {
    name: 'a command whose check succeeds does not run',
    wanted: { ...command, unless: ['c'] },
    seen: { commands: { 'unless:x': 0 } },
    gives: 'unchanged',
  },
  {
    name: 'a command whose check fails runs',
    wanted: { ...command, unless: ['c'] },
    seen: { commands: { 'unless:x': 1 } },
    gives: { verb: 'run', reasons: ['its check exits 1'] },
  },
  {
    name: 'a command whose condition fails does not run',
    wanted: { ...command, onlyif: { file: '/f', line: '^a\\s+b$' } },
    seen: { texts: { '/f': '#a b\na\nb\n' } },
    gives: 'unchanged',
  },
  {
    name: 'a command whose condition is about a file that is absent does not run',
    wanted: { ...command, onlyif: { file: '/f', line: '^' } },
    seen: {},
    gives: 'unchanged',
  },
  {
    name: 'a command whose condition holds runs',
    wanted: { ...command, onlyif: { file: '/f', line: '^a\\s+b$' } },
    seen: { texts: { '/f': 'x\na  b\n' } },
    gives: { reasons: ['its condition holds'] },
  },
];
