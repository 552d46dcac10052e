import type { FactsOfHosts } from '../cluster/facts.ts';
import type { McpkError } from '../core/errors.ts';
import { renderFacts } from '../report/facts-text.ts';
import { BaseCommand } from './shared/base-command.ts';
import { engineInput } from './shared/engine-input.ts';
import { hostFlags } from './shared/flags.ts';
import { withoutHidden } from './shared/hiding.ts';

export default class Facts extends BaseCommand<typeof Facts> {
  static override readonly summary = 'Show what the hosts tell about themselves.';
  static override readonly description =
    'One round trip to each host: system, addresses, memory, clock, the versions of what runs, what mcpk keeps there. With --json everything, in the form that render --facts reads. With --limit no other host is contacted; of the cluster as a whole only all masters and hosts of etcd together tell. A host that does not answer keeps the others from nothing; it is named, and the exit code is 11.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> --limit role:master',
    '<%= config.bin %> <%= command.id %> --json > facts.json',
  ];
  static override readonly flags = { ...hostFlags };

  async run(): Promise<FactsOfHosts & { errors: McpkError[] }> {
    const cluster = await this.loadCluster();
    const { factsOfHosts } = await import('../engine/runs/reading.ts');
    const view = await this.view();
    const input = await engineInput(cluster, this.flags, this.caller(view.emit), { artifacts: false });
    const { told: facts, errors } = await factsOfHosts(input).finally(() => view.end());
    const shown = withoutHidden(facts, cluster.hidden ?? []);
    this.print(renderFacts(shown, this.theme));
    this.endWithout(errors);
    return { ...shown, errors };
  }
}
