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
  fingerprint: string;
  type: string;
  file: string;
  added: boolean;
}

export default class Pin extends BaseCommand<typeof Pin> {
  static override readonly summary = 'Record the SSH keys of the hosts in known_hosts.';
  static override readonly description =
    'Scans, shows the fingerprints that are new and, on a terminal, asks before it records them. A key that differs from the recorded one is refused: remove the old line yourself when you know why it changed.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> -i inventories/lab.yaml',
    '<%= config.bin %> <%= command.id %> --limit w3 --yes',
  ];
  static override readonly flags = { ...hostFlags, yes: Flags.boolean({ char: 'y', summary: 'Do not ask.' }) };

  async run(): Promise<{ pinned: Pinned[] }> {
    const cluster = await this.loadCluster();
    const { pinHostKey, scanHostKey } = await import('../../transport/host-keys.ts');
    const hosts = limited(cluster, this.flags.limit);
    const results = await onEach(hosts, this.flags.concurrency, (host) => scanHostKey(targetOf(host), this.signal));
    const scanned = results.flatMap(({ host, value }) => (value ? [{ host, key: value }] : []));
    await this.ask(scanned.map(({ key }) => key));
    const errors = results.flatMap(({ error }) => (error ? [error] : []));
    const pinned: Pinned[] = [];
    for (const { host, key } of scanned) {
      try {
        pinned.push({
          host: host.name,
          fingerprint: key.fingerprint,
          type: key.type,
          ...pinHostKey(targetOf(host), key),
        });
      } catch (error) {
        errors.push(error instanceof Error ? error : new Error(String(error)));
      }
    }
    for (const each of pinned)
      this.print(`${each.host}: ${each.added ? 'pinned' : 'was there'}  ${each.fingerprint}  ${each.file}\n`);
    throwAll(errors);
    return { pinned };
  }

  private async ask(keys: readonly ScannedKey[]): Promise<void> {
    const fresh = keys.filter((key) => key.verdict === 'unknown');
    const asks = process.stdin.isTTY && process.stderr.isTTY && !this.jsonEnabled() && !this.flags.yes;
    if (!asks || fresh.length === 0) return;
    const width = Math.max(...fresh.map((key) => key.host.length));
    for (const key of fresh) this.note(`${padEnd(key.host, width)}  ${key.fingerprint}  ${key.type}\n`);
    if (await confirm('Are these the keys of your hosts?', this.signal)) return;
    throw new McpkError('refused', 'nothing was recorded', {
      hint: 'Compare the fingerprints on the consoles of the hosts.',
    });
  }
}
