import { Args } from '@oclif/core';
import type { Plan, RunResult } from '../../engine/types.ts';
import type { Ending } from '../shared/exit-codes.ts';
import { changeFlags, connectionFlags, inventoryFlags, lockFlags } from '../shared/flags.ts';
import { NodeCommand } from '../shared/node-command.ts';

export default class Uncordon extends NodeCommand<typeof Uncordon> {
  static override readonly summary = 'Let new pods onto a node again.';
  static override readonly description = 'Lifts the cordon of a node, whoever laid it, asked of a master.';
  static override readonly examples = ['<%= config.bin %> <%= command.id %> w1'];
  static override readonly args = { node: Args.string({ description: 'Name of the node.', required: true }) };
  static readonly endings: readonly Ending[] = ['preflight', 'stage', 'refused'];
  static override readonly flags = {
    ...inventoryFlags,
    ...connectionFlags,
    ...lockFlags,
    yes: changeFlags.yes,
    ...NodeCommand.planOnlyFlags,
  };

  async run(): Promise<RunResult | Plan> {
    const { node: name } = this.args;
    const cluster = await this.loadCluster();
    const { uncordonNode } = await import('../../states/wishes/drain.ts');
    return this.onNode(cluster, uncordonNode(name), `Let new pods onto ${name}?`);
  }
}
