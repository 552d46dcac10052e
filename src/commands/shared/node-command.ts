import { Args, type Command } from '@oclif/core';
import type { EngineInput } from '../../engine/input.ts';
import type { Plan, RunResult } from '../../engine/types.ts';
import { hostsWith, type Cluster } from '../../inventory/types.ts';
import type { Stage } from '../../states/stage.ts';
import type { Wish } from '../../states/wishes/wish.ts';
import { planOnlyFlags } from './flags.ts';
import { RunningCommand } from './running-command.ts';

interface Wished {
  /** Made of the hosts that are meant. */
  wish: (among: string[]) => Wish;
  /** As `--limit` has them; by default all. */
  limit?: string;
  question: string;
}

/** What is done to nodes beside what the inventory says. */
export abstract class NodeCommand<T extends typeof Command> extends RunningCommand<T> {
  static readonly planOnlyFlags = planOnlyFlags;
  static readonly hostsArgs = {
    expr: Args.string({ description: 'Hosts, as --limit of apply takes them.', required: true }),
  };

  protected async wished(cluster: Cluster, { wish, question, ...how }: Wished): Promise<RunResult | Plan> {
    const { planWish, wishRun } = await import('../../engine/runs/wish.ts');
    const wishOf = (input: EngineInput): Wish => wish([...(input.selection.limit ?? [])]);
    const meant = { ...how, artifacts: false };
    if (this.wantsPlan) return this.planOnly(cluster, { ...meant, plan: (input) => planWish(input, wishOf(input)) });
    return this.carryOut(cluster, { ...meant, run: (input) => wishRun(input, wishOf(input)), question });
  }

  /** Of one node, asked of a master: the node itself need not answer. */
  protected onNode(cluster: Cluster, stage: Stage, question: string): Promise<RunResult | Plan> {
    const masters = hostsWith(cluster, 'master').map((host) => host.name);
    return this.wished(cluster, { wish: () => ({ stages: [stage] }), limit: masters.join(','), question });
  }
}
