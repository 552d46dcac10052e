import { clean, padEnd, width } from '../report/theme.ts';
import { wrap } from '../report/wrap.ts';
import type { NeededImage } from '../states/image-list.ts';
import { BaseCommand } from './shared/base-command.ts';
import { fetchFlags, inventoryFlags } from './shared/flags.ts';
import { manifestsOf } from './shared/fetch-all.ts';

export default class Images extends BaseCommand<typeof Images> {
  static override readonly summary = 'List the images that the hosts of an inventory pull.';
  static override readonly description =
    'Those of the sandbox, of Calico, CoreDNS, the manifests of the inventory and the test pods of verify: what a mirror must have. No host is asked; manifests are fetched where they are not there yet. What controllers of your manifests pull by themselves is not in it.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> -i lab.yaml',
    '<%= config.bin %> <%= command.id %> --json | jq -r ".images[].image"',
  ];
  static override readonly flags = { ...inventoryFlags, ...fetchFlags };

  async run(): Promise<{ images: NeededImage[] }> {
    const cluster = await this.loadCluster();
    const { neededImages } = await import('../states/image-list.ts');
    const images = neededImages(cluster, await manifestsOf(cluster, { ...this.flags, signal: this.signal }));
    const widest = Math.max(...images.map(({ image }) => width(clean(image))));
    for (const { image, wantedBy } of images)
      for (const line of wrap(this.theme, `${padEnd(clean(image), widest)}  ${wantedBy.map(clean).join(', ')}`, 4))
        this.print(`${line}\n`);
    return { images };
  }
}
