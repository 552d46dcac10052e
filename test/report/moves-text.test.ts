import { expect, it } from 'vitest';
import type { Move, Moves } from '../../src/cluster/facts.ts';
import { renderMoves } from '../../src/report/moves-text.ts';
import { renderPlan } from '../../src/report/plan-text.ts';
import { PLAIN } from '../../src/report/theme.ts';
import { NOTHING } from '../fixtures/plan.ts';

const NOW = new Date(2026, 10, 24, 16);
const at = (hours: number): string => new Date(2026, 10, 24, hours, 2, 11).toISOString();
const SINCE = new Date(2026, 10, 22, 15).toISOString();
const move = (hours: number, to: string, from?: string): Move => ({
  at: at(hours),
  ...(from === undefined ? {} : { from }),
  to,
});
const BOTH = { vip: [move(9, 'm2', 'm1'), move(14, 'm1', 'm2')], etcdLeader: [move(-10, 'm3')] };

it.each<[string, Omit<Moves, 'since'>, string[]]>([
  ['nothing', { vip: [], etcdLeader: [] }, []],
  ['what cannot move', {}, []],
  [
    'both',
    BOTH,
    [
      "moved  since the last run, 2 days ago: the VIP 2 times (last 14:02:11, from m2 to m1), etcd's leader once (2026-11-23 14:02:11, to m3)",
    ],
  ],
  [
    'more than is told',
    { ...BOTH, vip: [], incomplete: true },
    ["moved  since the last run, 2 days ago: etcd's leader at least once (2026-11-23 14:02:11, to m3)"],
  ],
])('tells what moved: %s', (_what, moves, lines) => {
  expect(renderMoves({ since: SINCE, ...moves }, PLAIN, NOW)).toEqual(lines);
});

it('stands below the headline of a plan, in the words of its day, without what would draw on the screen', () => {
  const moves: Moves = { since: SINCE, vip: [move(14, 'm1\u001b[2J')] };
  const plan = renderPlan({ ...NOTHING, created: NOW.toISOString(), moves }, PLAIN, { verbose: false });
  expect(plan.split('\n')[1]).toMatch(
    /^moved {2}since the last run, 2 days ago: the VIP once \(14:02:11, to m1[^\u001b]*\)$/,
  );
});
