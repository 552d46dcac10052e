import { describe, expect, it } from 'vitest';
import { DEFAULT_VERSIONS } from '../../lab/versions.ts';
import type { Plan, RunResult } from '../../src/engine/types.ts';
import { FULL } from '../support/tier.ts';
import { boundariesOf, killedAfter, LOCK_FREE, moments } from './support/killing.ts';
import { kubectl, mcpk, mcpkJson, NODES } from './support/mcpk.ts';
import { Running } from './support/running.ts';
import { startFrom } from './support/start-from.ts';

const APPLY = ['apply', '--yes', '--no-snapshot', ...LOCK_FREE];

/** The upgrade has ended: nobody stays cordoned, and nothing is owed. */
async function upgraded(): Promise<void> {
  const path = '{range .items[*]}{.status.nodeInfo.kubeletVersion} {.spec.unschedulable}{"\\n"}{end}';
  const nodes = (await kubectl('get', 'nodes', '-o', `jsonpath=${path}`)).trim().split('\n');
  expect(nodes.map((line) => line.trim())).toEqual(NODES.map(() => `v${DEFAULT_VERSIONS.kubernetes}`));
  expect(await mcpkJson<RunResult>(['apply', '--yes'], 0)).toMatchObject({ changed: 0 });
  expect((await mcpk(['verify'])).code).toBe(0);
}

describe.runIf(FULL)('an upgrade that is killed at each boundary in turn', () => {
  startFrom('before', { leaves: 'ready' });

  it('is ended by the runs that come: nobody stays cordoned', async () => {
    const plan = await mcpkJson<Plan>(['plan'], 2);
    const left = new Set(plan.stages.flatMap(boundariesOf));
    const many = left.size;
    let kills = 0;
    for (;;) {
      const run = new Running(APPLY);
      const met = await run.said((line) => [...left].some((title) => line.includes(title)));
      const killed = met !== undefined && run.kill('SIGKILL');
      const { code, stderr } = await run.end();
      for (const title of left) if (stderr.includes(title)) left.delete(title);
      if (killed && code !== 0) {
        kills += 1;
        continue;
      }
      expect(code, stderr).toBe(0);
      break;
    }
    // Several end at once, or had ended when the kill came.
    expect(kills).toBeGreaterThan(many / 4);
    await upgraded();
  });
});

describe.runIf(FULL)('an upgrade that is killed at ten random moments', () => {
  startFrom('before', { leaves: 'ready' });

  it('is ended by the next apply: nobody stays cordoned', async () => {
    for (const ms of moments(10, 20_000)) await killedAfter(ms, [], APPLY);
    await mcpkJson<RunResult>(APPLY, 0);
    await upgraded();
  });
});
