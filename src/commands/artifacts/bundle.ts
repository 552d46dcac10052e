import { Errors, Flags } from '@oclif/core';
import { McpkError } from '../../core/errors.ts';
import { checkPlace, unwritable } from '../../core/private-file.ts';
import { quote } from '../../core/quote.ts';
import { counted } from '../../report/figures.ts';
import { clean } from '../../report/theme.ts';
import { BaseCommand } from '../shared/base-command.ts';
import { fetchAll } from '../shared/fetch-all.ts';
import { archFlags, fetchFlags, inventoryFlags } from '../shared/flags.ts';

interface Bundled {
  /** The folder, or the tar. */
  out: string;
  /** In the folder; the SHA256SUMS beside them are not among them. */
  files: string[];
}

export default class Bundle extends BaseCommand<typeof Bundle> {
  static override readonly summary =
    'Copy the binaries and manifests of an inventory into a folder or a tar, to take elsewhere.';
  static override readonly description =
    'What is not there yet is fetched first. A machine without the Internet takes the folder as artifacts.directory, with artifacts.download: false; the inventory and its lock file go with it. A tar holds that folder, named artifacts. Images and packages are not in it.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> --out taken -i lab.yaml',
    '<%= config.bin %> <%= command.id %> --out taken.tar --arch amd64,arm64 --locked',
  ];
  static override readonly flags = {
    ...inventoryFlags,
    ...archFlags,
    ...fetchFlags,
    out: Flags.string({
      char: 'o',
      required: true,
      helpValue: 'FOLDER|FILE.tar',
      summary: 'Folder to write into, where what is not needed stays; or, with a name that ends with .tar, the tar.',
      parse: async (text) => {
        if (!/\.(tgz|tar\.\w+|zip)$/.test(text)) return text;
        throw new Errors.CLIError(
          `a folder or a file whose name ends with .tar, unpacked, not ${JSON.stringify(text)}`,
        );
      },
    }),
  };

  async run(): Promise<Bundled> {
    const cluster = await this.loadCluster();
    const { out } = this.flags;
    const { TAR_FOLDER, TAR_SUFFIX, writeBundle } = await import('../../artifacts/bundle.ts');
    const isTar = out.endsWith(TAR_SUFFIX);
    if (isTar || out === '') await checkPlace(out);
    const all = await fetchAll(cluster, { ...this.flags, signal: this.signal, view: await this.fetchView() });
    const files = await writeBundle(out, all, this.signal).catch((cause: unknown) => {
      if (cause instanceof McpkError || this.signal.aborted) throw cause;
      throw unwritable(out, cause);
    });
    this.print(`${counted(files.length, 'file')} in ${clean(out)}. Where it is to be used:\n`);
    if (isTar) this.print(`  tar -xf ${clean(quote([out]))}\n`);
    this.print(`  artifacts: { directory: ${isTar ? `./${TAR_FOLDER}` : inFlow(out)}, download: false }\n`);
    return { out, files };
  }
}

/** As a word between braces of YAML, which has names in JSON too. */
function inFlow(name: string): string {
  return /^[\w./][\w./+-]*$/.test(name) ? name : JSON.stringify(name);
}
