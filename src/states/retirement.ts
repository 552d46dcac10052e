import { apiServerGuard } from '../cluster/guards.ts';
import type { Facts } from '../cluster/facts.ts';
import { owns } from '../cluster/laid.ts';
import { leavers } from '../cluster/leaving.ts';
import { contactable, type Cluster } from '../inventory/types.ts';
import { nothing } from './build.ts';
import type { AroundContext, Stage, Steps } from './stage.ts';
import { stopping } from './unit-steps.ts';

const UNITS = ['kube-scheduler.service', 'kube-controller-manager.service', 'kube-apiserver.service'];

/** The API server and the controllers that mcpk laid on a host, in the order in which they stop. */
export function servingUnits(facts: Facts, host: string): string[] {
  return UNITS.filter((unit) => owns(facts.hosts.get(host), `unit:${unit}`));
}

/** Once no HAProxy sends it anything, and before its member of etcd goes. */
export const retirement: Stage = {
  name: 'retirement',
  title: 'API servers that leave',
  about: 'stops the API server and the controllers of hosts that are masters no longer',
  hosts: contactable,
  needs: ['haproxy', 'keepalived'],
  states: () => [],
  idle: (cluster, facts) => retiring(cluster, facts).length === 0,
  due: retiring,
  guard: (context) => apiServerGuard(context, retiringOf(context)),
  around,
  back: { around: nothing, guard: () => [] },
};

function retiring(cluster: Cluster, facts: Facts): string[] {
  return leavers(cluster, facts)
    .filter(({ master }) => master)
    .map(({ host }) => host.name);
}

function retiringOf({ cluster, facts, batch }: AroundContext): string[] {
  return retiring(cluster, facts).filter((name) => batch.includes(name));
}

function around(context: AroundContext): Steps {
  const stop = retiringOf(context).map((name) => ({
    title: `stop the API server of ${name} gracefully`,
    on: name,
    ...stopping(...servingUnits(context.facts, name)),
    marked: true as const,
  }));
  return { before: stop, after: [] };
}
