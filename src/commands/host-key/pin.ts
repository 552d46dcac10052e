import { Flags } from '@oclif/core';
import { McpkError } from '../../core/errors.ts';
import { padEnd } from '../../report/theme.ts';
import type { ScannedKey } from '../../transport/host-keys.ts';
import { BaseCommand } from '../shared/base-command.ts';
import { limited } from '../shared/cluster.ts';
import { confirm } from '../shared/confirm.ts';
import { hostFlags } from '../shared/flags.ts';
import { onEach, targetOf } from '../shared/targets.ts';
import { throwAll } from '../shared/throw-all.ts';

interface Pinned {
  host: string;
  /** As known_hosts writes the host. */
  name: string;
  fingerprint: string;
  type: string;
  file: string;
  added: boolean;
}

interface Fresh {
  key: ScannedKey;
  name: string;
  file: string;
  known: boolean;
}

export default class Pin extends BaseCommand<typeof Pin> {
  static override readonly summary = 'Record the SSH keys of the hosts in known_hosts.';
  static override readonly description =
    'Scans, shows what would be written for keys that are new (file, name, fingerprint) and asks before it records them; without a terminal to ask on it refuses (18), unless --yes says that they are to be trusted. A key that differs from the recorded one is refused: remove the old line yourself when you know why it changed. Only a new file, or one that holds nothing but host keys, is written to.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> -i inventories/lab.yaml',
    '<%= config.bin %> <%= command.id %> --limit w3 --yes',
  ];
  static override readonly flags = { ...hostFlags, yes: Flags.boolean({ char: 'y', summary: 'Do not ask.' }) };

  async run(): Promise<{ pinned: Pinned[] }> {
    const cluster = await this.loadCluster();
    const { pinHostKey, pinPlace, scanHostKey } = await import('../../transport/host-keys.ts');
    const hosts = limited(cluster, this.flags.limit);
    const results = await onEach(hosts, this.flags.concurrency, async (host): Promise<Fresh> => {
      const key = await scanHostKey(targetOf(host), this.signal);
      return { key, ...pinPlace(targetOf(host), key) };
    });
    const scanned = results.flatMap(({ host, value }) => (value ? [{ host, ...value }] : []));
    await this.ask(scanned.filter(({ known }) => !known));
    const errors = results.flatMap(({ error }) => (error ? [error] : []));
    const pinned: Pinned[] = [];
    for (const { host, key } of scanned) {
      try {
        const { name, fingerprint, type } = key;
        pinned.push({ host: host.name, name, fingerprint, type, ...pinHostKey(targetOf(host), key) });
      } catch (error) {
        errors.push(error instanceof Error ? error : new Error(String(error)));
      }
    }
    for (const { host, added, fingerprint, name, file } of pinned)
      this.print(`${host}: ${added ? 'pinned' : 'was there'}  ${fingerprint}  as ${name} in ${file}\n`);
    throwAll(errors);
    return { pinned };
  }

  /** Nobody to ask is no consent. */
  private async ask(fresh: readonly Fresh[]): Promise<void> {
    if (fresh.length === 0 || this.flags.yes) return;
    const width = Math.max(...fresh.map(({ key }) => key.host.length));
    const lines = fresh.map(
      ({ key, name, file }) => `${padEnd(key.host, width)}  ${key.fingerprint}  ${key.type}  as ${name} into ${file}`,
    );
    if (!process.stdin.isTTY || !process.stderr.isTTY || this.jsonEnabled())
      throw new McpkError('refused', 'nothing was recorded: there are new keys, and no terminal to ask on', {
        details: lines,
        hint: 'Compare the fingerprints with the consoles of the hosts, then say --yes.',
      });
    for (const line of lines) this.note(`${line}\n`);
    if (await confirm('Are these the keys of your hosts?', this.signal)) return;
    throw new McpkError('refused', 'nothing was recorded', {
      hint: 'Compare the fingerprints on the consoles of the hosts.',
    });
  }
}
