import type { Facts } from '../../cluster/facts.ts';
import { isNew } from '../../cluster/laid.ts';
import { etcdStorage, isOutOfStep, runningVersions } from '../../cluster/running.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Brings, Stage } from '../../states/stage.ts';
import { API } from '../../core/places.ts';
import {
  changesOf,
  type HostPlan,
  type Plan,
  type RunningPlan,
  type Selection,
  type StagePlan,
  type StateTree,
} from '../types.ts';
import { actionsOf } from './actions.ts';
import type { Comparisons } from './compare.ts';
import { isNamed } from './named-stages.ts';
import { owedSteps } from './owed.ts';
import { moving, stepsAround } from './steps.ts';

export interface PlanInput {
  cluster: Cluster;
  facts: Facts;
  stages: readonly Stage[];
  tree: StateTree;
  comparisons: Comparisons;
  selection: Selection;
  /** Absent = what the inventory wants. */
  brings?: Brings;
  inventory: Plan['inventory'];
  tool: string;
  now: Date;
}

/** Orders the differences: which hosts, in which batches, with which steps and gates. Pure. */
export function plan(input: PlanInput): Plan {
  const stages = input.stages.map((stage) => planStage(stage, input));
  const all = stages.flatMap((stage) => stage.hosts).flatMap((host) => host.items);
  const changes = stages.flatMap((stage) => stage.hosts).flatMap((host) => changesOf(host));
  const verbs = (verb: string): number => changes.filter((item) => item.comparison.verb === verb).length;
  const { kubernetes, etcd } = input.cluster.versions;
  return {
    apiVersion: 'mcpk/v1',
    kind: 'Plan',
    tool: input.tool,
    created: input.now.toISOString(),
    cluster: input.cluster.name,
    versions: { kubernetes, etcd },
    inventory: input.inventory,
    selection: namesOf(input.selection),
    etcd: input.facts.etcd,
    ...(isOutOfStep(input.cluster, runningVersions(input.facts)) ? { running: runningPlan(input.facts) } : {}),
    hosts: plannedHosts(input),
    stages,
    actions: actionsOf(stages, gateTitles(input)),
    refused: [],
    summary: {
      changes: changes.length + stages.flatMap(owedSteps).length,
      hosts: new Set(stages.flatMap(touchedHosts)).size,
      restarts: verbs('restart'),
      reloads: verbs('reload'),
      removals: verbs('remove'),
      unchanged: all.filter((item) => item.comparison.result === 'unchanged').length,
      deferred:
        all.filter((item) => item.comparison.result === 'deferred').length +
        // Of others the resources are known, and counted.
        stages.filter((stage) => stage.deferred && !stage.hosts.some(isDeferred)).length,
    },
  };
}

/** What runs, as a plan keeps it and `verify` tells it. */
export function runningPlan(facts: Facts): RunningPlan {
  const storage = etcdStorage(facts);
  return { hosts: Object.fromEntries(runningVersions(facts)), ...(storage === undefined ? {} : { storage }) };
}

function namesOf({ limit, only, skip }: Selection): Plan['selection'] {
  return {
    ...(limit ? { limit: [...limit].toSorted() } : {}),
    ...(only ? { only: [...only].toSorted() } : {}),
    ...(skip ? { skip: [...skip].toSorted() } : {}),
  };
}

/** The selection that a plan was made with. */
export function selectionOf({ selection: { limit, only, skip } }: Plan): Selection {
  return {
    ...(limit ? { limit: new Set(limit) } : {}),
    ...(only ? { only: new Set(only) } : {}),
    ...(skip ? { skip: new Set(skip) } : {}),
  };
}

function plannedHosts({ cluster, facts }: PlanInput): Plan['hosts'] {
  const leaving = new Set(cluster.leaving.map(({ name }) => name));
  return Object.fromEntries(
    [...facts.hosts].map(([name, own]) => [
      name,
      {
        machineId: own.machineId,
        ...(isNew(own) && !leaving.has(name) ? { new: true as const } : {}),
        ...(own.holdsVip ? { holdsVip: true as const } : {}),
        ...(facts.standing?.etcdLeader === name ? { leads: true as const } : {}),
      },
    ]),
  );
}

