import { padEnd } from '../../report/theme.ts';
import type { ScannedKey } from '../../transport/host-keys.ts';
import { BaseCommand } from '../shared/base-command.ts';
import { limited } from '../shared/cluster.ts';
import { hostFlags } from '../shared/flags.ts';
import { onEach, targetOf } from '../shared/targets.ts';
import { throwAll } from '../shared/throw-all.ts';

type Scanned = Omit<ScannedKey, 'key'>;

export default class Scan extends BaseCommand<typeof Scan> {
  static override readonly summary = 'Ask the hosts for their SSH keys; nothing is recorded.';
  static override readonly description =
    'Prints the fingerprint that each host offers, and whether known_hosts has it. Compare them with what the console of the host shows (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then pin them.';
  static override readonly examples = ['<%= config.bin %> <%= command.id %> -i inventories/lab.yaml'];
  static override readonly flags = { ...hostFlags };

  async run(): Promise<{ keys: Scanned[] }> {
    const cluster = await this.loadCluster();
    const { scanHostKey } = await import('../../transport/host-keys.ts');
    const hosts = limited(cluster, this.flags.limit);
    const results = await onEach(hosts, this.flags.concurrency, (host) => scanHostKey(targetOf(host), this.signal));
    const keys = results.flatMap(({ value }) => (value ? [withoutKey(value)] : []));
    const width = Math.max(0, ...keys.map((key) => key.host.length));
    for (const key of keys)
      this.print(`${padEnd(key.host, width)}  ${padEnd(key.verdict, 7)}  ${key.fingerprint}  ${key.type}\n`);
    throwAll(results.flatMap(({ error }) => (error ? [error] : [])));
    return { keys };
  }
}

function withoutKey({ key: _, ...rest }: ScannedKey): Scanned {
  return rest;
}
