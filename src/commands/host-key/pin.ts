import { Flags } from '@oclif/core';
import { McpkError } from '../../core/errors.ts';
import { padEnd } from '../../report/theme.ts';
import type { pinPlace } from '../../transport/pin-keys.ts';
import { BaseCommand } from '../shared/base-command.ts';
import { limited } from '../shared/cluster.ts';
import { confirm } from '../shared/confirm.ts';
import { scanFlags } from '../shared/flags.ts';
import { hopByHop, type Offered } from '../shared/hop-by-hop.ts';
import { throwAll } from '../../core/settled.ts';

interface Pinned {
  host: string;
  /** As known_hosts writes the host. */
  name: string;
  fingerprint: string;
  type: string;
  file: string;
  added: boolean;
}

type Placed = Offered & ReturnType<typeof pinPlace>;

export default class Pin extends BaseCommand<typeof Pin> {
  static override readonly summary = 'Record the SSH keys of the hosts in known_hosts.';
  static override readonly description =
    'Scans the hosts and the jump hosts on the way, these first; shows what would be written for keys that are new (file, name, fingerprint) and asks before it records them; without a terminal to ask on it ends with 64 and records nothing, unless --yes says that they are to be trusted. A key that differs from the recorded one is refused: remove the old line yourself when you know why it changed. Only a new file, or one that holds nothing but host keys, is written to.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> -i lab.yaml',
    '<%= config.bin %> <%= command.id %> --limit w3 --yes',
  ];
  static override readonly flags = {
    ...scanFlags,
    yes: Flags.boolean({
      char: 'y',
      summary: 'Do not ask: trust them. Where there is no terminal nothing is recorded (64) without it.',
    }),
  };

  async run(): Promise<{ pinned: Pinned[] }> {
    const cluster = await this.loadCluster();
    const pinned: Pinned[] = [];
    const errors = await hopByHop(limited(cluster, this.flags.limit), {
      concurrency: this.flags.concurrency,
      signal: this.signal,
      settle: (offered) => this.pin(offered, pinned),
    });
    throwAll(errors);
    return { pinned };
  }

  /** Asks for those that are new, records them; gives why one was not. */
  private async pin(offered: readonly Offered[], pinned: Pinned[]): Promise<(offered: Offered) => Error | undefined> {
    const { pinHostKey, pinPlace } = await import('../../transport/pin-keys.ts');
    const failed = new Map<string, Error>();
    const tried = <T>({ door }: Offered, work: () => T): T[] => {
      try {
        return [work()];
      } catch (error) {
        failed.set(door.id, error instanceof Error ? error : new Error(String(error)));
        return [];
      }
    };
    const placed = offered.flatMap((each) =>
      tried(each, (): Placed => ({ ...each, ...pinPlace(each.door, each.key) })),
    );
    await this.ask(placed.filter(({ known }) => !known));
    for (const each of placed) {
      const { host, name, fingerprint, type } = each.key;
      for (const place of tried(each, () => pinHostKey(each.door, each.key))) {
        pinned.push({ host, name, fingerprint, type, ...place });
        this.print(`${host}: ${place.added ? 'pinned' : 'was there'}  ${fingerprint}  as ${name} in ${place.file}\n`);
      }
    }
    return ({ door }) => failed.get(door.id);
  }

  /** Nobody to ask is no consent. */
  private async ask(fresh: readonly Placed[]): Promise<void> {
    if (fresh.length === 0 || this.flags.yes) return;
    const width = Math.max(...fresh.map(({ key }) => key.host.length));
    const lines = fresh.map(
      ({ key, name, file }) => `${padEnd(key.host, width)}  ${key.fingerprint}  ${key.type}  as ${name} into ${file}`,
    );
    if (!process.stdin.isTTY || !process.stderr.isTTY || this.jsonEnabled())
      throw new McpkError('usage', 'nothing was recorded: there are new keys, and no terminal to ask on', {
        details: lines,
        hint: 'Compare the fingerprints with the consoles of the hosts, then say --yes.',
      });
    for (const line of lines) this.note(`${line}\n`);
    if (await confirm('Are these the keys of your hosts?', this.signal)) return;
    throw new McpkError('interrupted', 'declined', {
      hint: 'Nothing was recorded. Compare the fingerprints on the consoles of the hosts.',
    });
  }
}
