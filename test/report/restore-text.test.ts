import { expect, it } from 'vitest';
import { renderRestore, type RestoreTold } from '../../src/report/restore-text.ts';
import { themeFor } from '../../src/report/theme.ts';

const NOW = new Date('2026-11-28T19:53:00Z');
const snapshot = {
  keys: 'plain',
  createdAt: '2026-11-28T17:43:00Z',
  revision: 100,
  totalKeys: 12,
  versions: { etcd: '3.7.3' },
};

it.each<[string, RestoreTold, string]>([
  ['how much will be lost', { snapshot, revision: 5846 }, '5746 revisions will be lost'],
  ['that nobody knows how much, where no member answers', { snapshot }, 'no member tells its revision'],
  [
    'no figure across another restore',
    { snapshot, revision: 1_000_000_200 },
    'what was written since the snapshot will be lost',
  ],
  [
    'that it has no keys',
    { snapshot: { ...snapshot, keys: 'none' }, revision: 3 },
    'whether masters can read its Secrets is not known',
  ],
  ['what it goes on with', { snapshot, begun: 'R1', revision: 3 }, 'Goes on with the restore R1'],
  ['what is given up', { begun: 'R1' }, 'Gives up the restore R1'],
])('says before a restore %s', (_what, told, says) => {
  const text = renderRestore(told, themeFor(process.stdout, {}), NOW);
  expect(text).toContain(says);
  if (told.snapshot) expect(text).toMatch(/revision 100 . 12 keys . 2 h 10 min old . etcd 3\.7\.3/);
});
