import { Args, Flags } from '@oclif/core';
import type { Rehearsed } from '../../engine/runs/etcd-rehearse.ts';
import { hostsWith } from '../../inventory/types.ts';
import { duration, size } from '../../report/figures.ts';
import { clean } from '../../report/theme.ts';
import { BaseCommand } from '../shared/base-command.ts';
import { engineInput } from '../shared/engine-input.ts';
import type { Ending } from '../shared/exit-codes.ts';
import { connectionFlags, inventoryFlags } from '../shared/flags.ts';
import { memberNamed } from '../shared/member.ts';

export default class EtcdRehearse extends BaseCommand<typeof EtcdRehearse> {
  static override readonly summary = 'Try on a host whether a bundle can be restored, and how long it takes.';
  static override readonly description =
    'Sends the snapshot to a host and restores it into a member of its own, in a network where nobody else reaches it, and asks that member for its revision and its keys. The cluster goes on; nothing of it is left on the host. Exit 16 when the snapshot is damaged, cannot be restored, or has not what the bundle says; 14 when the host has no room for it.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> lab-20261128T174300Z.mcpk-etcd.tar',
    '<%= config.bin %> <%= command.id %> lab-20261128T174300Z.mcpk-etcd.tar --on m3',
  ];
  static override readonly args = {
    bundle: Args.string({ description: 'File of mcpk etcd snapshot.', required: true }),
  };
  static readonly endings: readonly Ending[] = ['preflight', 'stage', 'gate', 'refused'];
  static override readonly flags = {
    ...inventoryFlags,
    ...connectionFlags,
    on: Flags.string({ summary: 'The host, one that carries etcd; by default the last of them.', helpValue: 'HOST' }),
  };

  async run(): Promise<Rehearsed> {
    const cluster = await this.loadCluster();
    const { on = hostsWith(cluster, 'etcd').at(-1)?.name ?? '' } = this.flags;
    const host = memberNamed(cluster, 'on', on);
    const { bundle: file } = this.args;
    const { readBundle } = await import('../../core/etcd-bundle.ts');
    const { etcdRehearse } = await import('../../engine/runs/etcd-rehearse.ts');
    const opened = await readBundle(file);
    const view = await this.view();
    const input = await engineInput(cluster, this.flags, this.caller(view.emit), { artifacts: false });
    const result = await etcdRehearse({ ...input, file, opened, host }).finally(() => view.end());
    const { revision, keys, sentMs, restoredMs } = result;
    this.print(
      `${clean(file)} on ${host.name}: ${size(opened.snapshot.size)} sent in ${duration(sentMs)}, restored and read in ${duration(restoredMs)}: revision ${String(revision)}, ${String(keys)} keys. Nothing of it is left there.\n`,
    );
    return result;
  }
}
