import { EXIT_CODES } from '../../core/errors.ts';
import { padEnd } from '../../report/theme.ts';
import type { ScannedKey } from '../../transport/host-keys.ts';
import { BaseCommand } from '../shared/base-command.ts';
import { limited } from '../shared/cluster.ts';
import { scanFlags } from '../shared/flags.ts';
import { hopByHop } from '../shared/hop-by-hop.ts';
import { throwAll } from '../../core/settled.ts';

type Scanned = Omit<ScannedKey, 'key'>;

export default class Scan extends BaseCommand<typeof Scan> {
  static override readonly summary = 'Ask the hosts for their SSH keys; nothing is recorded.';
  static override readonly description =
    'Prints the fingerprint that each host and each jump host on the way offers, and whether known_hosts has it. Compare them with what the console of the host shows (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then pin them. Exit 12 when a key is another one than the recorded, or revoked, or that of a jump host on the way is not known: nobody logs in over it.';
  static override readonly examples = ['<%= config.bin %> <%= command.id %> -i lab.yaml'];
  static override readonly flags = { ...scanFlags };

  async run(): Promise<{ keys: Scanned[] }> {
    const cluster = await this.loadCluster();
    const { closedDoor } = await import('../../transport/host-keys.ts');
    const keys: Scanned[] = [];
    const errors = await hopByHop(limited(cluster, this.flags.limit), {
      concurrency: this.flags.concurrency,
      signal: this.signal,
      settle: (offered) => {
        keys.push(...offered.map(({ key }) => withoutKey(key)));
        return Promise.resolve(({ door, key }) => (door.isJump ? closedDoor(door, key) : undefined));
      },
    });
    const width = Math.max(0, ...keys.map((key) => key.host.length));
    for (const key of keys)
      this.print(`${padEnd(key.host, width)}  ${padEnd(key.verdict, 7)}  ${key.fingerprint}  ${key.type}\n`);
    throwAll(errors);
    // Whoever scans for new keys gets them; one that is not to be trusted is no success.
    if (keys.some(({ verdict }) => verdict === 'changed' || verdict === 'revoked'))
      process.exitCode = EXIT_CODES.hostKey[0];
    return { keys };
  }
}

function withoutKey({ key: _, ...rest }: ScannedKey): Scanned {
  return rest;
}
