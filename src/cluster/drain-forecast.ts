import type { DrainSettings } from '../inventory/types.ts';
import { neverAllows, type Budget, type Hindrance, type PodOnNode } from './eviction.ts';

export interface Forecast {
  /** What a drain comes to, for a reader. */
  lines: string[];
  /** Why it could never come to its end. */
  problems: { message: string; hint: string }[];
}

/** A pod that a drain would evict, and what keeps it from that now. */
export interface Evicted {
  pod: PodOnNode;
  hindrance?: Hindrance | undefined;
}

/** Whether a drain takes it off its node: those of DaemonSets would come back at once, static ones are the kubelet's. */
export function goes({ controller, isStatic }: PodOnNode): boolean {
  return controller !== 'DaemonSet' && !isStatic;
}

/** What the drain of a node with these pods comes to. */
export function forecast(
  pods: readonly PodOnNode[],
  evicted: readonly Evicted[],
  { settings, budgets }: { settings: DrainSettings; budgets: readonly Budget[] },
): Forecast {
  const going = pods.filter(goes);
  const losing = going.filter(({ ended, emptyDir }) => emptyDir && !ended);
  const alone = going.filter(({ ended, controller }) => controller === undefined && !ended);
  const waiting = evicted.flatMap(({ pod, hindrance }) =>
    hindrance && 'budget' in hindrance ? [`${nameOf(pod)} waits for budget ${hindrance.budget}`] : [],
  );
  const parts = [
    `${counted(going.length, 'pod')} ${going.length === 1 ? 'goes' : 'go'}`,
    `${String(pods.length - going.length)} of DaemonSets or static stay`,
    ...(losing.length > 0 ? [`${String(losing.length)} lose an emptyDir`] : []),
    ...(alone.length > 0 ? [`no controller makes ${some(alone.map(nameOf))} anew`] : []),
    ...(waiting.length > 0 ? [`now ${some(waiting)}`] : []),
  ];
  return {
    lines: [parts.join(', ')],
    problems: [
      ...refusedPods(alone, settings.unmanaged === 'refuse', {
        what: 'no controller would make it anew elsewhere',
        hint: 'Take it off yourself, or let it end: rollout.drain.unmanaged: delete',
      }),
      ...refusedPods(losing, settings.emptyDir === 'refuse', {
        what: 'it would lose an emptyDir',
        hint: 'Take it off yourself, or let it go: rollout.drain.emptyDir: delete',
      }),
      ...evicted.flatMap(({ pod, hindrance }) => hindered(pod, hindrance, budgets)),
    ],
  };
}

function refusedPods(
  pods: readonly PodOnNode[],
  isRefused: boolean,
  { what, hint }: { what: string; hint: string },
): Forecast['problems'] {
  return isRefused ? pods.map((pod) => ({ message: `pod ${nameOf(pod)} can't be drained: ${what}`, hint })) : [];
}

function hindered(pod: PodOnNode, hindrance: Hindrance | undefined, budgets: readonly Budget[]): Forecast['problems'] {
  if (hindrance === undefined || 'says' in hindrance) return [];
  if ('several' in hindrance)
    return [
      {
        message: `pod ${nameOf(pod)} can't be drained: several budgets are about it, and the API evicts none of those`,
        hint: `Leave it one: kubectl --namespace ${pod.namespace} get poddisruptionbudgets`,
      },
    ];
  const budget = budgets.find(({ namespace, name }) => namespace === pod.namespace && name === hindrance.budget);
  if (budget === undefined || !neverAllows(budget)) return [];
  const { name, namespace, desired, expected } = budget;
  return [
    {
      message: `pod ${nameOf(pod)} can't be drained: budget ${namespace}/${name} wants ${String(desired)} of ${String(expected)} healthy, so it never lets one go`,
      hint: 'Give it more pods, or a budget that spares one.',
    },
  ];
}

const MOST_NAMES = 3;

function some(names: readonly string[]): string {
  const more = names.length - MOST_NAMES;
  return more > 0 ? `${names.slice(0, MOST_NAMES).join(', ')} and ${String(more)} more` : names.join(', ');
}

function nameOf({ namespace, name }: PodOnNode): string {
  return `${namespace}/${name}`;
}

function counted(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}
