import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { readPlan } from '../../src/engine/plan/plan-file.ts';
import type { Plan } from '../../src/engine/types.ts';
import { planOnlyFlags } from '../../src/commands/shared/flags.ts';
import { RunningCommand } from '../../src/commands/shared/running-command.ts';
import { CHANGED_FLAG, NOTHING } from '../fixtures/plan.ts';
import { INVENTORY, inventory, loadedConfig, mcpk, scratch } from './support.ts';

/** Plans what it is told. */
class Planning extends RunningCommand<typeof Planning> {
  static override readonly flags = { ...RunningCommand.runningFlags, ...planOnlyFlags };
  plan: Plan = NOTHING;

  async planned(): Promise<Plan> {
    await this.init();
    return this.run().finally(() => this.finally(undefined));
  }

  async run(): Promise<Plan> {
    const cluster = await this.loadCluster();
    return this.planOnly(cluster, { artifacts: false, plan: () => Promise.resolve(this.plan), lead: 'first this' });
  }
}

it.each<[string, Plan, number]>([
  ['changes', CHANGED_FLAG, 2],
  ['nothing', NOTHING, 0],
  [
    'what is refused',
    {
      ...CHANGED_FLAG,
      refused: [{ stage: 'etcd', hosts: ['m1'], title: 't', wrong: 'w', consequence: 'c' }],
    },
    18,
  ],
])('--plan-only of %s is shown, kept with its command, and ends as plan does', async (_what, plan, code) => {
  const file = join(await scratch(), 'plan.json');
  const inventoryFile = await inventory();
  const words = ['-i', inventoryFile, '--plan-only', '--out', file];
  const command = new Planning(words, await loadedConfig());
  command.plan = plan;
  command.id = 'node:reboot';
  const said = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const before = process.exitCode;
  try {
    const again = `mcpk node reboot -i ${inventoryFile}`;
    expect(await command.planned()).toEqual({ ...plan, command: again });
    expect(process.exitCode).toBe(code);
    const text = said.mock.calls.map(([part]) => String(part)).join('');
    expect(text).toMatch(/^first this\n\n/);
    expect(text.includes(`Apply with: ${again}`)).toBe(code === 2);
    expect(await readPlan(file)).toEqual({ ...plan, command: again });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  } finally {
    process.exitCode = before;
    said.mockRestore();
  }
});

it.each([['drain'], ['uncordon'], ['reboot'], ['upgrade-packages'], ['remove']])(
  'node %s has it, asks nobody and writes no inventory',
  async (name) => {
    const file = await inventory();
    // No host is there to be asked.
    const said = await mcpk(['node', name, 'm3', '--plan-only', '-i', file]);
    expect([said.code, said.stderr]).toEqual([11, expect.not.stringContaining('[y/N]')]);
    expect(await readFile(file, 'utf8')).toBe(INVENTORY);
    expect((await mcpk(['node', name, 'm3', '--out', 'x', '-i', file])).code).toBe(64);
  },
);
