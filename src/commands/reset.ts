import { Args } from '@oclif/core';
import type { RunResult } from '../engine/types.ts';
import { contactable, type Cluster } from '../inventory/types.ts';
import { noHost } from '../inventory/targeting.ts';
import { confirmName, mayAskName } from './shared/confirm.ts';
import type { Ending } from './shared/exit-codes.ts';
import { nameFlags } from './shared/flags.ts';
import { RunningCommand } from './shared/running-command.ts';

/** What is said at the end: others may have come to need it, or it tells what was. */
const STAYS =
  'What stays there: packages, users, kernel settings until the next boot, lines of /etc/fstab that were commented out (# mcpk:), audit logs, the journal /var/lib/mcpk/journal, bundles of etcd.backup and data that a restore laid aside (with Secrets in them), and all that mcpk did not lay.\n';

export default class Reset extends RunningCommand<typeof Reset> {
  static override readonly summary = 'Take all that mcpk laid off the hosts; the cluster is gone then.';
  static override readonly description =
    "Workers first, then masters: pods end, services stop, keys are overwritten, etcd's data is removed. Nothing is drained and nothing is guarded: what the cluster holds is lost. Asks for the cluster's name; without a terminal it wants --yes and --cluster NAME. With HOST only that one, of which the rest of the cluster hears nothing: to take a host out of a cluster that goes on, see `node remove`.";
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> -i lab.yaml',
    '<%= config.bin %> <%= command.id %> w3 --yes --cluster lab',
  ];
  static override readonly args = { host: Args.string({ description: 'Only this host; by default all.' }) };
  static readonly endings: readonly Ending[] = ['preflight', 'stage', 'refused'];
  static override readonly flags = {
    ...RunningCommand.runningFlags,
    ...nameFlags,
  };

  async run(): Promise<RunResult> {
    const { host } = this.args;
    const cluster = await this.loadCluster();
    const names = hostsOf(cluster, host);
    const asks = mayAskName({ cluster, flags: this.flags, json: this.jsonEnabled() });
    const [{ wishRun }, { RESET, withoutHosts }] = await Promise.all([
      import('../engine/runs/wish.ts'),
      import('../states/wishes/reset.ts'),
    ]);
    const result = await this.carryOut(withoutHosts(cluster, names), {
      run: (input) => wishRun(input, { stages: RESET }),
      artifacts: false,
      question: (signal) => confirmName(cluster.name, signal, 'All of this is lost. '),
      asks,
    });
    // On hosts that were bare there is nothing of all that.
    if (result.status === 'succeeded' && result.changed + result.removed > 0) this.print(STAYS);
    if (result.status === 'succeeded' && host !== undefined)
      this.print(`The rest of ${cluster.name} was not told: mcpk node remove ${host} --gone takes it out there.\n`);
    return result;
  }
}

function hostsOf(cluster: Cluster, name: string | undefined): Set<string> {
  const hosts = contactable(cluster);
  const names = new Set(hosts.map((host) => host.name));
  if (name === undefined) return names;
  if (names.has(name)) return new Set([name]);
  throw noHost(name, { cluster, hosts });
}
