import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { describeKeys, readBundle, type BundleKeys } from '../../src/core/etcd-bundle.ts';
import { packageText } from '../../src/core/package-files.ts';

const SNAPSHOT = randomBytes(8192 + 32);
const PAIR = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const KEYS: BundleKeys = {
  'encryption.yaml':
    'resources:\n  - resources:\n      - "secrets"\n    providers:\n      - secretbox:\n          keys:\n            - name: key-2026-11-20\n              secret: c2VjcmV0\n      - identity: {}\n',
  'service-account.key': PAIR.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  'service-account.pub': PAIR.publicKey.export({ type: 'spki', format: 'pem' }) as string,
};

/** As etcd 3.7.3 answers. */
const MEMBER = `[{"Endpoint":"x","Status":{"header":{"cluster_id":14841639068965178418,"member_id":1,"revision":7,"raft_term":2},"version":"3.7.3","dbSize":8192,"leader":1,"storageVersion":"3.7.0","dbSizeQuota":1,"dbSizeInUse":4096}}]`;
const STATUS = '{"hash":1,"revision":485261,"totalKey":11642,"totalSize":8192,"version":"3.7.0"}';

/** As etcdctl does it: $to gets its name once all is there. Half of it first, the rest once there is a file `go`. */
const SAVE = `here=$(dirname "$0")/..
    head -c 4000 "$here/snapshot" >"$to.part"
    until [ -e "$here/go" ]; do sleep 0.01; done
    tail -c +4001 "$here/snapshot" >>"$to.part" && mv "$to.part" "$to"`;

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'mcpk-snapshot-'));
  put('etc/kubernetes/api-server/encryption.yaml', KEYS['encryption.yaml']);
  put('etc/kubernetes/api-server/service-account.key', KEYS['service-account.key']);
  put('etc/kubernetes/pki/service-account.pub', KEYS['service-account.pub']);
  put('snapshot', SNAPSHOT);
  mkdirSync(join(root, 'backups'));
  stub(
    'etcdctl',
    `case "$*" in *'endpoint status'*) echo '${MEMBER}' ;; *'snapshot save'*) for to; do :; done
    ${SAVE} ;; esac`,
  );
  stub(
    'etcdutl',
    `echo "$*" >>${root}/calls; case "$2" in restore) [ -s "$3" ] && mkdir "$5" ;; status) echo '${STATUS}' ;; esac`,
  );
  put('go', '');
  // Nothing of this machine is mounted upon.
  stub('mount', `echo "$@" >>${root}/mounted; exit 1`);
  put('proc/meminfo', 'MemTotal: 9999999 kB\nMemAvailable:   524320 kB\n');
});

function put(path: string, content: string | Buffer): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

function stub(name: string, script: string): void {
  put(`bin/${name}`, `#!/bin/sh\n${script}\n`);
  chmodSync(join(root, 'bin', name), 0o755);
}

/** The real one, with this folder in place of the host's. */
function script(): string {
  return packageText('src/cluster/etcd-snapshot.sh')
    .replaceAll('/etc/', `${root}/etc/`)
    .replaceAll('=/etc', `=${root}/etc`)
    .replaceAll('/proc/meminfo', `${root}/proc/meminfo`)
    .replace('PATH=', `PATH=${root}/bin:`);
}

function run(...args: string[]): { status: number | null; stdout: Buffer; stderr: string } {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script(), 'sh', ...args]);
  return { status, stdout, stderr: stderr.toString() };
}

const keep = (count = 3): ReturnType<typeof run> =>
  run('keep', join(root, 'backups'), 'lab', 'm2', '1.37.1', String(count));
const backups = (): string[] => readdirSync(join(root, 'backups')).toSorted();

it('what is sent: the snapshot, what it is; and nothing stays', () => {
  const { status, stdout } = run('send', root);
  expect(status).toBe(0);
  expect(stdout.subarray(0, SNAPSHOT.length).equals(SNAPSHOT)).toBe(true);
  expect(stdout.subarray(SNAPSHOT.length).toString()).toBe(STATUS.padEnd(512));
  expect(readdirSync(root).filter((name) => name.startsWith('.'))).toEqual([]);
});

