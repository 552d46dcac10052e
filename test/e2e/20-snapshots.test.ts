import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, readdir, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { onOperatorSide, operatorEnvironment } from '../../lab/operator.ts';
import { CLONE } from '../../lab/paths.ts';
import type { EtcdReport } from '../../src/cluster/facts.ts';
import { describeKeys, readBundle, type BundleKeys } from '../../src/core/etcd-bundle.ts';
import type { Plan, RunResult } from '../../src/engine/types.ts';
import { FULL } from '../support/tier.ts';
import { eventually, INVENTORY, kubectl, MASTERS, mcpk, mcpkJson, on, overlay } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';
import { underLoad } from './support/under-load.ts';

startFrom('ready', { leaves: 'ready' });

const ETCDCTL = [
  ...['/usr/local/bin/etcdctl', '--endpoints=https://127.0.0.1:2379', '--cacert=/etc/kubernetes/pki/etcd-ca.crt'],
  ...['--cert=/etc/etcd/pki/healthcheck-client.crt', '--key=/etc/etcd/pki/healthcheck-client.key'],
];

interface Snapshot {
  file: string;
  bundle: { member: string; revision: number; totalKeys: number };
}

const status = (overlays: readonly string[] = []): Promise<EtcdReport> =>
  mcpkJson<EtcdReport>(['etcd', 'status'], 0, overlays);
const folder = (): Promise<string> => mkdtemp(join(tmpdir(), 'mcpk-bundles-'));

/** Scratch folders of snapshots on the masters. */
async function scratches(): Promise<string[]> {
  const found = await Promise.all(MASTERS.map((name) => on(name, 'find', '/var/lib/mcpk', '-name', '.snapshot.*')));
  return found.join('').split('\n').filter(Boolean);
}

describe('mcpk etcd snapshot', () => {
  it('is of a member that does not lead, and has what it is of use with; nothing stays on the hosts', async () => {
    const { leader, members, quorum } = await status();
    expect([quorum, members.map(({ name, healthy }) => [name, healthy])]).toEqual([
      true,
      MASTERS.map((name) => [name, true]),
    ]);
    const out = await folder();
    const made = await mcpkJson<Snapshot>(['etcd', 'snapshot', '--out', out, '--keep', '2'], 0);
    expect(made.bundle.member).not.toBe(leader);
    expect((await stat(made.file)).mode & 0o777).toBe(0o600);
    const opened = await readBundle(made.file);
    const keys = JSON.parse(opened.keys?.toString() ?? '') as BundleKeys;
    expect(keys['encryption.yaml']).toBe(await on('m3', 'cat', '/etc/kubernetes/api-server/encryption.yaml'));
    expect(opened.bundle).toMatchObject({ ...describeKeys(keys), cluster: 'lab', keys: 'plain' });
    expect(opened.bundle.encryptionKeys).toHaveLength(1);
    expect(opened.bundle.revision).toBeGreaterThan(100);
    expect(await scratches()).toEqual([]);
  });

  it('a full disk of the operator is said (64), and no part of a file stays', async () => {
    const out = await folder();
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', out]);
    try {
      const { code, stderr } = await mcpk(['etcd', 'snapshot', '--out', out]);
      expect([code, stderr]).toEqual([64, expect.stringContaining('no space is left there')]);
      expect(await readdir(out)).toEqual([]);
      expect(await scratches()).toEqual([]);
    } finally {
      execFileSync('umount', [out]);
    }
  });

  it('killed in the middle leaves nothing on the host', async () => {
    const out = await folder();
    const [command = '', ...args] = onOperatorSide(['mcpk', 'etcd', 'snapshot', '--out', out, '-i', INVENTORY]);
    const killed = spawn(command, args, {
      cwd: CLONE,
      detached: true,
      stdio: 'ignore',
      env: { ...process.env, ...operatorEnvironment() },
    });
    await eventually('a snapshot on a host', 60, async () => ((await scratches()).length > 0 ? true : undefined));
    process.kill(-(killed.pid ?? 0), 'SIGKILL');
    await eventually('no snapshot on a host', 60, async () => ((await scratches()).length === 0 ? true : undefined));
    expect((await readdir(out)).filter((name) => name.endsWith('.tar'))).toEqual([]);
  });
});

