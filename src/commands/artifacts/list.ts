import type { Needed } from '../../artifacts/types.ts';
import { renderNeeded } from '../../report/needed-text.ts';
import { withRuntimeSource } from '../../cluster/runtime-source.ts';
import { BaseCommand } from '../shared/base-command.ts';
import { archFlags, inventoryFlags } from '../shared/flags.ts';

export default class List extends BaseCommand<typeof List> {
  static override readonly summary = 'List the binaries and manifests that an inventory needs.';
  static override readonly description =
    'Where each comes from, the sum that it must have, its size and whether it is there already. Nobody is asked: of what was never fetched the size is not known, and the sum only where the lock file or the inventory has it.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> -i lab.yaml',
    '<%= config.bin %> <%= command.id %> --json | jq -r ".binaries[].url"',
  ];
  static override readonly flags = { ...inventoryFlags, ...archFlags };

  async run(): Promise<Needed> {
    const cluster = withRuntimeSource(await this.loadCluster());
    const [{ needed }, { openPins }] = await Promise.all([
      import('../../artifacts/needed.ts'),
      import('../../artifacts/pins.ts'),
    ]);
    const pins = await openPins(cluster, { update: false });
    const all = await needed(cluster, { arches: this.flags.arch, pins });
    this.print(renderNeeded(all, this.theme));
    return all;
  }
}
