import { Flags } from '@oclif/core';
import type { RunResult } from '../../engine/types.ts';
import { hostsWith, type Cluster, type Host } from '../../inventory/types.ts';
import { size } from '../../report/figures.ts';
import { clean } from '../../report/theme.ts';
import { askOver, confirmName, mayAskName } from '../shared/confirm.ts';
import { engineInput } from '../shared/engine-input.ts';
import type { Ending } from '../shared/exit-codes.ts';
import { memberNamed } from '../shared/member.ts';
import { RestoringCommand } from '../shared/restoring-command.ts';

export default class EtcdRecover extends RestoringCommand<typeof EtcdRecover> {
  static override readonly summary = 'Go on with what one member of etcd has, when the others are gone for good.';
  static override readonly description =
    "For a cluster that has lost its quorum and has no newer bundle. Say state: gone in the inventory's entries of the masters that are gone first. A copy of the data of the member that is left is opened by an etcd of its own that is told to be alone; its snapshot becomes a bundle here, which is then restored on the masters that are left, as mcpk etcd restore does. What only the lost members had is lost. It asks for the cluster's name. Exit 18 while a quorum answers. Cut off, mcpk etcd restore with that bundle finishes it.";
  static override readonly examples = ['<%= config.bin %> <%= command.id %> --from m1'];
  static readonly endings: readonly Ending[] = ['preflight', 'stage', 'gate', 'refused'];
  static override readonly flags = {
    ...RestoringCommand.restoringFlags,
    from: Flags.string({ summary: 'Host whose member is left.', helpValue: 'HOST', required: true }),
    out: Flags.string({
      summary: 'File for the bundle; by default CLUSTER-TIME.mcpk-etcd.tar in this folder.',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<RunResult> {
    const cluster = await this.loadCluster();
    const host = memberNamed(cluster, 'from', this.flags.from);
    const asks = mayAskName({ cluster, flags: this.flags, json: this.jsonEnabled() });
    const { bundleName, keysOf, readBundle } = await import('../../core/etcd-bundle.ts');
    const { out = bundleName(cluster.name, new Date()) } = this.flags;
    const file = await this.recovered(cluster, { host, out, asks });
    const opened = await readBundle(file);
    return this.restore({ cluster, bundle: { file, opened, keys: await keysOf(opened) }, asks: false });
  }

  private async recovered(
    cluster: Cluster,
    { host, out, asks }: { host: Host; out: string; asks: boolean },
  ): Promise<string> {
    const { recoveredBundle } = await import('../../engine/runs/etcd-recover.ts');
    const masters = hostsWith(cluster, 'etcd').map(({ name }) => name);
    const show = (): void =>
      this.note(
        `Restores what ${host.name} has of etcd on ${masters.join(', ')}, as a new cluster. What only other members had is lost.\n`,
      );
    const view = await this.view();
    const question = (signal: AbortSignal): Promise<boolean> => confirmName(cluster.name, signal);
    const input = await engineInput(cluster, this.flags, this.caller(view.emit), { artifacts: false });
    const confirm = (): Promise<boolean> => askOver(view, { asks, show, question, signal: this.signal });
    const made = await recoveredBundle({ ...input, from: host.name, out, confirm }).finally(() => view.end());
    this.note(
      `${clean(made.file)}: ${size(made.bytes)} of ${host.name}, revision ${String(made.bundle.revision)}, ${String(made.bundle.totalKeys)} keys. It holds keys that encrypt Secrets: keep it for yourself.\n`,
    );
    return made.file;
  }
}
