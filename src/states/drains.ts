import { cordon, uncordon } from '../cluster/cordon.ts';
import { drain } from '../cluster/drain.ts';
import type { Facts } from '../cluster/facts.ts';
import { apiHost } from '../cluster/kubectl.ts';
import { hasLaid } from '../cluster/laid.ts';
import type { Cluster } from '../inventory/types.ts';
import type { DeferredStates, StepAround } from './stage.ts';

/** Takes new pods, then those that are there, off nodes. A cordon of mcpk's own is undone, one of others stays theirs. */
export function emptying(cluster: Cluster, facts: Facts, nodes: readonly string[]): StepAround[] {
  const on = apiHost(cluster, facts);
  return [
    ...ours(facts, nodes).map((node) => ({
      title: `cordon ${node}`,
      on,
      run: cordon(cluster, on, node),
      undo: uncordon(cluster, on, node),
      marked: true as const,
      node,
    })),
    ...nodes.map((node) => draining(cluster, on, node)),
  ];
}

/** The same in a rollout: a node that does not drain may be left out of it. */
export function emptyingInTurn(cluster: Cluster, facts: Facts, nodes: readonly string[]): StepAround[] {
  const skips = cluster.rollout.drain.onTimeout === 'skip';
  return emptying(cluster, facts, nodes).map((step) => (skips && step.long ? { ...step, orSkip: true } : step));
}

/** The way back, for a batch's `held`: a node that is not well gets no pods. */
export function filling(cluster: Cluster, facts: Facts, nodes: readonly string[]): StepAround[] {
  const on = apiHost(cluster, facts);
  return ours(facts, nodes).map((node) => ({ title: `uncordon ${node}`, on, run: uncordon(cluster, on, node), node }));
}

/** Takes the pods off a node that gets no new ones. */
export function draining(cluster: Cluster, on: string, node: string): StepAround {
  return { title: `drain ${node}`, on, run: drain(cluster, on, node), long: true, node, together: 'drain' };
}

/** Why the drains of hosts can't be planned yet, if so: for a stage's `waits`. */
export function nodesUnknown(
  { nodes, hosts }: Facts,
  names: readonly string[],
): Omit<DeferredStates, 'deferred'> | undefined {
  if (nodes !== undefined || !names.some((name) => hasLaid(hosts.get(name), 'nodes'))) return undefined;
  return { until: 'api-access', why: 'no API server answers, so which nodes are to be drained is not known' };
}

/** What an operator cordoned stays so. */
function ours({ nodes }: Facts, names: readonly string[]): string[] {
  return names.filter((name) => nodes?.get(name)?.cordoned !== 'other');
}
