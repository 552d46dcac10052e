import type { Facts as FactsData } from '../cluster/facts.ts';
import { renderFacts } from '../report/facts-text.ts';
import { BaseCommand } from './shared/base-command.ts';
import { engineInput } from './shared/engine-input.ts';
import { hostFlags } from './shared/flags.ts';
import { withoutHidden } from './shared/hiding.ts';

export default class Facts extends BaseCommand<typeof Facts> {
  static override readonly summary = 'Show what the hosts tell about themselves.';
  static override readonly description =
    'One round trip to each host: system, addresses, memory, clock, what mcpk keeps there. With --json everything, in the form that render --facts reads.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> --limit role:master',
    '<%= config.bin %> <%= command.id %> --json > facts.json',
  ];
  static override readonly flags = { ...hostFlags };

  async run(): Promise<FactsData> {
    const cluster = await this.loadCluster();
    const { gatherFacts } = await import('../engine/runs/reading.ts');
    const view = await this.view();
    const caller = { command: 'facts', version: this.config.version, signal: this.signal, emit: view.emit };
    const input = await engineInput(cluster, this.flags, caller, { artifacts: false });
    const facts = await gatherFacts(input).finally(() => view.end());
    const { limit } = input.selection;
    const wanted = limit ? { ...facts, hosts: new Map([...facts.hosts].filter(([name]) => limit.has(name))) } : facts;
    const shown = withoutHidden(wanted, cluster.hidden ?? []);
    this.print(renderFacts(shown, this.theme));
    return shown;
  }
}