describe('a snapshot is on its way while etcd gives it', () => {
  it('and its end follows', async () => {
    rmSync(join(root, 'go'));
    const child = spawn('sh', ['-c', script(), 'sh', 'send', root]);
    const pieces: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
    const ended = new Promise((resolve) => child.once('close', resolve));
    await expect.poll(() => Buffer.concat(pieces).equals(SNAPSHOT.subarray(0, 4000))).toBe(true);
    put('go', '');
    expect(await ended).toBe(0);
    expect(Buffer.concat(pieces).subarray(0, SNAPSHOT.length).equals(SNAPSHOT)).toBe(true);
  });

  it('so one that fails midway was begun, and says why (1)', () => {
    stub(
      'etcdctl',
      `case "$*" in *'endpoint status'*) echo '${MEMBER}' ;; *) for to; do :; done; printf half >"$to.part"; echo "context deadline" >&2; exit 1 ;; esac`,
    );
    const { status, stdout, stderr } = run('send', root);
    expect([status, 'half'.startsWith(stdout.toString()), stderr]).toEqual([1, true, 'context deadline\n']);
  });

  it.each(['restore', 'status'])('so one whose proof fails (%s) was sent, but not what it is (4)', (word) => {
    stub('etcdutl', `case "$2" in ${word}) echo "mismatch" >&2; exit 1 ;; restore) mkdir "$5" ;; esac`);
    const { status, stdout, stderr } = run('send', root);
    expect([status, stdout.equals(SNAPSHOT), stderr]).toEqual([4, true, 'mismatch\n']);
  });
});

it("etcd's sum is compared once: where it arrives, or on the host where the bundle stays there", () => {
  const restores = (): string[] =>
    readFileSync(join(root, 'calls'), 'utf8')
      .match(/^snapshot restore .*/gm)
      ?.map((line) => line.split(' ').slice(5).join(' ')) ?? [];
  run('send', root);
  keep();
  expect(restores()).toEqual(['--skip-hash-check', '']);
});

describe('what is sent lies in memory where twice of what it takes is to spare', () => {
  // Twice the database, and 256 MiB.
  const wanted = 2 * 8192 + 256 * 1024 * 1024;
  beforeEach(() => {
    stub('df', 'echo Avail; echo 1000');
    stub('mount', `echo "$@" >>${root}/mounted`);
  });

  it('and then takes no room on the disk', () => {
    expect(run('send', join(root, 'backups')).status).toBe(0);
    expect(readFileSync(join(root, 'mounted'), 'utf8')).toMatch(
      new RegExp(
        `^-t tmpfs -o size=${String(wanted)},mode=0700,huge=within_size mcpk ${root}/backups/\\.snapshot\\.\\d+\n$`,
      ),
    );
    expect(backups()).toEqual([]);
  });

  it('of a kernel that has no large pages for it, too', () => {
    stub('mount', `case "$*" in *huge*) exit 32 ;; esac; echo "$@" >>${root}/mounted`);
    expect(run('send', join(root, 'backups')).status).toBe(0);
    expect(readFileSync(join(root, 'mounted'), 'utf8')).toMatch(/^-t tmpfs -o size=\d+,mode=0700 mcpk \S+\n$/);
  });

  it.each([
    ['there is less', () => put('proc/meminfo', 'MemTotal: 9999999 kB\nMemAvailable:   524318 kB\n')],
    ['the host does not tell', () => put('proc/meminfo', '')],
    ['nothing may be mounted', () => stub('mount', 'exit 32')],
  ])('on the disk where %s', (_why, break_) => {
    break_();
    const { status, stderr } = run('send', join(root, 'backups'));
    expect([status, stderr]).toEqual([3, expect.stringMatching(/bytes free/)]);
    expect(existsSync(join(root, 'mounted'))).toBe(false);
  });

  it('a bundle that stays on the host is made on its disk', () => {
    expect(keep().status).toBe(3);
    expect(existsSync(join(root, 'mounted'))).toBe(false);
  });
});

describe('no snapshot that is of no use', () => {
  it.each<[string, number, () => void]>([
    ['it can\'t be restored', 4, () => stub('etcdutl', 'echo "sha256 mismatch" >&2; exit 1')], // prettier-ignore
    ['there is no room', 3, () => stub('df', 'echo Avail; echo 1000')],
    ['it can\'t be counted', 4, () => stub('etcdutl', 'case "$2" in restore) mkdir "$5" ;; status) echo "mismatch" >&2; exit 1 ;; esac')], // prettier-ignore
    ['etcd does not answer', 1, () => stub('etcdctl', 'echo "context deadline exceeded" >&2; exit 1')],
  ])('%s: exit %i', (_why, code, break_) => {
    break_();
    for (const mode of ['send', 'keep'] as const) {
      const { status, stderr } = mode === 'send' ? run('send', join(root, 'backups')) : keep();
      expect([status, stderr]).toEqual([code, expect.stringMatching(/mismatch|bytes free|deadline/)]);
      expect(backups()).toEqual([]);
    }
  });

  it('one that is ended tidies up, and the next one what a power loss left', async () => {
    stub('etcdutl', 'sleep 60');
    const child = spawn('setsid', [
      'sh',
      '-c',
      script(),
      'sh',
      'keep',
      join(root, 'backups'),
      'lab',
      'm2',
      '1.37.1',
      '3',
    ]);
    await expect.poll(() => backups()).toHaveLength(1);
    process.kill(-(child.pid ?? 0), 'SIGTERM');
    await expect.poll(() => backups()).toEqual([]);
    put('backups/.snapshot.4194304/snapshot.db', 'x');
    stub('etcdutl', `case "$2" in status) echo '${STATUS}' ;; esac`);
    expect(keep().status).toBe(0);
    expect(backups()).toEqual([expect.stringMatching(/^lab-\d{8}T\d{6}Z\.mcpk-etcd\.tar$/)]);
  });
});

