import { Args } from '@oclif/core';
import type { Plan, RunResult } from '../engine/types.ts';
import type { Ending } from './shared/exit-codes.ts';
import { commandLine, REACHED_BY } from './shared/command-line.ts';
import { changeFlags, hostFlags, lockFlags } from './shared/flags.ts';
import { RunningCommand } from './shared/running-command.ts';

export default class Rollback extends RunningCommand<typeof Rollback> {
  static override readonly summary = 'Put back what a run changed on hosts.';
  static override readonly description =
    'Files, links, units and values of the kernel as they were before that run, stage by stage, the last one first, in the batches and with the gates of apply. What can not be undone stays: packages, authorities, what commands did, objects in the API. The inventory still says what it said: plan shows what apply would do again. A rollback is a run itself, and can be rolled back. Exit 18: a later run changed the same, nothing is kept, or etcd has lost its quorum; 15, 16: it stopped in the middle.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> --limit m1',
    '<%= config.bin %> <%= command.id %> 20261122T113405Z-3f9a --limit role:worker --yes',
  ];
  static override readonly args = {
    run: Args.string({
      description: 'The run, or its last characters; by default the last one that changed these hosts.',
    }),
  };
  static readonly endings: readonly Ending[] = ['stage', 'gate', 'stale', 'rolledBack'];
  static override readonly flags = {
    ...hostFlags,
    ...lockFlags,
    ...changeFlags,
  };

  protected override readonly repeated = ['limit', 'skip-unreachable'];

  async run(): Promise<RunResult & { from: string }> {
    const cluster = await this.loadCluster();
    const { rollbackRun } = await import('../engine/runs/rollback.ts');
    const from = this.args.run === undefined ? {} : { from: this.args.run };
    const result = await this.carryOut(cluster, {
      run: (input) => {
        const confirm = (plan: Plan, run: string): Promise<boolean> =>
          input.confirm(plan, `Puts back what ${run} changed.`);
        return rollbackRun({ ...input, ...from, confirm });
      },
      artifacts: false,
      question: 'Put this back?',
      again: { command: 'rollback', words: [] },
    });
    const plan = commandLine('plan', this.flags, [...REACHED_BY, ...this.repeated]);
    if (result.status === 'succeeded')
      this.print(`What ${result.from} changed is undone; apply would do it again: ${plan}\n`);
    return result;
  }
}
