/**
 * `npm run bench -- noop`: an apply with nothing to do on the full cluster, beside the floor: five parallel
 * `ssh host true` with curve25519 and no connection sharing. Whole processes, interleaved, medians.
 */
import { interleaved } from './measure.ts';

const ROUNDS = 9;

/** All five at once; fails when one fails. */
const FLOOR = `
pids=
for host in m1 m2 m3 w1 w2; do
  ssh -F "$MCPK_LAB_SSH_CONFIG" -o KexAlgorithms=curve25519-sha256 -o ControlMaster=no "$host" true & pids="$pids $!"
done
for pid in $pids; do wait "$pid" || exit 1; done`;

export async function noop(): Promise<string[]> {
  const { floor, apply } = await interleaved(ROUNDS, {
    floor: ['sh', '-c', FLOOR],
    apply: ['mcpk', 'apply', '-i', 'inventories/lab.yaml', '--yes', '--json'],
  });
  if (!floor || !apply) throw new Error('nothing was measured');
  const ms = (value: number): string => `${(value * 1000).toFixed(0)} ms`;
  return [
    `five parallel ssh host true  ${ms(floor.median)} (${ms(floor.min)}–${ms(floor.max)})`,
    `apply with nothing to do     ${ms(apply.median)} (${ms(apply.min)}–${ms(apply.max)})`,
    `ratio                        ${(apply.median / floor.median).toFixed(2)} (medians of ${String(ROUNDS)}, interleaved)`,
  ];
}
