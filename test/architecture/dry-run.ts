import type { OwnedEntry } from '../../src/cluster/facts.ts';
import { compare } from '../../src/engine/plan/compare.ts';
import { compile } from '../../src/engine/plan/compile.ts';
import { inventoryOf } from '../../src/engine/plan/inventory-digest.ts';
import { plan } from '../../src/engine/plan/plan.ts';
import type { Plan, PlanItem, StagePlan, StateTree } from '../../src/engine/types.ts';
import { emptyObserved } from '../../src/engine/wire/wire.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import type { Observed, Resource } from '../../src/resources/types.ts';
import type { Stage } from '../../src/states/stage.ts';
import { anyArtifact, factsOf, labCluster } from '../states/cluster.ts';

export interface Given {
  stages: readonly Stage[];
  cluster?: Cluster;
  /** Of each host; bare unless given. */
  observed?: Observed;
  /** Of each host. */
  owned?: OwnedEntry[];
}

export interface DryRun {
  tree: StateTree;
  plan: Plan;
}

/** Stages of the cluster of the lab, from its facts to the plan: all that needs no host. */
export async function dryRun({ stages, cluster, observed = emptyObserved(), owned = [] }: Given): Promise<DryRun> {
  const of = cluster ?? (await labCluster());
  const facts = factsOf(of, {}, { owned });
  const manifests = new Map<string, string>();
  const described = { cluster: of, artifacts: anyArtifact, manifests };
  const tree = compile({ ...described, facts, stages });
  const seen = new Map(tree.hosts.map((host) => [host, observed]));
  const now = new Date(0);
  const comparisons = compare({ tree, observed: seen, facts: facts.hosts, apiOwned: new Map(), now });
  const inventory = inventoryOf(described);
  return {
    tree,
    plan: plan({ cluster: of, facts, stages, tree, comparisons, selection: {}, inventory, tool: 't', now }),
  };
}

/** A stage of the tests' own, which describes the same on each worker. */
export function greetingStage(resources: readonly Resource[], more: Partial<Stage> = {}): Stage {
  return {
    name: 'greeting',
    title: 'Greeting',
    needs: ['system'],
    hosts: ({ hosts }) => hosts.filter((host) => host.roles.includes('worker')),
    states: () => [...resources],
    ...more,
  };
}

export function stageOf({ plan: { stages } }: DryRun, name: string): StagePlan {
  const found = stages.find((stage) => stage.name === name);
  if (!found) throw new Error(`the plan has no stage ${name}`);
  return found;
}

/** What the stage does on one host. */
export function itemsOf(run: DryRun, stage: string, host: string): PlanItem[] {
  return stageOf(run, stage).hosts.find((each) => each.host === host)?.items ?? [];
}
