import { Args, Flags } from '@oclif/core';
import type { History as HistoryData, PastRun } from '../engine/past/past-types.ts';
import { renderHistory, renderPastRun } from '../report/history-text.ts';
import { BaseCommand } from './shared/base-command.ts';
import { engineInput } from './shared/engine-input.ts';
import { hostFlags } from './shared/flags.ts';

const LATEST = 20;

export default class History extends BaseCommand<typeof History> {
  static override readonly summary = 'List the runs that changed the hosts, or show one.';
  static override readonly description =
    'Reads the journals that the hosts keep: when, by whom, what changed, how it ended, the runs that were cut off too. With a run, all that it did, host by host and in order. A host that does not answer is named and left out.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> -i lab.yaml',
    '<%= config.bin %> <%= command.id %> 20261122T140211Z-3f9a',
    '<%= config.bin %> <%= command.id %> 3f9a --verbose',
    '<%= config.bin %> <%= command.id %> --all --json | jq -r ".runs[] | select(.result != \\"succeeded\\") | .run"',
  ];
  static override readonly args = {
    run: Args.string({ description: 'A run, or its last characters; a list of all runs without it.' }),
  };
  static override readonly flags = {
    ...hostFlags,
    all: Flags.boolean({ summary: `All that the journals know, not only the latest ${LATEST} runs.` }),
  };

  async run(): Promise<HistoryData | PastRun> {
    const cluster = await this.loadCluster();
    const { pastRun, readHistory } = await import('../engine/runs/history.ts');
    const view = await this.view();
    const history = await engineInput(cluster, this.flags, this.caller(view.emit), { artifacts: false })
      .then(readHistory)
      .finally(() => view.end());
    const { run: wanted } = this.args;
    const now = new Date();
    if (wanted !== undefined) {
      const run = pastRun(history, wanted);
      this.print(renderPastRun(run, this.theme, { verbose: this.flags.verbose, now }));
      return run;
    }
    const runs = this.flags.all ? history.runs : history.runs.slice(-LATEST);
    const earlier = history.runs.length - runs.length;
    if (earlier > 0) this.note(`${earlier} earlier: --all lists them too.\n`);
    this.print(renderHistory(runs, this.theme, now));
    return { ...history, runs };
  }
}
