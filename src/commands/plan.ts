import { Flags } from '@oclif/core';
import { checkPlace, replaceFile } from '../core/private-file.ts';
import type { Event, Plan as PlanData } from '../engine/types.ts';
import { duration } from '../report/figures.ts';
import { renderPlanMarkdown } from '../report/plan-markdown.ts';
import { renderPlan } from '../report/plan-text.ts';
import { BaseCommand } from './shared/base-command.ts';
import type { Ending } from './shared/exit-codes.ts';
import { commandLine, MEANT_BY, REACHED_BY } from './shared/command-line.ts';
import { engineInput } from './shared/engine-input.ts';
import { fetchFlags, outFile, reportFlags, runFlags, snapshotFlags, summaryFlags } from './shared/flags.ts';

export default class Plan extends BaseCommand<typeof Plan> {
  static override readonly summary = 'Show what apply would change, and why; nothing is changed.';
  static override readonly description =
    'Reads every host, compares it with the inventory and prints each difference: files as unified diffs, units, packages, binaries, certificates, removals, the restarts that follow and their order. What is new on hosts that have nothing of mcpk yet is summed up. --out keeps the plan, for apply --plan to do just that. Exit 0: nothing to do; exit 2: changes pending; exit 18: apply would refuse it.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> -i lab.yaml',
    '<%= config.bin %> <%= command.id %> --limit "role:worker and not w2" --only nodes',
    '<%= config.bin %> <%= command.id %> --out tonight.json\n<%= config.bin %> apply --plan tonight.json',
    '<%= config.bin %> <%= command.id %> --json | jq .summary',
  ];
  static readonly endings: readonly Ending[] = ['pending', 'preflight'];
  static override readonly flags = {
    ...runFlags,
    ...fetchFlags,
    ...snapshotFlags,
    ...summaryFlags,
    ...reportFlags,
    out: Flags.string({
      char: 'o',
      summary: 'Write the plan here, for apply --plan and show --plan.',
      helpValue: 'FILE',
      parse: async (text) => outFile(text),
    }),
    markdown: Flags.string({
      summary: 'Write the plan here as Markdown for a comment on a pull request: diffs fold, at most 60 kB.',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<PlanData> {
    const cluster = await this.loadCluster();
    const { out, markdown } = this.flags;
    const { writePlan } = await import('../engine/plan/plan-file.ts');
    for (const file of [out, markdown]) if (file !== undefined) await checkPlace(file);
    const { planRun } = await import('../engine/runs/plan.ts');
    const view = await this.view();
    let ms = 0;
    const emit = (event: Event): void => {
      // The result on stdout says what the plan came to.
      if (event.type === 'planned') ms = event.ms;
      else view.emit(event);
    };
    const plan = await engineInput(cluster, this.flags, this.caller(emit), { artifacts: true })
      .then(planRun)
      .finally(() => view.end());
    if (out !== undefined) await writePlan(out, plan);
    if (markdown !== undefined) await replaceFile(markdown, renderPlanMarkdown(this.withoutHidden(plan)));
    this.print(
      renderPlan(plan, this.theme, {
        verbose: this.flags.verbose,
        summary: this.flags.summary,
        when: `read in ${duration(ms)}`,
        applyCommand:
          out === undefined
            ? commandLine('apply', this.flags, MEANT_BY)
            : commandLine('apply', { ...this.flags, inventory: undefined, plan: out }, [...REACHED_BY, 'plan']),
      }),
    );
    this.end(plan);
    return plan;
  }
}
