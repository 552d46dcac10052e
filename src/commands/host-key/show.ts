import { padEnd } from '../../report/theme.ts';
import type { RecordedKey } from '../../transport/host-keys.ts';
import { BaseCommand } from '../shared/base-command.ts';
import { limited } from '../shared/cluster.ts';
import { inventoryFlags, limitFlags } from '../shared/flags.ts';
import { once } from '../shared/hop-by-hop.ts';
import { targetOf } from '../shared/targets.ts';

export default class Show extends BaseCommand<typeof Show> {
  static override readonly summary = 'Show which SSH keys are recorded for the hosts; none is contacted.';
  static override readonly description =
    'Lists the lines of known_hosts that mcpk would accept for each host of the inventory, and each jump host on the way.';
  static override readonly examples = ['<%= config.bin %> <%= command.id %> -i lab.yaml'];
  static override readonly flags = { ...inventoryFlags, ...limitFlags };

  async run(): Promise<{ keys: RecordedKey[] }> {
    const cluster = await this.loadCluster();
    const { doorsOf, showHostKeys } = await import('../../transport/host-keys.ts');
    const doors = once(limited(cluster, this.flags.limit).flatMap((host) => doorsOf(targetOf(host))));
    const width = Math.max(...doors.map(({ hop }) => hop.label.length));
    const keys = doors.flatMap((door) => {
      const shown = showHostKeys(door);
      const lines = shown.keys.map(
        (key) => `${key.fingerprint}  ${key.type}  ${key.file}:${key.line}${key.revoked ? '  revoked' : ''}`,
      );
      for (const line of lines.length === 0 ? ['no key is recorded'] : lines)
        this.print(`${padEnd(door.hop.label, width)}  ${line}\n`);
      for (const ignored of shown.ignored) this.note(`${ignored.file}:${ignored.line} is not used: ${ignored.why}\n`);
      return shown.keys;
    });
    return { keys };
  }
}
