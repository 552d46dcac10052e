import { Flags } from '@oclif/core';
import type { Plan, RunResult } from '../../engine/types.ts';
import type { Ending } from '../shared/exit-codes.ts';
import { bootFlags, BOOT_MS } from '../shared/flags.ts';
import { NodeCommand } from '../shared/node-command.ts';

export default class UpgradePackages extends NodeCommand<typeof UpgradePackages> {
  static override readonly summary = 'Upgrade packages of the distribution on hosts in turn.';
  static override readonly description =
    "Has apt read its lists anew and tell what it would do, shows that for each host, asks, and does just that in the batches of a rollout, with the gates of all that runs there after each. Only what comes from the distribution's security archive, unless --all is given; nothing is taken off, and what is held (containerd, runc, haproxy, keepalived among it) stays. Pods stay where they are. With --reboot it goes on as `node reboot --if-needed` on these hosts, with a plan of its own.";
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> role:worker',
    '<%= config.bin %> <%= command.id %> all --reboot --yes',
  ];
  static override readonly args = NodeCommand.hostsArgs;
  static readonly endings: readonly Ending[] = ['preflight', 'stage', 'gate', 'refused'];
  static override readonly flags = {
    ...NodeCommand.runningFlags,
    ...NodeCommand.planOnlyFlags,
    ...bootFlags,
    all: Flags.boolean({ summary: 'All that is newer, from whatever archive.' }),
    reboot: Flags.boolean({ summary: 'Then reboot the hosts that need it.' }),
  };

  protected override readonly repeated = ['all', 'reboot'];

  async run(): Promise<RunResult | Plan> {
    const cluster = await this.loadCluster();
    const { all, reboot, 'boot-timeout': limitMs = BOOT_MS } = this.flags;
    const [{ upgradeWish }, { rebootWish }] = await Promise.all([
      import('../../states/wishes/upgrade-packages.ts'),
      import('../../states/wishes/reboot.ts'),
    ]);
    const how = { limit: this.args.expr };
    const upgraded = await this.wished(cluster, {
      ...how,
      wish: (among) => upgradeWish({ among, which: all ? 'all' : 'security' }),
      question: 'Upgrade these packages?',
    });
    if (!reboot || !('status' in upgraded) || upgraded.status !== 'succeeded') return upgraded;
    return this.wished(cluster, {
      ...how,
      wish: (among) => rebootWish({ among, ifNeeded: true, limit: limitMs / 1000 }),
      question: 'Reboot these hosts?',
    });
  }
}
