import { Args } from '@oclif/core';
import type { Plan, RunResult } from '../../engine/types.ts';
import type { Ending } from '../shared/exit-codes.ts';
import { NodeCommand } from '../shared/node-command.ts';

export default class Drain extends NodeCommand<typeof Drain> {
  static override readonly summary = 'Take the pods off a node, and keep new ones away.';
  static override readonly description =
    'Cordons the node and evicts its pods as their budgets allow, asked of a master: the node itself need not answer. The cordon is yours: no run lifts it, `node uncordon` does. Where a pod does not go within rollout.drain.timeout the node is as it was before (exit 15); with one that could never go nothing is begun (exit 18).';
  static override readonly examples = ['<%= config.bin %> <%= command.id %> w1'];
  static override readonly args = { node: Args.string({ description: 'Name of the node.', required: true }) };
  static readonly endings: readonly Ending[] = ['preflight', 'stage', 'refused'];
  static override readonly flags = { ...NodeCommand.runningFlags, ...NodeCommand.planOnlyFlags };

  async run(): Promise<RunResult | Plan> {
    const { node: name } = this.args;
    const cluster = await this.loadCluster();
    const { drainNode } = await import('../../states/wishes/drain.ts');
    return this.onNode(cluster, drainNode(name), `Drain ${name}?`);
  }
}
