import type { Facts } from '../../cluster/facts.ts';
import { hasLaid } from '../../cluster/laid.ts';
import type { Stage } from '../../states/stage.ts';
import { changesOf, type HostPlan } from '../types.ts';
import { needing } from './backwards.ts';
import type { Comparisons } from './compare.ts';
import { selected, type PlanInput } from './plan.ts';

/**
 * What is compared, with what goes along ({@link Stage.along}) at the host and stage with which it changes, and the
 * stages with the gates that hold of both there. Nothing goes along on a host that joins, which serves nobody who would
 * have to be stepped aside for; nor where it is down, as what is stepped aside for may need it, and it is mended first;
 * nor where something changes that rests on it and would come before.
 */
export function withAlong(
  { stages, cluster, selection }: Pick<PlanInput, 'stages' | 'cluster' | 'selection'>,
  facts: Facts,
  comparisons: Comparisons,
): { stages: readonly Stage[]; comparisons: Comparisons } {
  const plans = new Map(comparisons.stages);
  const changes = (stage: string, host: string): boolean =>
    selected(stage, host, { cluster, selection }) &&
    (plans.get(stage) ?? []).some((plan) => plan.host === host && changesOf(plan).length > 0);
  const rolling = stages.map((stage) => {
    const taken = (stage.along ?? []).flatMap((name) => {
      const other = stages.find((each) => each.name === name);
      const down = other?.down?.(cluster, facts) ?? [];
      const after = [stage.name, ...needing(stages, stage.name)];
      const between = needing(stages, name).filter((each) => !after.includes(each));
      const isFirst = (host: string): boolean => down.includes(host) || between.some((each) => changes(each, host));
      // Where nothing changes, as on most hosts of most runs, nobody is asked for the rest.
      const changing = [...facts.hosts.keys()].filter((host) => changes(stage.name, host) && changes(name, host));
      const going = changing.filter((host) => hasLaid(facts.hosts.get(host), stage.name) && !isFirst(host));
      return other && going.length > 0 ? [{ other, going }] : [];
    });
    for (const { other, going } of taken) move(plans, { from: other.name, to: stage.name, hosts: going });
    return taken.length === 0 ? stage : { ...stage, gate: gateOfBoth(stage, taken) };
  });
  return { stages: rolling, comparisons: { ...comparisons, stages: plans } };
}

interface Going {
  other: Stage;
  /** Hosts on which it goes along. */
  going: readonly string[];
}

/** All that is described there goes: of what does not change it is remembered too that it is owned. */
function move(
  plans: Map<string, HostPlan[]>,
  { from, to, hosts }: { from: string; to: string; hosts: readonly string[] },
): void {
  const gone = new Map((plans.get(from) ?? []).map(({ host, items }) => [host, items]));
  const isGoing = ({ host }: HostPlan): boolean => hosts.includes(host);
  plans.set(
    to,
    (plans.get(to) ?? []).map((plan) =>
      isGoing(plan) ? { ...plan, items: [...(gone.get(plan.host) ?? []), ...plan.items] } : plan,
    ),
  );
  // Its gate may be what the change mends: it is not asked before.
  plans.set(
    from,
    (plans.get(from) ?? []).filter((plan) => !isGoing(plan)),
  );
}

function gateOfBoth(stage: Stage, taken: readonly Going[]): NonNullable<Stage['gate']> {
  return (context) => [
    ...taken.flatMap(({ other, going }) => {
      const hosts = context.hosts.filter((host) => going.includes(host));
      return hosts.length === 0 ? [] : (other.gate?.({ ...context, hosts }) ?? []);
    }),
    ...(stage.gate?.(context) ?? []),
  ];
}
