import { Args, Flags } from '@oclif/core';
import { McpkError } from '../../core/errors.ts';
import type { RunResult } from '../../engine/types.ts';
import type { RestoredBundle } from '../../states/wishes/etcd-restore/wish.ts';
import { mayAskName } from '../shared/confirm.ts';
import type { Ending } from '../shared/exit-codes.ts';
import { RestoringCommand } from '../shared/restoring-command.ts';

export default class EtcdRestore extends RestoringCommand<typeof EtcdRestore> {
  static override readonly summary = 'Put a snapshot in the place of all that etcd holds.';
  static override readonly description =
    "The whole cluster goes back to a bundle of mcpk etcd snapshot; what was written since is lost. API servers and etcd stop, the old data are laid aside on each host, every member gets the same snapshot as a new cluster; keys of the bundle that the masters lack come back. The API is away meanwhile, pods run on. It asks for the cluster's name. Cut off anywhere, even by a reboot of the hosts, the same command finishes it; until then nothing starts on old data, and plan and apply refuse (18). --abandon puts the old data back, until API servers serve. Exit 16: the bundle is damaged, or a gate does not hold; 18: it is of another cluster or minor version of etcd, or encrypted with keys that nobody has.";
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> lab-20261128T174300Z.mcpk-etcd.tar',
    '<%= config.bin %> <%= command.id %> lab-20261128T174300Z.mcpk-etcd.tar --yes --cluster lab',
    '<%= config.bin %> <%= command.id %> --abandon',
  ];
  static override readonly args = { bundle: Args.string({ description: 'File of mcpk etcd snapshot.' }) };
  static readonly endings: readonly Ending[] = ['preflight', 'stage', 'gate', 'refused'];
  static override readonly flags = {
    ...RestoringCommand.restoringFlags,
    abandon: Flags.boolean({ summary: 'Give up a restore that was cut off: the old data come back.' }),
    'age-identity': Flags.string({
      summary: 'File with an identity of age that decrypts the keys of the bundle.',
      helpValue: 'FILE',
    }),
  };

  async run(): Promise<RunResult> {
    const { bundle: file } = this.args;
    if (file === '' || this.flags.abandon === (file !== undefined))
      throw new McpkError('usage', 'name a bundle, or --abandon without one', {
        hint: 'mcpk etcd restore --help shows what it takes.',
      });
    const cluster = await this.loadCluster();
    const bundle = file === undefined ? undefined : await this.bundle(file);
    const asks = mayAskName({ cluster, flags: this.flags, json: this.jsonEnabled() });
    return this.restore({ cluster, bundle, asks });
  }

  private async bundle(file: string): Promise<RestoredBundle> {
    const { keysOf, readBundle } = await import('../../core/etcd-bundle.ts');
    const opened = await readBundle(file);
    return { file, opened, keys: await keysOf(opened, this.flags['age-identity']) };
  }
}
