import { expect, it } from 'vitest';
import { ref } from '../../src/resources/kinds.ts';
import type { Resource } from '../../src/resources/types.ts';
import { etcdBackup } from '../../src/states/etcd-backup.ts';
import { contextOf, factsOf, labCluster } from './cluster.ts';

async function statesOf(over: string): Promise<Resource[]> {
  const cluster = await labCluster(over);
  const states = etcdBackup.states(contextOf(cluster, 'm2', factsOf(cluster)));
  return Array.isArray(states) ? states : [];
}

const text = (states: readonly Resource[], path: string): string => {
  const found = states.find((each) => each.kind === 'file' && each.path === path);
  return found?.kind === 'file' ? String(found.content) : '';
};

it('members make none unless the inventory says when', async () => {
  expect(await statesOf('')).toEqual([]);
});

it('a timer, what it runs, and nothing that etcd restarts for', async () => {
  const states = await statesOf('etcd: { backup: { schedule: "*-*-* 03:00" } }');
  expect(states.map(ref)).toEqual([
    'directory:/var/backups/etcd',
    'file:/usr/local/bin/mcpk-etcd-backup',
    'file:/etc/systemd/system/mcpk-etcd-backup.service',
    'file:/etc/systemd/system/mcpk-etcd-backup.timer',
    'unit:mcpk-etcd-backup.timer',
  ]);
  expect(text(states, '/etc/systemd/system/mcpk-etcd-backup.timer')).toContain('OnCalendar=*-*-* 03:00\n');
  expect(text(states, '/etc/systemd/system/mcpk-etcd-backup.service')).toContain(
    'ExecStart=/usr/local/bin/mcpk-etcd-backup keep /var/backups/etcd lab m2 1.37.1 7\n',
  );
});

it('recipients and the command that takes bundles away are files for root alone, a word a line', async () => {
  const states = await statesOf(
    'etcd: { backup: { schedule: daily, ageRecipients: [age1abc], upload: [/usr/bin/rclone, copy, "a b"] } }',
  );
  expect(states.map(ref)).toContain('package:age');
  expect(text(states, '/etc/etcd/backup-recipients')).toBe('age1abc\n');
  expect(text(states, '/etc/etcd/backup-upload')).toBe('/usr/bin/rclone\ncopy\na b\n');
  for (const each of states)
    if (each.kind === 'file' && each.path.startsWith('/etc/etcd/'))
      expect([each.mode, each.owner]).toEqual(['0600', 'root']);
});
