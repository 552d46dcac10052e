import { throwAll } from '../../core/settled.ts';
import type { Needed } from '../../artifacts/types.ts';
import { counted, size } from '../../report/figures.ts';
import { withRuntimeSource } from '../../cluster/runtime-source.ts';
import { BaseCommand } from '../shared/base-command.ts';
import type { Ending } from '../shared/exit-codes.ts';
import { archFlags, inventoryFlags } from '../shared/flags.ts';

export default class Verify extends BaseCommand<typeof Verify> {
  static override readonly summary = 'Read the binaries and manifests that are there anew, and check their sums.';
  static override readonly description =
    'Each file must be what the inventory, the lock file and the SHA256SUMS of its folder say. All that is wrong is named: exit 10 where something lacks, 20 where something is another one. Nothing is fetched.';
  static override readonly examples = ['<%= config.bin %> <%= command.id %> -i lab.yaml'];
  static readonly endings: readonly Ending[] = ['fetch'];
  static override readonly flags = { ...inventoryFlags, ...archFlags };

  async run(): Promise<Needed> {
    const cluster = withRuntimeSource(await this.loadCluster());
    const [{ needed, wrongArtifacts }, { openPins }] = await Promise.all([
      import('../../artifacts/needed.ts'),
      import('../../artifacts/pins.ts'),
    ]);
    const pins = await openPins(cluster, { update: false });
    const asked = { arches: this.flags.arch, pins, signal: this.signal };
    throwAll(await wrongArtifacts(cluster, asked));
    const all = await needed(cluster, asked);
    const files = [...all.binaries, ...all.manifests];
    const bytes = files.reduce((sum, each) => sum + (each.size ?? 0), 0);
    this.print(`${counted(files.length, 'file')}, ${size(bytes)}: each is what it must be.\n`);
    return all;
  }
}
