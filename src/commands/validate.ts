import { Args } from '@oclif/core';
import type { Cluster } from '../inventory/types.ts';
import { BaseCommand } from './shared/base-command.ts';
import { inventoryFlags } from './shared/flags.ts';
import { localProblems } from './shared/local-files.ts';
import { throwAll } from '../core/settled.ts';

/** `--json` of validate. */
interface Validated {
  valid: true;
  cluster: string;
  files: readonly string[];
  /** What is allowed and hardly meant: an even number of etcd members. */
  warnings: readonly string[];
  hosts: { name: string; address: string; roles: readonly string[] }[];
  /** Hosts that shall be no part of the cluster any more. */
  leaving: { name: string; address: string; state: string }[];
}

export default class Validate extends BaseCommand<typeof Validate> {
  static override readonly summary = 'Check an inventory; no host is contacted.';
  static override readonly description =
    'Reads the files, fills in the environment, merges them and checks all of it: settings, versions that do not go together, files of this machine that are not there, or that mcpk can do nothing with (ssh_config, manifests). Every mistake is named at once, with its file and line (exit 10).';
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
    throwAll(await localProblems(cluster));
    this.print(`${cluster.name}: ${cluster.files.join(', ')} is valid.\n${hostLines(cluster)}`);
    for (const warning of cluster.warnings ?? []) this.print(`  note: ${warning}\n`);
    return {
      valid: true,
      cluster: cluster.name,
      files: cluster.files,
      warnings: cluster.warnings ?? [],
      hosts: cluster.hosts.map(({ name, address, roles }) => ({ name, address, roles })),
      leaving: cluster.leaving.map(({ name, address, state }) => ({ name, address, state })),
    };
  }
}

function hostLines({ hosts, leaving }: Cluster): string {
  const all = [
    ...hosts.map((host) => ({ ...host, what: host.roles.join(', ') })),
    ...leaving.map((host) => ({ ...host, what: host.state })),
  ];
  const width = Math.max(...all.map(({ name }) => name.length));
  return all.map(({ name, address, what }) => `  ${name.padEnd(width)}  ${address.padEnd(15)}  ${what}\n`).join('');
}
