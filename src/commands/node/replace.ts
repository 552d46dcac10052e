import { Args, Flags } from '@oclif/core';
import { McpkError } from '../../core/errors.ts';
import type { RunResult } from '../../engine/types.ts';
import { noHost } from '../../inventory/targeting.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import { confirm } from '../shared/confirm.ts';
import { engineInput } from '../shared/engine-input.ts';
import type { Ending } from '../shared/exit-codes.ts';
import { fetchFlags } from '../shared/flags.ts';
import { roleOnlyOf } from '../shared/role-only-of.ts';
import { RunningCommand } from '../shared/running-command.ts';
import { targetOf } from '../shared/targets.ts';

export default class Replace extends RunningCommand<typeof Replace> {
  static override readonly summary = 'Set up anew a host that was installed anew or exchanged.';
  static override readonly description =
    'For a host whose disk is gone, the first master too: pins its new host key, which --host-key names or a person agrees to; looks at it, and refuses one that lives (18): `reset` clears that first; takes what it was out of the cluster, as for one that is gone; and sets it up as a new one. The inventory stays as it is. Killed in between it goes on when it is run again.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> m1',
    '<%= config.bin %> <%= command.id %> w2 --yes --host-key SHA256:Pl5V6mDzJyGg0lyt5LwPpfjqRyzCGFJzPyHPVrTHPmE',
  ];
  static override readonly args = { host: Args.string({ description: 'Name of the host.', required: true }) };
  static readonly endings: readonly Ending[] = ['preflight', 'stage', 'gate', 'refused', 'rolledBack'];
  static override readonly flags = {
    ...RunningCommand.runningFlags,
    ...fetchFlags,
    'host-key': Flags.string({
      summary: 'Fingerprint of its new host key, as ssh-keygen -lf shows it on its console.',
      helpValue: 'SHA256:…',
    }),
  };

  protected override readonly repeated = ['host-key'];

  async run(): Promise<RunResult> {
    const { host: name } = this.args;
    const cluster = await this.loadCluster();
    const host = cluster.hosts.find((each) => each.name === name);
    if (!host) throw notThere(cluster, name);
    checkOthers(cluster, name);
    await this.pin(host);
    const isBare = (await this.look(cluster, name)) === 'bare';
    const { applyRun } = await import('../../engine/runs/apply.ts');
    const lead = `First: ${name} as it was leaves the cluster. Then it is set up anew.`;
    const left = isBare
      ? await this.carryOut(asGone(cluster, host), {
          run: (input) => applyRun({ ...input, confirm: (plan) => input.confirm(plan, lead) }),
          artifacts: true,
          question: `Take what ${name} was out of the cluster?`,
        })
      : undefined;
    if (left && left.status !== 'succeeded') return left;
    return this.carryOut(cluster, { run: applyRun, artifacts: true, question: `Set ${name} up?` });
  }

  /** A host that lives must not be taken for gone, whatever key it offers. */
  private async look(cluster: Cluster, name: string): Promise<'bare' | 'begun'> {
    const { lookAtReplaced } = await import('../../engine/runs/replace.ts');
    const caller = this.caller(() => undefined);
    return lookAtReplaced(await engineInput(cluster, this.flags, caller, { artifacts: false }), name);
  }

  /** Whoever answers at that address gets all that a member of the cluster gets. */
  private async pin(host: Host): Promise<void> {
    const [{ doorsOf, scanHostKey }, { replaceHostKey }, { ConnectionPool }] = await Promise.all([
      import('../../transport/host-keys.ts'),
      import('../../transport/pin-keys.ts'),
      import('../../transport/hops.ts'),
    ]);
    const door = doorsOf(targetOf(host)).at(-1);
    if (!door) return;
    const key = await scanHostKey(door, this.signal, new ConnectionPool());
    const { fingerprint, type } = key;
    const expected = this.flags['host-key'];
    const offered = `${host.name} offers the host key ${fingerprint} (${type})`;
    // Also where it is the one that is pinned: the machine that is meant is another one then.
    if (expected !== undefined && expected !== fingerprint)
      throw new McpkError('hostKey', `${offered}, and not ${JSON.stringify(expected)}`, { host: host.name });
    if (key.verdict === 'known') return;
    const said = `${offered}, another one than it had`;
    if (expected === undefined && !(await this.isAgreed(`${said}.`)))
      throw new McpkError('hostKey', said, {
        host: host.name,
        hint: 'Compare it with what its console shows (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then name it: --host-key SHA256:…',
      });
    const { file } = replaceHostKey(door, key);
    this.note(`${host.name}: pinned ${fingerprint} in ${file}\n`);
  }

  private async isAgreed(said: string): Promise<boolean> {
    if (this.flags.yes || !process.stdin.isTTY || !process.stderr.isTTY || this.jsonEnabled()) return false;
    this.note(`${said}\n`);
    return confirm("Is this your host's new key?", this.signal);
  }
}

function notThere(cluster: Cluster, name: string): McpkError {
  const state = cluster.leaving.find((each) => each.name === name)?.state;
  if (state === undefined) return noHost(name, { cluster, hosts: cluster.hosts });
  return new McpkError('refused', `${name} is ${state}: there is nothing to replace`, {
    hint: 'It is set up anew when `state` is taken out of its entry: mcpk apply.',
  });
}

/** Throws `refused` where nobody else has what the host had. */
function checkOthers(cluster: Cluster, name: string): void {
  const alone = roleOnlyOf(cluster, name);
  if (alone === undefined) return;
  throw new McpkError(
    'refused',
    `${name} is the only host with the role ${alone}: nobody else has what the cluster held`,
    {
      host: name,
      hint: 'Where its disk is gone: mcpk apply sets it up as a new cluster, mcpk etcd restore BUNDLE brings the data back.',
    },
  );
}

/** Its entry stays as it is: only this run takes it for gone. */
function asGone(cluster: Cluster, host: Host): Cluster {
  return {
    ...cluster,
    hosts: cluster.hosts.filter((each) => each !== host),
    leaving: [...cluster.leaving, { ...host, state: 'gone' }],
  };
}
