import { Flags } from '@oclif/core';
import { checkPlace } from '../core/private-file.ts';
import type { Plan, RunResult } from '../engine/types.ts';
import { renderPlan } from '../report/plan-text.ts';
import { clean } from '../report/theme.ts';
import { renderSummary } from '../report/summary-text.ts';
import type { View } from '../report/view.ts';
import { BaseCommand } from './shared/base-command.ts';
import type { Ending } from './shared/exit-codes.ts';
import { commandLine, MEANT_BY, REACHED_BY } from './shared/command-line.ts';
import { askOver, mayAsk } from './shared/confirm.ts';
import { engineInput } from './shared/engine-input.ts';
import { changeFlags, fetchFlags, lockFlags, reportFlags, runFlags, snapshotFlags, waitFlags } from './shared/flags.ts';
import { startRecord } from './shared/run-record.ts';
import { savedPlan } from './shared/saved-plan.ts';

export default class Apply extends BaseCommand<typeof Apply> {
  static override readonly summary = 'Bring the hosts to what the inventory says.';
  static override readonly description =
    'Plans, then changes what differs, stage by stage, and checks after each batch that the cluster serves. Run again it changes nothing; after a failure it goes on where it stopped. On a terminal it shows the plan and asks before it changes anything, unless --yes is given; where standard input is no terminal it goes on without asking, as with --yes: look at mcpk plan before. With --plan it does just what a plan that was kept says: when a host or the inventory is not as it was then, it changes nothing and exits 17.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> -i lab.yaml',
    '<%= config.bin %> <%= command.id %> --limit w3 --yes',
    '<%= config.bin %> <%= command.id %> --plan tonight.json',
    '<%= config.bin %> <%= command.id %> --yes --json > result.json',
  ];
  static readonly endings: readonly Ending[] = ['preflight', 'stage', 'gate', 'stale', 'rolledBack'];
  static override readonly flags = {
    ...runFlags,
    ...fetchFlags,
    ...snapshotFlags,
    ...lockFlags,
    ...waitFlags,
    ...changeFlags,
    ...reportFlags,
    plan: Flags.string({
      char: 'p',
      summary: 'Do what this plan of plan --out says, or nothing; its inventory is taken unless -i is given.',
      helpValue: 'FILE',
      exclusive: ['limit', 'only', 'skip'],
    }),
    'no-rollback': Flags.boolean({
      summary: 'Leave a host whose gate fails after a change as it is, to look at it; without it, it goes back.',
    }),
    timeline: Flags.string({
      summary: 'Draw the run as a page of its own: what took how long, where.',
      helpValue: 'FILE',
    }),
    profile: Flags.boolean({ summary: 'Print the ten longest waits at the end.' }),
  };

  async run(): Promise<RunResult> {
    const { plan: kept, inventory, timeline, snapshot } = this.flags;
    const asks = mayAsk({ yes: this.flags.yes, json: this.jsonEnabled() });
    if (timeline !== undefined) await checkPlace(timeline);
    const ofPlan = snapshot === undefined && !this.flags['no-snapshot'];
    const saved = kept === undefined ? undefined : await savedPlan(kept, inventory);
    // Whoever made the plan chose it: what is applied shall be seen.
    if (saved && inventory === undefined)
      this.note(`Inventory, as the plan names it: ${saved.flags.inventory.map(clean).join(', ')}\n`);
    const cluster = await this.loadCluster(saved?.flags);
    if (snapshot !== undefined) {
      const { bundleFile } = await import('../engine/runs/etcd-snapshot.ts');
      await bundleFile(snapshot, cluster.name, new Date());
    }
    const { applyRun } = await import('../engine/runs/apply.ts');
    const view = await this.view();
    const record = timeline !== undefined || this.flags.profile ? await startRecord(view.emit) : undefined;
    const emit = record?.emit ?? view.emit;
    const more = {
      ...saved?.input,
      ...(saved && ofPlan ? { snapshot: saved.input.saved.snapshot?.into } : {}),
      forceUnsafe: this.flags['force-unsafe'],
      confirm: async (plan: Plan): Promise<boolean> => !asks || this.confirm(plan, view),
    };
    const result = await engineInput(cluster, this.flags, this.caller(emit), { artifacts: true })
      .then((input) => applyRun({ ...input, ...more }))
      .then((ended) => this.told(ended))
      .finally(() => view.end())
      .finally(() => (timeline === undefined ? undefined : record?.write(timeline)));
    this.noteErrors(result.errors);
    const again = commandLine('apply', { ...this.flags, ...saved?.flags }, MEANT_BY);
    const verify = commandLine('verify', { ...this.flags, ...saved?.flags }, REACHED_BY);
    this.print(renderSummary(result, this.theme, { again, verify }));
    if (this.flags.profile) this.note(record?.waits() ?? '');
    this.end(result);
    return result;
  }

  protected confirm(plan: Plan, view: View): Promise<boolean> {
    const text = renderPlan(plan, this.progressTheme(), { verbose: this.flags.verbose });
    const question = plan.etcd === 'formed' ? 'Apply this to the running cluster?' : 'Apply this?';
    return askOver(view, { asks: true, show: () => this.note(`${text}\n`), question, signal: this.signal });
  }
}
