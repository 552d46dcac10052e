import { compactStep, defragStep, disarmStep, type Defrag } from '../../cluster/etcd-defrag.ts';
import { etcdGates } from '../../cluster/etcd.ts';
import { apiServerGuard, quorumGuard } from '../../cluster/guards.ts';
import { etcd } from '../etcd.ts';
import { votersNow } from '../etcd/order.ts';
import { restartingMembers, restartSteps, stoppedApiServers } from '../etcd/steps.ts';
import type { AroundContext, Stage } from '../stage.ts';

/**
 * The stage etcd with another purpose: a member that is defragmented answers nobody meanwhile, so it is stepped aside
 * for as when it restarts. What a run that was cut off owes is found by that stage.
 */
export function etcdDefrag({ hosts, full }: Defrag): Stage {
  /** No unit restarts, and all that is for a member that does is wanted; on other hosts something is owed at most. */
  const asIfRestarted = ({ restarting: _restarting, moving: _moving, ...context }: AroundContext): AroundContext => ({
    ...context,
    batch: context.batch.filter((host) => hosts.includes(host)),
  });
  return {
    name: etcd.name,
    title: 'etcd, to be defragmented',
    hosts: (cluster) => cluster.hosts.filter(({ name }) => hosts.includes(name)),
    needs: [],
    states: () => [],
    due: () => hosts,
    inTurn: true,
    rollout: (_cluster, _facts, names) =>
      [...names.filter((name) => !hosts.includes(name)), ...hosts.filter((name) => names.includes(name))].map(
        (name) => [name],
      ),
    guard: (context) => [
      ...quorumGuard(context, restartingMembers(asIfRestarted(context)), votersNow(context.cluster, context.facts)),
      ...apiServerGuard(context, stoppedApiServers(asIfRestarted(context))),
    ],
    around(context) {
      const down = asIfRestarted(context);
      const steps = restartSteps(down);
      const isIn = (host: string | undefined): boolean => host !== undefined && down.batch.includes(host);
      return {
        before: [
          ...(full && isIn(hosts[0]) ? [compactStep(full)] : []),
          ...steps.before,
          ...down.batch.map(defragStep),
        ],
        after: steps.after,
        held: full && isIn(hosts.at(-1)) ? [disarmStep(full)] : [],
      };
    },
    gate: etcdGates,
  };
}
