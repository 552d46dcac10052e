import { mkdtemp, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { exec } from '../../lab/lab.ts';
import { CLONE } from '../../lab/paths.ts';
import type { Plan } from '../../src/engine/types.ts';
import { mcpk, mcpkJson, on, overlay, unitStarts, type Said } from './support/mcpk.ts';
import { startFrom } from './support/start-from.ts';

startFrom('ready', { leaves: 'ready' });

/** No unit starts again for it. */
const FILE = '/etc/modules-load.d/mcpk.conf';
const TITLE = `file:${FILE}`;

/** Without `-i`: the inventory is the plan's. */
const bare = (...args: string[]): Promise<Said> => exec(['mcpk', ...args], { cwd: CLONE });
const append = (text: string): Promise<string> => on('m1', 'sh', '-c', 'printf "%s\\n" "$1" >> "$2"', 'sh', text, FILE);
const sums = (): Promise<string> => on('m1', 'sha256sum', FILE);

async function planFile(): Promise<string> {
  return join(await mkdtemp(join(tmpdir(), 'mcpk-e2e-')), 'plan.json');
}

/** Plans into a file; the exit code must be the given one. */
async function keep(code: number, overlays: readonly string[] = []): Promise<{ file: string; said: Said }> {
  const file = await planFile();
  const said = await mcpk(['plan', '--out', file], overlays);
  expect(said.code, said.stdout + said.stderr).toBe(code);
  return { file, said };
}

afterAll(async () => {
  expect((await mcpkJson<Plan>(['plan'], 0)).summary.changes).toBe(0);
});

describe('a plan that was kept', () => {
  it('of a cluster that is as wanted has nothing to do', async () => {
    const { file } = await keep(0);
    const said = await bare('apply', '--plan', file);
    expect(said.code, said.stdout + said.stderr).toBe(0);
    expect(said.stdout).toContain('Nothing was to be done');
  });

  it('is carried out when the hosts are as it saw them, once; else nothing is changed', async () => {
    const before = await unitStarts();
    const wanted = await sums();
    await append('# by hand');
    const seen = await sums();
    const { file, said } = await keep(2);
    expect((await stat(file)).mode & 0o777).toBe(0o600);

    const shown = await bare('show', '--plan', file);
    expect(shown.stdout.split('\n').slice(1)).toEqual(said.stdout.split('\n').slice(1));

    await append('# and again');
    const edited = await sums();
    const stale = await bare('apply', '--plan', file, '--yes');
    expect([stale.code, stale.stdout]).toEqual([17, '']);
    expect(stale.stderr).toContain(`m1 ${TITLE}: is not as it was seen`);
    expect(await sums()).toBe(edited);

    await on('m1', 'sed', '-i', '$d', FILE);
    expect(await sums()).toBe(seen);
    const done = await bare('apply', '--plan', file, '--yes');
    expect(done.code, done.stdout + done.stderr).toBe(0);
    expect(done.stdout).toContain('changed=1');
    expect(await sums()).toBe(wanted);

    const again = await bare('apply', '--plan', file, '--yes');
    expect(again.code).toBe(17);
    expect(again.stderr).toContain('done already');
    expect(await unitStarts()).toEqual(before);
  });

  it('is not carried out for another inventory', async () => {
    const { file } = await keep(0);
    const said = await mcpk(['apply', '--plan', file, '--yes'], [await overlay('haproxy: {maxconn: 3999}\n')]);
    expect([said.code, said.stdout]).toEqual([17, '']);
    expect(said.stderr).toContain('the inventory is another one');
  });
});

describe('with a member of etcd down', () => {
  const changed = (): Promise<string> => overlay('etcd: {quotaBytes: 8589934591}\n');

  it('it is the first to be restarted, and nobody else may be instead of it', async () => {
    const overlays = [await changed()];
    await on('m2', 'systemctl', 'stop', 'etcd.service');
    try {
      const plan = await mcpkJson<Plan>(['plan'], 2, overlays);
      expect(plan.stages.find((stage) => stage.name === 'etcd')?.batches[0]).toEqual(['m2']);
      expect(plan.refused).toEqual([]);
      expect(plan.actions.filter((action) => action.unit === 'etcd.service').map(({ verb }) => verb)).toEqual([
        'start',
        'restart',
        'restart',
      ]);

      const before = await unitStarts(['m1', 'm3']);
      const refused = await mcpk(['apply', '--yes', '--limit', 'm3'], overlays);
      expect([refused.code, refused.stdout]).toEqual([18, '']);
      expect(refused.stderr).toMatch(/m2 is not healthy .*1 of 3 members would stay, a quorum is 2/s);
      expect(refused.stderr).toContain('--force-unsafe');
      expect(await unitStarts(['m1', 'm3'])).toEqual(before);
    } finally {
      const mended = await mcpk(['apply', '--yes']);
      expect(mended.code, mended.stdout + mended.stderr).toBe(0);
    }
  });
});
