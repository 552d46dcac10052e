import { leavers, type Leaver } from '../../cluster/leaving.ts';
import type { Facts } from '../../cluster/facts.ts';
import type { Cluster } from '../../inventory/types.ts';
import { wipeInquiry } from '../removal/inquiry.ts';
import { stopKubelet, wipe } from '../removal/wipe.ts';
import { servingUnits } from '../retirement.ts';
import type { Stage, StepAround } from '../stage.ts';

/** A cluster of which these hosts are to be what they were before it; none is left to ask or to guard. */
export function withoutHosts(cluster: Cluster, names: ReadonlySet<string>): Cluster {
  const leaving = [...cluster.hosts, ...cluster.leaving].filter(({ name }) => names.has(name));
  return { ...cluster, hosts: [], leaving: leaving.map((host) => ({ ...host, state: 'absent' })) };
}

/** Workers first: while masters are there they are told what ends. */
export const RESET: readonly Stage[] = [
  reset('reset-workers', 'Workers', [], ({ host }) => !isMaster(host)),
  reset('reset-masters', 'Masters', ['reset-workers'], ({ host }) => isMaster(host)),
];

/**
 * All of them before any member of etcd goes: an API server without etcd does not end by itself, only when systemd kills
 * it after 90 s. They are not waited for here, so that they stop side by side; each host's wipe waits for its own.
 */
function stopServing(facts: Facts, host: string): StepAround[] {
  const units = servingUnits(facts, host);
  if (units.length === 0) return [];
  return [
    { title: `have the API server of ${host} stop`, on: host, run: ['systemctl', 'stop', '--no-block', ...units] },
  ];
}

function isMaster({ roles }: Leaver['host']): boolean {
  return roles.includes('master') || roles.includes('etcd');
}

function reset(name: string, title: string, needs: readonly string[], isOf: (leaver: Leaver) => boolean): Stage {
  const of = (cluster: Cluster, facts: Facts): Leaver[] => leavers(cluster, facts).filter(isOf);
  const names = (cluster: Cluster, facts: Facts): string[] => of(cluster, facts).map(({ host }) => host.name);
  return {
    name,
    title,
    needs,
    hosts: ({ leaving }) => leaving,
    states: () => [],
    takes: names,
    due: names,
    inquire: ({ cluster, facts }) => wipeInquiry(cluster, facts, of(cluster, facts)),
    around: ({ cluster, facts, batch }) => {
      const here = of(cluster, facts).filter(({ host }) => batch.includes(host.name));
      const wiped = here.map((leaver) => wipe(cluster, facts, leaver));
      return {
        before: [
          ...here.filter(({ node }) => node).map(({ host }) => stopKubelet(host.name)),
          ...here.flatMap(({ host }) => stopServing(facts, host.name)),
          ...wiped.flatMap(({ before }) => before),
        ],
        after: wiped.flatMap(({ after }) => after),
      };
    },
    irreversible: (cluster, facts) => (names(cluster, facts).length === 0 ? undefined : 'keys and data are destroyed'),
  };
}
