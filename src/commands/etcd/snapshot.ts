import { Errors, Flags } from '@oclif/core';
import type { SnapshotResult } from '../../engine/runs/etcd-snapshot.ts';
import { counted, duration, size } from '../../report/figures.ts';
import { clean } from '../../report/theme.ts';
import { BaseCommand } from '../shared/base-command.ts';
import { engineInput } from '../shared/engine-input.ts';
import type { Ending } from '../shared/exit-codes.ts';
import { connectionFlags, inventoryFlags } from '../shared/flags.ts';

export default class Snapshot extends BaseCommand<typeof Snapshot> {
  static override readonly summary = 'Take a snapshot of etcd, with the keys that it is of use with, into one file.';
  static override readonly description =
    'Of a healthy member that does not lead, where there is one. The snapshot is proved by restoring it on the host, and its sum is compared on arrival; nothing of it stays on the host. In the file, a bundle, are also the keys that encrypt Secrets and sign tokens of service accounts: without --age they are plain, so the file is for you alone (0600). Exit 16 when the snapshot is not what etcd has or what was sent, 14 when the host has no room for it; then there is no file.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> --out backups/ --keep 14',
    '<%= config.bin %> <%= command.id %> --out before-upgrade.tar --age age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
  ];
  static readonly endings: readonly Ending[] = ['preflight', 'stage', 'gate', 'refused'];
  protected override readonly afterwards = 'No file was kept: run the same command again.';
  static override readonly flags = {
    ...inventoryFlags,
    ...connectionFlags,
    out: Flags.string({
      char: 'o',
      required: true,
      helpValue: 'FOLDER|FILE',
      summary: 'A folder that is there, for a file named CLUSTER-TIME.mcpk-etcd.tar; or the file itself.',
    }),
    keep: Flags.integer({
      helpValue: 'N',
      min: 1,
      summary: "Remove all but the newest N of this cluster's bundles from the folder, once the new one is there.",
    }),
    age: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'RECIPIENT',
      summary: 'Encrypt the keys to this recipient of age (age1…); give it once for each.',
      parse: async (text) => {
        if (/^age1[a-z0-9]+$/.test(text)) return text;
        throw new Errors.CLIError(`a recipient of age, which begins with age1, not ${JSON.stringify(text)}`);
      },
    }),
  };

  async run(): Promise<SnapshotResult> {
    const { out, keep, age = [] } = this.flags;
    const cluster = await this.loadCluster();
    const { etcdSnapshot } = await import('../../engine/runs/etcd-snapshot.ts');
    const view = await this.view();
    const input = await engineInput(cluster, this.flags, this.caller(view.emit), { artifacts: false });
    const result = await etcdSnapshot({
      ...input,
      out,
      recipients: age,
      ...(keep === undefined ? {} : { keep }),
      onBegin: ({ name }, bytes) => this.note(`${clean(name)}: a snapshot of ${size(bytes)}\n`),
    }).finally(() => view.end());
    const { file, bytes, bundle, removed, ms } = result;
    this.print(
      `${file}: ${size(bytes)} of ${clean(bundle.member)}, revision ${bundle.revision}, ${counted(bundle.totalKeys, 'key')}, in ${duration(ms)}; proved by a restore\n`,
    );
    if (bundle.keys === 'plain')
      this.note(
        'It holds the keys that encrypt Secrets and sign tokens, readable for whoever can read the file (it is 0600). Keep it as one; --age encrypts them.\n',
      );
    if (removed.length > 0) this.print(`Removed ${removed.join(', ')}\n`);
    return result;
  }
}
