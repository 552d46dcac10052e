import { beforeAll, describe, expect, it } from 'vitest';
import type { History, PastRun } from '../../src/engine/past/past-types.ts';
import { cordon, uncordon } from '../../src/cluster/cordon.ts';
import type { Plan, RunResult } from '../../src/engine/types.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import { kubectl, mcpk, mcpkJson, on, overlay } from './support/mcpk.ts';
import { Running } from './support/running.ts';
import { startFrom } from './support/start-from.ts';

startFrom('ready', { leaves: 'ready' });

/** Three reloads, one after the other, each with its gate: long enough to step in. */
const ROLLING = 'haproxy: { maxconn: 4001 }\n';
const FIRST_FILE = /haproxy m\d: update file:\/etc\/haproxy\/haproxy.cfg, changed/;

describe('one run at a time', () => {
  let file = '';
  beforeAll(async () => {
    file = await overlay(ROLLING);
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
  });

  it('killed in the middle: plan says what was cut off, apply finishes it, history lists both', async () => {
    const cut = new Running(['apply', '--yes'], [file]);
    await cut.must(FIRST_FILE);
    expect(cut.kill('SIGKILL')).toBe(true);
    await cut.end();

    const plan = await mcpk(['plan'], [file]);
    expect(plan.stderr).toMatch(
      /m\d: run \S+ \(\S+@\S+, apply\) was cut off (in|after) haproxy.* \d+ s ago; apply finishes it/,
    );
    expect(plan.code).toBe(2);

    const again = await mcpk(['apply', '--yes', '--wait-lock', '30s'], [file]);
    expect(again.stderr).toMatch(/was cut off (in|after) haproxy.*; this run finishes it/);
    expect(again.code, again.stderr).toBe(0);

    const after = await mcpk(['plan'], [file]);
    expect(after.code).toBe(0);
    expect(after.stderr).not.toContain('cut off');

    const { runs } = await mcpkJson<History>(['history'], 0);
    const [killed, finished] = runs.slice(-2);
    expect(killed).toMatchObject({ command: 'apply', result: 'cut off' });
    expect(finished).toMatchObject({ command: 'apply', result: 'succeeded', exitCode: 0 });
    const shown = await mcpk(['history', killed?.run ?? '']);
    expect(shown.stdout).toMatch(/\d\d:\d\d:\d\d {2}haproxy\n {6}file:\/etc\/haproxy\/haproxy.cfg/);
    const whole = await mcpkJson<PastRun>(['history', finished?.run ?? ''], 0);
    expect(whole.hosts.flatMap((host) => host.entries).map((entry) => entry.event)).toEqual(
      expect.arrayContaining(['run', 'stage', 'begin', 'done', 'end', 'gate', 'result']),
    );
  });

  it('a second one is refused with who, where and since when, or waits for the first and runs then', async () => {
    const first = new Running(['apply', '--yes']);
    await first.must(FIRST_FILE);
    // A laptop that sleeps for a moment loses nothing; meanwhile the others come.
    first.kill('SIGSTOP');
    const waiting = new Running(['apply', '--yes', '--wait-lock', '2m']);
    try {
      const refused = await mcpk(['apply', '--yes']);
      expect([refused.code, refused.stderr]).toEqual([
        13,
        expect.stringMatching(/(all|m1.*): locked by \S+@\S+ pid \d+, apply since \d\d:\d\d:\d\d \(\d+ s\)/),
      ]);
      await waiting.must(/m1: waits up to 2 min for \S+@\S+ pid \d+, apply since \d\d:\d\d:\d\d/);
    } finally {
      first.kill('SIGCONT');
    }
    expect([(await first.end()).code, (await waiting.end()).code]).toEqual([0, 0]);
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
  });

  it('of two that start together one runs; the other says who, or comes after it', async () => {
    for (let round = 0; round < 3; round += 1) {
      const both = await Promise.all([mcpk(['apply', '--yes']), mcpk(['apply', '--yes'])]);
      const codes = both.map((said) => said.code);
      expect(codes).toContain(0);
      for (const said of both)
        if (said.code !== 0) expect([said.code, said.stderr]).toEqual([13, expect.stringContaining('locked by')]);
    }
  });
});

describe('a cordon', () => {
  const cluster = { apiServer: { port: 6443 } } as Cluster;
  const path = 'jsonpath={.spec.unschedulable} {.metadata.annotations.mcpk\\.io/cordoned-by}';
  const seen = (): Promise<string> => kubectl('get', 'node', 'w1', '-o', path);

  it('that a killed run left is lifted by the next one', async () => {
    await on('m1', ...cordon(cluster, 'm1', 'w1'));
    expect(await seen()).toBe('true mcpk');
    const plan = await mcpkJson<Plan>(['plan'], 2);
    expect(plan.stages.flatMap(({ steps }) => steps.map(({ title }) => title))).toEqual(['uncordon w1']);
    expect((await mcpkJson<RunResult>(['apply', '--yes'], 0)).changed).toBe(1);
    expect(await seen()).toBe(' ');
    expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
  });

  it('of an operator is lifted by none', async () => {
    await kubectl('cordon', 'w1');
    try {
      await on('m1', ...cordon(cluster, 'm1', 'w1'));
      await on('m1', ...uncordon(cluster, 'm1', 'w1'));
      expect(await seen()).toBe('true ');
      expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
    } finally {
      await kubectl('uncordon', 'w1');
    }
  });
});