/** One stage; used again when a deferred stage is known. */
export function planStage(stage: Stage, input: PlanInput): StagePlan {
  const compiled = input.tree.stages.find((each) => each.name === stage.name);
  const hosts = (input.comparisons.stages.get(stage.name) ?? []).filter((host) =>
    selected(stage.name, host.host, input),
  );
  const changed = hosts.filter((host) => changesOf(host).length > 0).map((host) => host.host);
  const waits = stage.waits?.(input.cluster, input.facts, moving(hosts));
  const { cluster, facts, brings } = input;
  const owes = [
    ...(stage.owes?.(cluster, facts) ?? []),
    ...(stage.due?.(cluster, facts) ?? []),
    ...leftBy(stage, input),
  ];
  const owing = hosts.map(({ host }) => host).filter((host) => owes.includes(host) && !changed.includes(host));
  const batches =
    waits === undefined
      ? [
          ...(owing.length === 0 ? [] : owingBatches(stage, input, owing)),
          ...(changed.length === 0 ? [] : batchesOf(stage, input, changed)),
        ]
      : [];
  const deferred = compiled?.deferred ?? deferredApi(stage, hosts) ?? waits;
  const steps = stepsAround(stage, { cluster, facts, batches, hosts, ...(brings ? { brings } : {}) });
  const mayDrain = deferred !== undefined || steps.some(({ node }) => node !== undefined);
  const irreversible = changed.length > 0 ? stage.irreversible?.(input.cluster, input.facts) : undefined;
  return {
    name: stage.name,
    title: stage.title,
    needs: [...stage.needs, ...(mayDrain ? (stage.drainsAfter ?? []) : [])],
    batches,
    order: orderText(input, stage, batches),
    gates: gateTitles(input)(stage.name, [...owing, ...changed]),
    steps,
    hosts,
    ...(irreversible === undefined ? {} : { irreversible }),
    ...(deferred && selected(stage.name, stage.api ? API : undefined, input) ? { deferred } : {}),
  };
}

function gateTitles({ stages, cluster, facts }: PlanInput): (stage: string, hosts: readonly string[]) => string[] {
  return (name, hosts) => {
    const gates = stages.find((stage) => stage.name === name)?.gate?.({ cluster, facts, hosts }) ?? [];
    return [...new Set(gates.map((gate) => gate.title))];
  };
}

/** Those in batches, and those that will be in one. */
function touchedHosts({ batches, hosts }: StagePlan): string[] {
  const changed = hosts.filter((each) => changesOf(each).length > 0).map(({ host }) => host);
  return [...batches.flat(), ...changed].filter((host) => host !== API);
}

/** Whether something of the host could not be compared. */
export function isDeferred(host: HostPlan): boolean {
  return host.items.some((item) => item.comparison.result === 'deferred');
}

/** Objects can be compared only once an API server answers. */
function deferredApi(stage: Stage, hosts: readonly HostPlan[]): StagePlan['deferred'] {
  const first = hosts.flatMap((host) => host.items).find((item) => item.comparison.result === 'deferred');
  if (first?.comparison.result !== 'deferred') return undefined;
  return { until: stage.needs.at(-1) ?? first.comparison.until, why: first.comparison.why };
}

function batchesOf(stage: Stage, input: PlanInput, changed: readonly string[]): string[][] {
  if (stage.api || !stage.rollout) return [[...changed]];
  const batches = stage.rollout(input.cluster, input.facts, changed).filter((batch) => batch.length > 0);
  // What is down is mended first: until then there is less to spare.
  const [first, then] = [true, false].map((down) => batches.filter((batch) => isDown(stage, input, batch) === down));
  return [...(first ?? []), ...(then ?? [])];
}

function owingBatches(stage: Stage, input: PlanInput, owing: string[]): string[][] {
  return stage.inTurn ? batchesOf(stage, input, owing) : [owing];
}

function isDown(stage: Stage, input: PlanInput, batch: readonly string[]): boolean {
  const down = [...(stage.down?.(input.cluster, input.facts) ?? []), ...leftBy(stage, input)];
  return batch.every((host) => down.includes(host));
}

/** Hosts on which a run that was cut off left something of the stage undone. */
function leftBy({ name }: Stage, { facts: { owed = [] } }: PlanInput): string[] {
  return owed.filter(({ stage }) => stage === name).map(({ host }) => host);
}

/** Without a host: whether the stage is, on whatever host. */
export function selected(
  stage: string,
  host: string | undefined,
  { cluster, selection }: Pick<PlanInput, 'cluster' | 'selection'>,
): boolean {
  const { limit } = selection;
  if (!isNamed(stage, selection)) return false;
  if (!limit || host === undefined) return true;
  // Objects in the API are the cluster's: they go with the masters.
  if (host === API) return cluster.hosts.some((each) => each.roles.includes('master') && limit.has(each.name));
  return limit.has(host);
}

function orderText(input: PlanInput, stage: Stage, batches: readonly (readonly string[])[]): string {
  if (batches.length < 2) return '';
  const order = batches.map((batch) => batch.join(', ')).join(' → ');
  const down = batches.filter((batch) => isDown(stage, input, batch)).flat();
  const holder = [...input.facts.hosts].find(([, host]) => host.holdsVip)?.[0];
  const why = [
    ...(down.length > 0 ? [`${down.join(', ')} does not serve, so it goes first`] : []),
    ...(holder !== undefined && !stage.inTurn && batches.at(-1)?.includes(holder)
      ? [`${holder} holds the VIP, so it goes last`]
      : []),
  ];
  return why.length === 0 ? order : `${order} (${why.join('; ')})`;
}
