import { expect, it } from 'vitest';
import { junitXml } from '../../src/report/junit-xml.ts';
import { casesOf, grown, mediansOf } from './rounds.ts';

it('names what there is more of, and not what went', () => {
  const then = new Map([
    ['m1 file /a', 1],
    ['m1 process sh', 2],
    ['m1 file /gone', 1],
  ]);
  const now = new Map([
    ['m1 file /a', 1],
    ['m1 process sh', 3],
    ['m1 file /new', 1],
  ]);
  expect(grown(then, now)).toEqual(['m1 process sh (2 → 3)', 'm1 file /new (0 → 1)']);
});

it('reads the cases of a report, without their times', () => {
  const failed = [{ type: 'gate', message: 'no', lines: ['why'] }];
  const cases = [
    { name: 'm1', ms: 12, failures: [] },
    { name: 'a <gate>', ms: 1, failures: failed },
    { name: 'm2', ms: 0, failures: [], skipped: 'later' },
    { name: 'm3', ms: 3, failures: [] },
  ];
  const xml = junitXml([{ name: 'etcd', cases }], { name: 'mcpk apply', started: new Date(0), ms: 16 });
  expect(casesOf(xml)).toEqual(['etcd m1', 'etcd a &lt;gate&gt; failure', 'etcd m2 skipped', 'etcd m3']);
});

it('puts the last five rounds beside the second to the sixth', () => {
  const seconds = [99, 10, 11, 12, 13, 14, 50, 50, 20, 21, 24, 22, 23];
  expect(mediansOf(seconds)).toEqual({ early: 12, late: 22, ratio: 22 / 12 });
});
