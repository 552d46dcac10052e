import { describe, expect, it } from 'vitest';
import type { Plan, RunResult } from '../../src/engine/types.ts';
import { mcpkJson, on, overlay, unitStarts } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';
import { underLoad } from './support/under-load.ts';

startFrom('ready', { leaves: 'ready' });

describe('a changed flag of the API server', () => {
  it('rolls through the masters one at a time, and no request at the VIP fails', async () => {
    const changed = await overlay('apiServer: {audit: {maxAge: 31}}\n');
    const plan = await mcpkJson<Plan>(['plan'], 2, [changed]);
    const stage = plan.stages.find((each) => each.name === 'api-server');
    expect(stage?.batches.map((batch) => batch.length)).toEqual([1, 1, 1]);
    expect(plan.summary.restarts).toBe(3);
    const before = await unitStarts();
    const outcome = await underLoad(() => mcpkJson<RunResult>(['apply', '--yes'], 0, [changed]));
    expect(outcome.failures).toEqual([]);
    expect(outcome.turnedAway, 'one at most for each API server that stops').toBeLessThanOrEqual(3);
    expect(outcome.requests).toBeGreaterThan(100);
    expect(outcome.slow).toBeLessThan(outcome.requests / 10);
    expect(outcome.watchEvents).toBeGreaterThan(20);
    const after = await unitStarts();
    const restarted = Object.keys(after).filter((unit) => after[unit] !== before[unit]);
    expect(restarted.toSorted()).toEqual([
      'm1 kube-apiserver.service',
      'm2 kube-apiserver.service',
      'm3 kube-apiserver.service',
    ]);
    expect(await on('m3', 'sh', '-c', "tr '\\0' '\\n' < /proc/$(pidof kube-apiserver)/cmdline")).toContain(
      '--audit-log-maxage=31',
    );
  });

  it('taken out of the inventory, it rolls back to the default, and then nothing is left to do', async () => {
    await mcpkJson<RunResult>(['apply', '--yes'], 0);
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
  });
});
