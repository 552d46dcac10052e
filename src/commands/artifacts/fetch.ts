import type { Needed } from '../../artifacts/types.ts';
import { counted, size } from '../../report/figures.ts';
import { clean } from '../../report/theme.ts';
import { BaseCommand } from '../shared/base-command.ts';
import { fetchAll } from '../shared/fetch-all.ts';
import { archFlags, fetchFlags, inventoryFlags } from '../shared/flags.ts';

export default class Fetch extends BaseCommand<typeof Fetch> {
  static override readonly summary = 'Fetch the binaries and manifests that an inventory needs.';
  static override readonly description =
    'What is not there yet is fetched as plan and apply do it: four files at a time, the largest first, through the proxies of the environment, on from where a cut line stopped it, held to the lock file, to the inventory or to the sum that upstream publishes. What is there is checked. Where some cannot be had the others are fetched all the same, and all that is wrong is told.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> -i lab.yaml',
    '<%= config.bin %> <%= command.id %> --arch amd64,arm64 --locked',
  ];
  static override readonly flags = { ...inventoryFlags, ...archFlags, ...fetchFlags };

  async run(): Promise<Needed> {
    const cluster = await this.loadCluster();
    const all = await fetchAll(cluster, { ...this.flags, signal: this.signal, view: await this.fetchView() });
    const files = [...all.binaries, ...all.manifests];
    const bytes = files.reduce((sum, each) => sum + (each.size ?? 0), 0);
    this.print(`${counted(files.length, 'file')}, ${size(bytes)}, in ${clean(cluster.artifacts.directory)}\n`);
    return all;
  }
}
