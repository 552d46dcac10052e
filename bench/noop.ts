/** `npm run bench -- noop`: an apply with nothing to do on the full cluster, beside the floor. */
import { FLOOR } from './floor.ts';
import { apply, BRIDGE, settle } from './mcpk.ts';
import { interleaved } from './measure.ts';
import { failures, raceHead, raceRows } from './report.ts';
import type { Options, Report } from './types.ts';

export async function noop({ quick, rounds }: Options, inventories = BRIDGE): Promise<Report> {
  await settle(inventories);
  const counted = rounds ?? (quick ? 5 : 15);
  const outcomes = await interleaved(
    { warm: 1, counted },
    { 'the floor': FLOOR, 'mcpk apply': apply(0, { inventories }) },
  );
  const beside = ['the floor'];
  return {
    tables: [{ title: 'Nothing to do on the full cluster', head: raceHead(beside), rows: raceRows(outcomes, beside) }],
    notes: ['The floor is five parallel `ssh -o KexAlgorithms=curve25519-sha256 HOST true`.', ...failures(outcomes)],
  };
}
