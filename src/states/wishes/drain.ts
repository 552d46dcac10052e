import { liftCordon } from '../../cluster/cordon.ts';
import type { Facts } from '../../cluster/facts.ts';
import { apiHost, kubectl } from '../../cluster/kubectl.ts';
import { hostsWith, type Cluster } from '../../inventory/types.ts';
import { draining } from '../drains.ts';
import type { Problem, Stage, StepAround } from '../stage.ts';

/** Asked of a master: the node itself need not be reached. */
function onNode(
  name: string,
  of: Pick<Stage, 'name' | 'title'>,
  steps: (cluster: Cluster, facts: Facts, on: string) => StepAround[],
): Stage {
  return {
    ...of,
    hosts: (cluster) => hostsWith(cluster, 'master'),
    needs: [],
    states: () => [],
    problems: (_cluster, facts) => problems(name, facts),
    due: (cluster, facts) => [apiHost(cluster, facts)],
    around: ({ cluster, facts, batch }) => {
      const on = apiHost(cluster, facts);
      return { before: batch.includes(on) ? steps(cluster, facts, on) : [], after: [] };
    },
  };
}

function problems(name: string, { nodes }: Facts): Problem[] {
  if (nodes?.has(name)) return [];
  return [
    nodes === undefined
      ? { code: 'refused', message: 'no API server answers', hint: 'See what is wrong: mcpk verify' }
      : { code: 'refused', message: `the API has no node ${name}` },
  ];
}

/** The cordon is its operator's: no run lifts it. Where the pods do not go, the node is as it was. */
export function drainNode(name: string): Stage {
  return onNode(name, { name: 'drain', title: `Drain ${name}` }, (cluster, { nodes }, on) => {
    const isCordoned = nodes?.get(name)?.cordoned !== undefined;
    const cordon = kubectl(cluster, on, 'cordon', name).argv;
    const undo = isCordoned ? {} : { undo: kubectl(cluster, on, 'uncordon', name).argv, marked: true as const };
    return [{ title: `cordon ${name}`, on, run: cordon, ...undo, node: name }, draining(cluster, on, name)];
  });
}

/** Whoever cordoned it. */
export function uncordonNode(name: string): Stage {
  return onNode(name, { name: 'uncordon', title: `Uncordon ${name}` }, (cluster, _facts, on) => {
    return [{ title: `uncordon ${name}`, on, run: liftCordon(cluster, on, name) }];
  });
}
