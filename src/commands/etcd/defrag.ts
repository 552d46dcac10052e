import { Errors, Flags } from '@oclif/core';
import type { EtcdReport } from '../../cluster/facts.ts';
import type { DefragResult } from '../../engine/runs/etcd-defrag.ts';
import type { Plan } from '../../engine/types.ts';
import { renderEtcd } from '../../report/etcd-text.ts';
import type { Ending } from '../shared/exit-codes.ts';
import { changeFlags, connectionFlags, inventoryFlags, lockFlags } from '../shared/flags.ts';
import { RunningCommand } from '../shared/running-command.ts';

export default class Defrag extends RunningCommand<typeof Defrag> {
  static override readonly summary = "Give back what is free in etcd's databases, one member after the other.";
  static override readonly description =
    'A member answers nobody while it is defragmented: its API server is taken out first, leadership is moved away, and the leader comes last, with the guards and gates of apply. Where etcd has no space left (the alarm NOSPACE) its history is compacted before and the alarm taken back afterwards, so that it takes writes again. Exit 18: a member is not healthy; 16: etcd is still full.';
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> -i lab.yaml',
    '<%= config.bin %> <%= command.id %> --min-free 50% --yes',
  ];
  static readonly endings: readonly Ending[] = ['stage', 'gate', 'refused'];
  static override readonly flags = {
    ...inventoryFlags,
    ...connectionFlags,
    ...lockFlags,
    ...changeFlags,
    'min-free': Flags.string({
      helpValue: 'N%',
      default: '0%',
      summary: 'Leave members alone of whose database less than this is free.',
      parse: async (text) => {
        if (/^(\d{1,2}|100)%$/.test(text)) return text;
        throw new Errors.CLIError(`a percentage such as 50%, not ${JSON.stringify(text)}`);
      },
    }),
  };

  async run(): Promise<DefragResult | { status: 'nothing to do' }> {
    const cluster = await this.loadCluster();
    const [{ etcdDefrag }, { etcdDefrag: stageOf }] = await Promise.all([
      import('../../engine/runs/etcd-defrag.ts'),
      import('../../states/wishes/etcd-defrag.ts'),
    ]);
    const minFree = Number.parseInt(this.flags['min-free'], 10) / 100;
    const result = await this.carryOut(cluster, {
      run: (input) => {
        const confirm = (plan: Plan, before: EtcdReport): Promise<boolean> =>
          input.confirm(plan, renderEtcd(before, this.progressTheme()).trimEnd());
        return etcdDefrag({ ...input, minFree, stageOf, confirm });
      },
      artifacts: false,
      question: 'Defragment?',
    });
    if (result === undefined) {
      this.print(`No member has ${this.flags['min-free']} of its database free: nothing was to be done.\n`);
      return { status: 'nothing to do' };
    }
    this.print(renderEtcd(result.after, this.theme));
    return result;
  }
}
