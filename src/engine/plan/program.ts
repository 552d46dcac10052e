import type { GateContext } from '../../cluster/gate.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Stage } from '../../states/stage.ts';
import { API } from '../../core/places.ts';
import { changesOf, type HostPlan, type Plan, type PlannedStep, type StagePlan } from '../types.ts';

/** How hosts come to what a plan says: by a stream of changes, by objects in the API, by putting back a generation. */
export type Work = 'converge' | 'objects' | 'restore';

/** Hosts that change together, and what is done around them. */
export interface Batch {
  /** Its place in the stage. */
  index: number;
  hosts: readonly string[];
  before: readonly PlannedStep[];
  work: readonly { by: Work; plan: HostPlan }[];
  /** What hosts do besides. */
  steps: readonly PlannedStep[];
  after: readonly PlannedStep[];
  /** Once its gates have held. */
  held: readonly PlannedStep[];
  /** Hosts whose gates must hold before anything else begins: after the last batch all of the stage's. */
  gates: readonly string[];
}

export interface ProgramStage {
  stage: Stage;
  /** Where it is deferred the hands make another one of it when its turn comes. */
  plan: StagePlan;
  /** It may change, or one that may needs it: the gates of others are not asked. */
  inScope: boolean;
  /** Its gates were seen to hold, and nothing of it changes. */
  isHeld: boolean;
}

/** What a run sets out to do: `execute` carries it out, and does nothing else. */
export interface Program {
  cluster: Cluster;
  plan: Plan;
  stages: readonly ProgramStage[];
  /** Where its binaries lie on hosts. */
  staged?: GateContext['staged'];
  /** What its hosts do: put back what a run did, or come to what the inventory says. */
  restores: boolean;
  /** Goes on where a guard does not hold, and says what comes of it. */
  forceUnsafe: boolean;
  /** A host whose gate fails stays as it is, to be looked at. */
  noRollback: boolean;
  /** Nodes that may be left out as they do not drain. */
  maxFailures: number;
  /** Seconds between batches. */
  pause: number;
}

/** The batches of a stage, in order. */
export function batchesOf(plan: StagePlan, { restores }: Pick<Program, 'restores'>): Batch[] {
  const steps = (batch: number, when: PlannedStep['when']): PlannedStep[] =>
    plan.steps.filter((step) => step.batch === batch && step.when === when);
  const by = (host: string): Work => (restores ? 'restore' : host === API ? 'objects' : 'converge');
  return plan.batches.map((hosts, index) => ({
    index,
    hosts,
    before: steps(index, 'before'),
    work: plan.hosts
      .filter((each) => hosts.includes(each.host) && hasChanges(each))
      .map((each) => ({ by: by(each.host), plan: each })),
    steps: steps(index, 'work'),
    after: steps(index, 'after'),
    held: steps(index, 'held'),
    gates: index === plan.batches.length - 1 ? gatedHosts(plan) : hosts,
  }));
}

/** All hosts of a stage that have gates. */
export function gatedHosts(plan: StagePlan): string[] {
  return plan.hosts.map(({ host }) => host).filter((host) => host !== API);
}

export function hasChanges(plan: HostPlan): boolean {
  return changesOf(plan).length > 0;
}
