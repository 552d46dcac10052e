import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writePlan } from '../../src/engine/plan/plan-file.ts';
import { renderPlan } from '../../src/report/plan-text.ts';
import { PLAIN } from '../../src/report/theme.ts';
import { CHANGED_FLAG } from '../fixtures/plan.ts';
import { mcpk, scratch } from './support.ts';

async function kept(more: object = {}): Promise<string> {
  const file = join(await scratch(), 'plan.json');
  await writePlan(file, { ...CHANGED_FLAG, ...more });
  return file;
}

describe('show --plan', () => {
  it('prints a plan as plan did, and what to do with it', async () => {
    const file = await kept();
    const said = await mcpk(['show', '--plan', file]);
    expect([said.code, said.stderr]).toEqual([0, '']);
    const when = 'made 2026-11-22T11:34:05.000Z';
    expect(said.stdout).toBe(
      renderPlan(CHANGED_FLAG, PLAIN, { verbose: false, when, applyCommand: `mcpk apply --plan ${file}` }),
    );
  });

  it('is a summary when asked, and not of everything at once', async () => {
    const file = await kept();
    const said = await mcpk(['show', '--plan', file, '--summary']);
    expect([said.code, said.stdout]).toEqual([
      0,
      expect.stringContaining('  ~ update   /etc/kubernetes/kube-apiserver.env\n'),
    ]);
    expect(said.stdout).not.toContain('audit-log-maxage');
    expect((await mcpk(['show', '--plan', file, '--summary', '--verbose'])).code).toBe(64);
  });

  it('is the plan itself as JSON', async () => {
    const said = await mcpk(['show', '--plan', await kept(), '--json']);
    expect(JSON.parse(said.stdout)).toEqual(CHANGED_FLAG);
  });
});

describe('a plan of another command than apply', () => {
  const command = 'mcpk node reboot w1';
  it('is shown with that command, and not applied', async () => {
    const file = await kept({ command });
    expect((await mcpk(['show', '--plan', file])).stdout).toContain(`Apply with: ${command}\n`);
    const applied = await mcpk(['apply', '--plan', file, '--yes']);
    expect([applied.code, applied.stdout]).toEqual([64, '']);
    expect(applied.stderr).toContain(`It plans anew, and asks: ${command}`);
  });
});

describe('a plan that cannot be used', () => {
  it.each([
    ['apply', '--limit', 'm1'],
    ['apply', '--only', 'etcd'],
    ['apply', '--skip', 'etcd'],
    ['apply', '--snapshot', '/b', '--no-snapshot'],
    ['show', '--limit', 'm1'],
    ['show', '--inventory', 'mcpk.yaml'],
    ['show', 'm1'],
  ])('%s --plan with %s is wrong usage', async (command, ...more) => {
    const said = await mcpk([command, '--plan', await kept(), ...more]);
    expect([said.code, said.stdout]).toEqual([64, '']);
  });

  it.each(['apply', 'show'])(
    '%s --plan of a file that holds none says where it is wrong, and exits 10',
    async (word) => {
      const file = join(await scratch(), 'plan.json');
      await writeFile(file, '{"kind": "Plan"}');
      const said = await mcpk([word, '--plan', file]);
      expect([said.code, said.stdout]).toEqual([10, '']);
      expect(said.stderr).toContain(`${file} is not a plan of mcpk`);
      expect(said.stderr).toContain('/apiVersion: is missing');
    },
  );

  it('apply --plan takes the inventory that the plan names, unless one is given', async () => {
    const plan = await kept({ inventory: { files: ['/nowhere/named.yaml'], sha256: 'f' } });
    const named = await mcpk(['apply', '--plan', plan]);
    expect(named.stderr).toMatch(/^Inventory, as the plan names it: \/nowhere\/named\.yaml$/m);
    expect((await mcpk(['apply', '--plan', plan, '-i', '/nowhere/given.yaml'])).stderr).toContain(
      '/nowhere/given.yaml',
    );
  });
});