describe('etcd.backup', () => {
  const SERVICE = 'mcpk-etcd-backup.service';
  let wanted: string;
  beforeAll(async () => {
    wanted = await overlay('etcd: { backup: { schedule: "*-*-* 03:00", keep: 1, directory: /var/backups/etcd } }\n');
    await mcpkJson<RunResult>(['apply', '--yes', '--only', 'etcd-backup'], 0, [wanted]);
  });
  afterAll(async () => {
    await Promise.all(MASTERS.map((name) => on(name, 'rm', '-rf', '/var/backups/etcd')));
  });

  it('members make bundles that are read as the operator’s, of which the newest stay', async () => {
    for (let times = 0; times < 2; times += 1)
      await Promise.all(MASTERS.map((name) => on(name, 'systemctl', 'start', SERVICE)));
    for (const name of MASTERS) {
      const [bundle, ...more] = (await on(name, 'ls', '-A', '/var/backups/etcd')).trim().split('\n');
      expect([bundle, more]).toEqual([expect.stringMatching(/^lab-\d{8}T\d{6}Z\.mcpk-etcd\.tar$/), []]);
      const file = join(await folder(), 'copy.tar');
      await writeFile(file, Buffer.from(await on(name, 'base64', `/var/backups/etcd/${bundle ?? ''}`), 'base64'));
      const opened = await readBundle(file);
      expect(opened.bundle).toMatchObject({ cluster: 'lab', member: name, keys: 'plain' });
      expect(opened.bundle).toMatchObject(describeKeys(JSON.parse(opened.keys?.toString() ?? '') as BundleKeys));
    }
    const { members } = await status([wanted]);
    expect(members.map(({ backup }) => (backup?.ageSeconds ?? 9999) < 600)).toEqual([true, true, true]);
    expect((await mcpkJson<Plan>(['plan'], 0, [wanted])).summary.changes).toBe(0);
  });

  it('one that failed is said by verify (16)', async () => {
    await on(
      'm2',
      'sh',
      '-c',
      'mv /usr/local/bin/etcdutl /usr/local/bin/etcdutl.away; ! systemctl start mcpk-etcd-backup.service; mv /usr/local/bin/etcdutl.away /usr/local/bin/etcdutl',
    );
    const { code, stdout, stderr } = await mcpk(['verify'], [wanted]);
    expect(code).toBe(16);
    expect((stdout + stderr).replaceAll(/\s+/g, ' ')).toContain('the last one failed');
    await on('m2', 'systemctl', 'start', SERVICE);
  });

  it('taken out of the inventory, timers leave and bundles stay', async () => {
    await mcpkJson<RunResult>(['apply', '--yes', '--only', 'etcd-backup'], 0);
    for (const name of MASTERS) {
      expect(await on(name, 'sh', '-c', 'ls /etc/systemd/system /usr/local/bin | grep etcd-backup || echo none')).toBe(
        'none\n',
      );
      expect(await on(name, 'ls', '/var/backups/etcd')).toMatch(/^lab-/);
    }
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
  });
});

describe.runIf(FULL)('mcpk etcd defrag', () => {
  const sizes = ({ members }: EtcdReport): number[] => members.map(({ databaseBytes = 0 }) => databaseBytes);

  it('gives back what is free, and no request at the VIP fails', async () => {
    const script =
      'head -c 700000 /dev/urandom | base64 -w0 >/tmp/big; for n in $(seq 20); do "$@" put /mcpk-junk </tmp/big || exit 1; done; rm /tmp/big; "$@" del /mcpk-junk; "$@" compact --physical "$("$@" endpoint status --write-out=json | sed \'s/.*"revision":\\([0-9]*\\).*/\\1/\')"';
    await on('m1', 'sh', '-c', script, 'sh', ...ETCDCTL);
    const before = await status();
    const outcome = await underLoad(() => mcpkJson<RunResult>(['etcd', 'defrag', '--yes'], 0));
    expect(outcome.failures).toEqual([]);
    expect(outcome.turnedAway, 'one at most for each API server that stops').toBeLessThanOrEqual(3);
    const after = await status();
    expect(sizes(after).map((size, index) => size < (sizes(before)[index] ?? 0))).toEqual([true, true, true]);
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
  });

  it('heals an etcd that is full: it takes writes again', async () => {
    const room = Math.max(...sizes(await status())) + 24 * 1024 * 1024;
    const small = await overlay(`etcd: { quotaBytes: ${String(room)} }\n`);
    await mcpkJson<RunResult>(['apply', '--yes'], 0, [small]);
    const fill =
      'head -c 1000000 /dev/urandom | base64 -w0 >/tmp/big; while "$@" put /mcpk-junk </tmp/big; do :; done; rm /tmp/big';
    await on('m1', 'sh', '-c', fill, 'sh', ...ETCDCTL);
    expect((await status()).alarms.map(({ alarm }) => alarm)).toContain('NOSPACE');
    await expect(kubectl('create', 'configmap', 'mcpk-full')).rejects.toThrow();
    await mcpkJson<RunResult>(['etcd', 'defrag', '--yes'], 0, [small]);
    expect((await status()).alarms).toEqual([]);
    await kubectl('create', 'configmap', 'mcpk-full');
    await kubectl('delete', 'configmap', 'mcpk-full');
    await on('m1', ...ETCDCTL, 'del', '/mcpk-junk');
    await mcpkJson<RunResult>(['apply', '--yes'], 0);
  });
});
