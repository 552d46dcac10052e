import { Args } from '@oclif/core';
import { McpkError } from '../../core/errors.ts';
import { unwritable } from '../../core/private-file.ts';
import { counted } from '../../report/figures.ts';
import { clean } from '../../report/theme.ts';
import { BaseCommand } from '../shared/base-command.ts';
import { fetchAll } from '../shared/fetch-all.ts';
import { archFlags, fetchFlags, inventoryFlags } from '../shared/flags.ts';

interface Bundled {
  folder: string;
  /** Below the folder; the SHA256SUMS beside them are not among them. */
  files: string[];
}

export default class Bundle extends BaseCommand<typeof Bundle> {
  static override readonly summary =
    'Copy the binaries and manifests of an inventory into a folder, to take elsewhere.';
  static override readonly description =
    'What is not there yet is fetched first. A machine without the Internet takes the folder as artifacts.directory, with artifacts.download: false; the inventory and its lock file go with it. Images and packages are not in it.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> taken -i lab.yaml',
    '<%= config.bin %> <%= command.id %> taken --arch amd64,arm64 --locked',
  ];
  static override readonly args = {
    folder: Args.string({
      description: 'Folder to write into; what is in it and is not needed stays.',
      required: true,
    }),
  };
  static override readonly flags = { ...inventoryFlags, ...archFlags, ...fetchFlags };

  async run(): Promise<Bundled> {
    const cluster = await this.loadCluster();
    const { folder } = this.args;
    const { writeBundle } = await import('../../artifacts/bundle.ts');
    const all = await fetchAll(cluster, { ...this.flags, signal: this.signal, onProgress: () => undefined });
    const files = await writeBundle(folder, all, this.signal).catch((cause: unknown) => {
      if (cause instanceof McpkError || this.signal.aborted) throw cause;
      throw unwritable(folder, cause);
    });
    this.print(`${counted(files.length, 'file')} in ${clean(folder)}. Where it is to be used:\n`);
    this.print(`  artifacts: { directory: ${clean(folder)}, download: false }\n`);
    return { folder, files };
  }
}
