import { Args, Flags } from '@oclif/core';
import type { Plan, RunResult } from '../engine/types.ts';
import { renderErrors } from '../report/error-text.ts';
import { renderPlan } from '../report/plan-text.ts';
import { renderSummary } from '../report/summary-text.ts';
import type { View } from '../report/view.ts';
import { BaseCommand } from './shared/base-command.ts';
import { commandLine } from './shared/command-line.ts';
import { confirm } from './shared/confirm.ts';
import { engineInput } from './shared/engine-input.ts';
import { hostFlags, lockFlags } from './shared/flags.ts';

const REPEATED = ['inventory', 'env', 'limit', 'skip-unreachable'];

export default class Rollback extends BaseCommand<typeof Rollback> {
  static override readonly summary = 'Put back what a run changed on hosts.';
  static override readonly description =
    'Files, links, units and values of the kernel as they were before that run, stage by stage, the last one first, in the batches and with the gates of apply. What can not be undone stays: packages, authorities, what commands did, objects in the API. The inventory still says what it said: plan shows what apply would do again. A rollback is a run itself, and can be rolled back. Exit 18: a later run changed the same, nothing is kept, or etcd has lost its quorum; 15, 16: it stopped in the middle.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> --limit m1',
    '<%= config.bin %> <%= command.id %> 20261122T113405Z-3f9a --limit role:worker --yes',
  ];
  static override readonly args = {
    run: Args.string({ description: 'The run; by default the last one that changed these hosts.' }),
  };
  static override readonly flags = {
    ...hostFlags,
    ...lockFlags,
    'force-unsafe': Flags.boolean({
      summary: 'Take down what should stay up: a member of the quorum, the last API server. What comes of it is said.',
    }),
    yes: Flags.boolean({ char: 'y', summary: 'Do not ask.' }),
  };

  async run(): Promise<RunResult & { from: string }> {
    const cluster = await this.loadCluster();
    const { rollbackRun } = await import('../engine/runs/rollback.ts');
    const view = await this.view();
    const caller = { command: 'rollback', version: this.config.version, signal: this.signal, emit: view.emit };
    const from = this.args.run === undefined ? {} : { from: this.args.run };
    const agree = {
      forceUnsafe: this.flags['force-unsafe'],
      confirm: (plan: Plan, run: string): Promise<boolean> => this.confirm(plan, run, view),
    };
    const result = await engineInput(cluster, this.flags, caller, { artifacts: false })
      .then((input) => rollbackRun({ ...input, ...from, ...agree }))
      .then((ended) => this.told(ended))
      .finally(() => view.end());
    this.note(renderErrors(result.errors, this.progressTheme()));
    const again = commandLine('rollback', this.flags, REPEATED);
    this.print(renderSummary(result, this.theme, { again }));
    const plan = commandLine('plan', this.flags, REPEATED);
    if (result.status === 'succeeded')
      this.print(`What ${result.from} changed is undone; apply would do it again: ${plan}\n`);
    this.end(result);
    return result;
  }

  private async confirm(plan: Plan, run: string, view: View): Promise<boolean> {
    view.pause();
    this.note(`Puts back what ${run} changed.\n\n${renderPlan(plan, this.progressTheme(), { verbose: false })}\n`);
    const asks = process.stdin.isTTY && process.stderr.isTTY && !this.jsonEnabled() && !this.flags.yes;
    const answer = !asks || (await confirm('Put this back?', this.signal));
    view.resume();
    return answer;
  }
}
