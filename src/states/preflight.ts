import type { Facts } from '../cluster/facts.ts';
import type { Cluster } from '../inventory/types.ts';
import { clusterProblems } from './preflight/cluster.ts';
import { hostProblems } from './preflight/host.ts';
import { meshInquiry } from './preflight/mesh.ts';
import type { Problem, Stage } from './stage.ts';

/** Changes nothing: what would stop a run half-way is said before its first change, all of it at once. */
export const preflight: Stage = {
  name: 'preflight',
  title: 'Preflight',
  about:
    'changes nothing: looks for what would stop the run half-way (system, names, clocks, disk, ports, who reaches whom, the VIP, versions, foreign installs)',
  hosts: (cluster) => cluster.hosts,
  needs: [],
  states: () => [],
  problems,
  inquire: meshInquiry,
};

function problems(cluster: Cluster, facts: Facts): Problem[] {
  const perHost = cluster.hosts.flatMap((host) => {
    const own = facts.hosts.get(host.name);
    return own ? hostProblems(cluster, host, own) : [];
  });
  return [...perHost, ...clusterProblems(cluster, facts)];
}
