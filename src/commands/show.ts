import { Args, Flags } from '@oclif/core';
import { McpkError } from '../core/errors.ts';
import { API } from '../core/places.ts';
import type { Plan, StateTree } from '../engine/types.ts';
import { noHost } from '../inventory/targeting.ts';
import { renderPlan } from '../report/plan-text.ts';
import { renderStates } from '../report/states-text.ts';
import { clean } from '../report/theme.ts';
import { BaseCommand } from './shared/base-command.ts';
import { commandLine } from './shared/command-line.ts';
import { engineInput } from './shared/engine-input.ts';
import { fetchFlags, runFlags, summaryFlags } from './shared/flags.ts';

export default class Show extends BaseCommand<typeof Show> {
  static override readonly summary = 'Show the compiled states of hosts, or a plan that was kept.';
  static override readonly description =
    'What the inventory and the facts come to: each file, unit, package and setting of a host, in the order in which they converge. --verbose shows every value; secrets show their name only. The hosts are asked for their facts; without them, mcpk render writes what their files would be. Binaries are not fetched: those that are not there have no sum yet. With --plan it prints a plan as plan did, contacting no host.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> m1',
    '<%= config.bin %> <%= command.id %> m1 --only etcd --verbose',
    '<%= config.bin %> <%= command.id %> --plan tonight.json',
    '<%= config.bin %> <%= command.id %> --json | jq ".stages[].name"',
  ];
  static override readonly args = { host: Args.string({ description: 'Name of one host; all of them without it.' }) };
  static override readonly flags = {
    ...runFlags,
    ...fetchFlags,
    ...summaryFlags,
    plan: Flags.string({
      char: 'p',
      summary: 'Show this plan of plan --out.',
      helpValue: 'FILE',
      exclusive: ['inventory', 'limit', 'only', 'skip'],
    }),
  };

  async run(): Promise<StateTree | Plan> {
    return this.flags.plan === undefined ? this.showStates() : this.showPlan(this.flags.plan);
  }

  private async showPlan(file: string): Promise<Plan> {
    if (this.args.host !== undefined)
      throw new McpkError('usage', 'a plan is shown as a whole, not for one host', { hint: 'Leave the host out.' });
    const { readPlan } = await import('../engine/plan/plan-file.ts');
    const plan = await readPlan(file);
    const applyCommand =
      plan.command === undefined ? commandLine('apply', { plan: file }, ['plan']) : clean(plan.command);
    this.print(
      renderPlan(plan, this.theme, {
        verbose: this.flags.verbose,
        summary: this.flags.summary,
        when: `made ${plan.created}`,
        applyCommand,
      }),
    );
    return plan;
  }

  private async showStates(): Promise<StateTree> {
    const cluster = await this.loadCluster();
    const { host } = this.args;
    const known = cluster.hosts.map((each) => each.name);
    if (host !== undefined && host !== API && !known.includes(host))
      throw noHost(host, { cluster, hosts: cluster.hosts });
    const [{ compileStates }, { isNamed }, { ref }] = await Promise.all([
      import('../engine/runs/reading.ts'),
      import('../engine/plan/named-stages.ts'),
      import('../resources/kinds.ts'),
    ]);
    const view = await this.view();
    const input = await engineInput(cluster, this.flags, this.caller(view.emit), { artifacts: 'named' });
    // Of the API alone a host tells nothing.
    const asked =
      host === undefined || host === API ? input : { ...input, stages: input.stages.filter(({ api }) => !api) };
    const { tree, errors } = await compileStates(asked).finally(() => view.end());
    const { limit } = input.selection;
    const hosts = [...known, API].filter((name) => (host === undefined ? (limit?.has(name) ?? true) : name === host));
    const stages = tree.stages
      .filter(({ name }) => isNamed(name, input.selection))
      .map((stage) => ({ ...stage, hosts: stage.hosts.filter((states) => hosts.includes(states.host)) }));
    const shown = { hosts, stages };
    const ofApi = new Set(input.stages.flatMap(({ name, api }) => (api ? [name] : [])));
    this.print(renderStates(shown, this.theme, { hosts, verbose: this.flags.verbose, ofApi, ref }));
    this.endWithout(errors);
    return shown;
  }
}
