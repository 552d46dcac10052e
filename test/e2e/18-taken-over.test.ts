import { beforeAll, describe, expect, it } from 'vitest';
import { exec } from '../../lab/lab.ts';
import { ensureRelease, type Release } from '../../lab/release.ts';
import { changesOf, type Plan, type RunResult } from '../../src/engine/types.ts';
import { FULL } from '../support/tier.ts';
import { mcpk, mcpkJson, writeKubeconfig } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';
import { underLoad } from './support/under-load.ts';

/** 0.1.0 knew no network but the bridge in the lab. */
const OVERLAYS = ['inventories/lab-bridge.yaml'];

/** In the full tier: 0.1.0 is built from the history. */
describe.runIf(FULL)('a cluster of mcpk 0.1.0', () => {
  let old: Release;
  const oldMcpk = (...args: string[]): ReturnType<typeof exec> =>
    exec([...old.mcpk, ...args, '-i', 'inventories/lab.yaml'], { cwd: old.sources });

  startFrom('bare');
  beforeAll(async () => {
    old = await ensureRelease('0.1.0');
    const made = await oldMcpk('apply', '--yes', '--json');
    expect(made.code, made.stdout.slice(-3000) + made.stderr).toBe(0);
  });

  it('is planned: each change is said in words', async () => {
    const plan = await mcpkJson<Plan>(['plan'], 2, OVERLAYS);
    const changes = plan.stages.flatMap(({ hosts }) => hosts.flatMap(changesOf));
    expect(changes.length).toBeGreaterThan(0);
    for (const { ref, comparison } of changes) expect(comparison.reasons.join(), ref).toMatch(/[a-z]{3,}/);
    // Nothing but what is different: no quorum, authority or Node is made anew.
    expect(plan.stages.flatMap(({ hosts }) => hosts.flatMap(changesOf)).filter(isAuthority)).toEqual([]);
  });

  it('is rolled without a failed request, and then has nothing to do', async () => {
    await writeKubeconfig();
    const outcome = await underLoad(() => mcpkJson<RunResult>(['apply', '--yes'], 0, OVERLAYS));
    expect(outcome.failures).toEqual([]);
    expect(await mcpkJson<RunResult>(['apply', '--yes'], 0, OVERLAYS)).toMatchObject({ changed: 0, removed: 0 });
    const verified = await mcpk(['verify'], OVERLAYS);
    expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  });

  it('tells what 0.1.0 did: its journals are read', async () => {
    const { code, stdout, stderr } = await mcpk(['history'], OVERLAYS);
    expect(code, stderr).toBe(0);
    // The bring-up of 0.1.0, and what took it over.
    expect(stdout.match(/apply by root/g)).toHaveLength(2);
  });
});

function isAuthority({ ref }: { ref: string }): boolean {
  return /^sharedSecret:/.test(ref);
}
