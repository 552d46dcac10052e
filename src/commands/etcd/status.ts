import type { EtcdReport } from '../../cluster/facts.ts';
import { renderEtcd } from '../../report/etcd-text.ts';
import { BaseCommand } from '../shared/base-command.ts';
import { engineInput } from '../shared/engine-input.ts';
import type { Ending } from '../shared/exit-codes.ts';
import { connectionFlags, inventoryFlags } from '../shared/flags.ts';

export default class Status extends BaseCommand<typeof Status> {
  static override readonly summary = "Show etcd's members.";
  static override readonly description =
    'One round trip to each host of a member: who leads, versions, the size of the database and what of it is in use, alarms, how far a member is behind, and the newest bundle that etcd.backup has made there. A host that is not reached is a member that is not healthy. Exit 16 when no member answers.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> -i lab.yaml',
    '<%= config.bin %> <%= command.id %> --json | jq ".members[] | {name, inUseBytes, backup}"',
  ];
  static readonly endings: readonly Ending[] = ['gate'];
  static override readonly flags = { ...inventoryFlags, ...connectionFlags };

  async run(): Promise<EtcdReport> {
    const cluster = await this.loadCluster();
    const { etcdStatus } = await import('../../engine/runs/etcd-status.ts');
    const view = await this.view();
    const input = await engineInput(cluster, this.flags, this.caller(view.emit), { artifacts: false });
    const report = await etcdStatus(input).finally(() => view.end());
    this.print(renderEtcd(report, this.theme));
    return report;
  }
}
