import type { Command } from '@oclif/core';
import type { RunResult } from '../../engine/types.ts';
import type { Cluster } from '../../inventory/types.ts';
import { renderRestore } from '../../report/restore-text.ts';
import type { RestoredBundle } from '../../states/wishes/etcd-restore/wish.ts';
import { confirmName } from './confirm.ts';
import { connectionFlags, inventoryFlags, lockFlags, nameFlags } from './flags.ts';
import { RunningCommand } from './running-command.ts';

export interface Restoring {
  cluster: Cluster;
  /** Undefined: the old data come back. */
  bundle: RestoredBundle | undefined;
  /** Whether the cluster's name is still to be typed. */
  asks: boolean;
}

/** What ends in a restore of etcd. */
export abstract class RestoringCommand<T extends typeof Command> extends RunningCommand<T> {
  static readonly restoringFlags = { ...inventoryFlags, ...connectionFlags, ...lockFlags, ...nameFlags };

  protected async restore({ cluster, bundle, asks }: Restoring): Promise<RunResult> {
    const [{ wishRun }, { abandoningWish, restoringWish }] = await Promise.all([
      import('../../engine/runs/wish.ts'),
      import('../../states/wishes/etcd-restore/wish.ts'),
    ]);
    const wish = bundle ? restoringWish(cluster, bundle) : abandoningWish();
    const lead = (): string => {
      const of = bundle ? { snapshot: bundle.opened.bundle } : {};
      return renderRestore({ ...of, ...wish.found }, this.progressTheme(), new Date());
    };
    return this.carryOut(cluster, {
      run: (input) => wishRun({ ...input, confirm: (plan) => input.confirm(plan, lead()) }, wish),
      artifacts: false,
      question: (signal) => confirmName(cluster.name, signal),
      asks,
      again: { command: 'etcd restore', words: [bundle?.file ?? '--abandon'] },
    });
  }
}
