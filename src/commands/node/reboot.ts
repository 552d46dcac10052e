import { Flags } from '@oclif/core';
import type { Plan, RunResult } from '../../engine/types.ts';
import type { Ending } from '../shared/exit-codes.ts';
import { bootFlags, BOOT_MS } from '../shared/flags.ts';
import { NodeCommand } from '../shared/node-command.ts';

export default class Reboot extends NodeCommand<typeof Reboot> {
  static override readonly summary = 'Reboot hosts in turn, drained and without the VIP.';
  static override readonly description =
    "In the batches of a rollout: masters one by one, then workers as rollout.workers says. Each node is cordoned and drained, etcd's leader and the VIP go elsewhere; then the host boots, is waited for, must pass the gates of all that runs on it, and gets pods again. Where there are others, never below etcd's quorum or the last API server (18); a cluster of one master is away while it boots. A host that is not back in time ends the run (16): it stays cordoned, and no other one is touched. What a run that was cut off left cordoned, the next `apply` or `node reboot` lets in again.";
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> w1',
    '<%= config.bin %> <%= command.id %> all --if-needed --yes',
    '<%= config.bin %> <%= command.id %> "role:worker and not w2"',
  ];
  static override readonly args = NodeCommand.hostsArgs;
  static readonly endings: readonly Ending[] = ['preflight', 'stage', 'gate', 'refused'];
  static override readonly flags = {
    ...NodeCommand.runningFlags,
    ...NodeCommand.planOnlyFlags,
    ...bootFlags,
    'if-needed': Flags.boolean({
      summary: 'Only hosts with /run/reboot-required, or with a newer kernel than the one that runs.',
    }),
  };

  protected override readonly repeated = ['if-needed'];

  async run(): Promise<RunResult | Plan> {
    const cluster = await this.loadCluster();
    const { 'if-needed': ifNeeded, 'boot-timeout': limitMs = BOOT_MS } = this.flags;
    const { rebootWish } = await import('../../states/wishes/reboot.ts');
    return this.wished(cluster, {
      wish: (among) => rebootWish({ among, ifNeeded, limit: limitMs / 1000 }),
      limit: this.args.expr,
      question: 'Reboot these hosts?',
    });
  }
}
