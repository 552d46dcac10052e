import { describe, expect, it } from 'vitest';
import { backupProblem, parseBackup, type BackupState } from '../../src/cluster/etcd-backup.ts';

const NOW = 1_800_000_000;
const DAY = 86_400;
const STATE: BackupState = {
  now: NOW,
  newest: { name: 'lab-20270114T030012Z.mcpk-etcd.tar', bytes: 512, at: NOW - 3600 },
  result: 'success',
  running: false,
  waits: true,
  triggered: NOW - 3700,
  laid: NOW - 30 * DAY,
};

describe('each time of the timer has left a bundle', () => {
  const none = { newest: undefined };
  const old = { newest: { ...STATE.newest, at: NOW - 3 * DAY } };
  it.each<[string, object, RegExp | undefined]>([
    ['it has', {}, undefined],
    ['none was due yet', { ...none, triggered: undefined }, undefined],
    [
      'the first start of the timer, as systemd takes it after a boot',
      { ...none, triggered: STATE.laid + 5 },
      undefined,
    ],
    ['one is being made', { ...old, running: true }, undefined],
    ['one is missing', old, /^one was due 1 h 1 min ago; the newest is 3 days old$/],
    ['there never was one', none, /^one was due .* there is none$/],
    ['the last one failed', { result: 'exit-code' }, /^the last one failed \(exit-code\); the newest is 1 h old$/],
    ['the timer does not run', { waits: false }, /mcpk-etcd-backup\.timer does not run/],
  ])('%s', (_what, over, wrong) => {
    expect(backupProblem({ ...STATE, ...over })).toEqual(wrong && expect.stringMatching(wrong));
  });

  it('what cannot be read is none', () => {
    expect(backupProblem(undefined)).toBe('what is there cannot be read');
  });
});

describe('what a host says of its backups', () => {
  const read = (stdout: string): BackupState | undefined =>
    parseBackup({ host: 'm1', exitCode: 0, stdout, stderr: '' });
  it('all of it', () => {
    const said = `${NOW}\nsuccess\ninactive\nactive\n${NOW - 3700}\n${NOW - 30 * DAY}\n${NOW - 3600} 512 /var/backups/etcd/${STATE.newest!.name}\n`;
    expect(read(said)).toEqual(STATE);
  });
  it('no bundle, no time yet', () => {
    expect(read(`${NOW}\nsuccess\ninactive\nactive\n0\n${NOW}\n`)).toEqual({
      now: NOW,
      result: 'success',
      running: false,
      waits: true,
      laid: NOW,
    });
  });
  it.each(['', 'x', `${NOW}\nsuccess\ninactive\nactive\nnever\n0\n`])('nonsense %j is none', (said) => {
    expect(read(said)).toBeUndefined();
  });
});