describe('a bundle of the host', () => {
  const newest = (): string => join(root, 'backups', backups().at(-1) ?? '');

  it('is read as one of the operator', async () => {
    expect(keep()).toMatchObject({ status: 0, stderr: '' });
    const { bundle, keys } = await readBundle(newest());
    expect(bundle).toEqual({
      apiVersion: 'mcpk/v1',
      kind: 'EtcdBundle',
      cluster: 'lab',
      clusterId: '14841639068965178418',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/) as string,
      member: 'm2',
      versions: { etcd: '3.7.3', kubernetes: '1.37.1' },
      revision: 485261,
      totalKeys: 11642,
      databaseBytes: 8192,
      sha256: createHash('sha256').update(SNAPSHOT).digest('hex'),
      ...describeKeys(KEYS),
      keys: 'plain',
    });
    expect(JSON.parse(keys?.toString() ?? '')).toEqual(KEYS);
    expect(statSync(newest()).mode & 0o777).toBe(0o600);
  });

  it('has two public keys while one replaces the other, and characters that JSON writes otherwise', async () => {
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' });
    const keys = { ...KEYS, 'service-account.pub': `${KEYS['service-account.pub']}${other as string}`, 'encryption.yaml': `# "a\\b"\t\n${KEYS['encryption.yaml']}` }; // prettier-ignore
    put('etc/kubernetes/pki/service-account.pub', keys['service-account.pub']);
    put('etc/kubernetes/api-server/encryption.yaml', keys['encryption.yaml']);
    expect(keep().status).toBe(0);
    const opened = await readBundle(newest());
    expect(opened.bundle).toMatchObject(describeKeys(keys));
    expect(opened.bundle.serviceAccountKeys).toHaveLength(2);
    expect(JSON.parse(opened.keys?.toString() ?? '')).toEqual(keys);
  });

  it('keys are encrypted where there are recipients; age that fails makes no bundle', async () => {
    put('etc/etcd/backup-recipients', 'age1x\n');
    stub('age', 'while [ "$1" != --output ]; do shift; done; base64 >"$2"');
    expect(keep().status).toBe(0);
    const opened = await readBundle(newest());
    expect(opened.bundle.keys).toBe('age');
    expect(JSON.parse(Buffer.from(opened.keys?.toString() ?? '', 'base64').toString())).toEqual(KEYS);
    stub('age', 'cat >/dev/null; exit 1');
    expect([keep().status, backups().length]).toEqual([1, 1]);
  });

  it('of a member that is no master has no keys', async () => {
    execFileSync('rm', ['-r', join(root, 'etc/kubernetes/api-server')]);
    expect(keep().status).toBe(0);
    const opened = await readBundle(newest());
    expect([opened.bundle.keys, opened.bundle.encryptionKeys, opened.keys]).toEqual(['none', [], undefined]);
  });

  it("the newest stay, others are nobody's business", () => {
    // prettier-ignore
    const old = ['lab-20200101T000000Z', 'lab-20200102T000000Z', 'lab-20200103T000000Z', 'lab-2-20200101T000000Z'];
    for (const name of [...old.map((each) => `${each}.mcpk-etcd.tar`), 'mine.tar']) put(`backups/${name}`, '');
    expect(keep(2).status).toBe(0);
    expect(backups()).toEqual([
      'lab-2-20200101T000000Z.mcpk-etcd.tar',
      'lab-20200103T000000Z.mcpk-etcd.tar',
      expect.stringMatching(/^lab-20[3-9]|^lab-202[6-9]/),
      'mine.tar',
    ]);
  });

  it('what takes it away gets its path as the last word; a failure of that is one, and the bundle stays', () => {
    stub('fetcher', `printf '%s\\n' "$@" >${root}/words`);
    put('etc/etcd/backup-upload', `fetcher\ncopy it\n$HOME;'\n`);
    expect(keep().status).toBe(0);
    expect(readFileSync(join(root, 'words'), 'utf8')).toBe(`copy it\n$HOME;'\n${newest()}\n`);
    stub('fetcher', 'exit 7');
    expect(keep().status).toBe(7);
    expect(existsSync(newest())).toBe(true);
  });
});

it('is what shellcheck accepts', () => {
  execFileSync('shellcheck', [new URL('../../src/cluster/etcd-snapshot.sh', import.meta.url).pathname]);
});
