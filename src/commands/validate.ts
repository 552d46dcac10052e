import { Args } from '@oclif/core';
import type { Cluster } from '../inventory/types.ts';
import { BaseCommand } from './shared/base-command.ts';
import { inventoryFlags } from './shared/flags.ts';

/** `--json` of validate. */
interface Validated {
  valid: true;
  cluster: string;
  files: readonly string[];
  /** What is allowed and hardly meant: an even number of etcd members. */
  warnings: readonly string[];
  hosts: { name: string; address: string; roles: readonly string[] }[];
}

export default class Validate extends BaseCommand<typeof Validate> {
  static override readonly summary = 'Check an inventory; no host is contacted.';
  static override readonly description =
    'Reads the files, fills in the environment, merges them and checks all of it: settings, versions and flags that do not go together, files of this machine that are not there. Every mistake is named at once, with its file and line (exit 10).';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> berlin.yaml',
    '<%= config.bin %> <%= command.id %> -i base.yaml -i berlin.yaml',
  ];
  static override readonly args = { file: Args.string({ description: 'Inventory file; the same as -i FILE.' }) };
  static override readonly flags = { ...inventoryFlags };

  async run(): Promise<Validated> {
    const { file } = this.args;
    const named = file === undefined ? {} : { inventory: [...(this.flags.inventory ?? []), file] };
    const cluster = await this.loadCluster(named, { files: true });
    this.print(`${cluster.name}: ${cluster.files.join(', ')} is valid.\n${hostLines(cluster)}`);
    for (const warning of cluster.warnings ?? []) this.print(`  note: ${warning}\n`);
    return {
      valid: true,
      cluster: cluster.name,
      files: cluster.files,
      warnings: cluster.warnings ?? [],
      hosts: cluster.hosts.map(({ name, address, roles }) => ({ name, address, roles })),
    };
  }
}

function hostLines(cluster: Cluster): string {
  const width = Math.max(...cluster.hosts.map((host) => host.name.length));
  return cluster.hosts
    .map((host) => `  ${host.name.padEnd(width)}  ${host.address.padEnd(15)}  ${host.roles.join(', ')}\n`)
    .join('');
}
