import type { Facts } from '../cluster/facts.ts';
import type { Answer } from '../cluster/gate.ts';
import type { Cluster } from '../inventory/types.ts';
import { balancerInquiry } from './preflight/balancer.ts';
import { clusterProblems } from './preflight/cluster.ts';
import { hostProblems } from './preflight/host.ts';
import { meshInquiry } from './preflight/mesh.ts';
import type { Inquiry, Problem, Stage } from './stage.ts';

/** Changes nothing: what would stop a run half-way is said before its first change, all of it at once. */
export const preflight: Stage = {
  name: 'preflight',
  title: 'Preflight',
  about:
    'changes nothing: looks for what would stop the run half-way (system, names, clocks, disk, ports, who reaches whom, the VIP or load balancer, versions, foreign installs)',
  hosts: (cluster) => cluster.hosts,
  needs: [],
  states: () => [],
  problems,
  inquire: (context) => together([meshInquiry(context), balancerInquiry(context)]),
};

/** One round for all that there is to ask. */
function together(all: readonly (Inquiry | undefined)[]): Inquiry | undefined {
  const inquiries = all.filter((each) => each !== undefined);
  if (inquiries.length === 0) return undefined;
  const asks = inquiries.flatMap((each) => each.asks);
  const judge = (answers: readonly Answer[]): Problem[] => {
    const left = [...answers];
    return inquiries.flatMap((each) => each.judge(left.splice(0, each.asks.length)));
  };
  return { asks, judge };
}

function problems(cluster: Cluster, facts: Facts): Problem[] {
  const perHost = cluster.hosts.flatMap((host) => {
    const own = facts.hosts.get(host.name);
    return own ? hostProblems(cluster, host, own) : [];
  });
  return [...perHost, ...clusterProblems(cluster, facts)];
}
