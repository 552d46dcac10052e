import { forecast, goes, type Evicted, type Forecast } from '../../cluster/drain-forecast.ts';
import { askBudgets, askEvictable, askPodsOn, hindranceOf, parseBudgets, parsePodsOn } from '../../cluster/eviction.ts';
import type { Facts } from '../../cluster/facts.ts';
import { apiHost } from '../../cluster/kubectl.ts';
import { lastLines, understood } from '../../core/answer.ts';
import { failure, McpkError } from '../../core/errors.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Reader } from '../hosts/reader.ts';
import type { Plan, PlannedStep } from '../types.ts';

interface Surroundings {
  reader: Reader;
  cluster: Cluster;
  facts: Facts;
}

/**
 * The plan with what its drains come to as things are: two round trips to a master, none where nothing is drained. The
 * API is asked for each eviction whether it would allow it (`dryRun`), in namespaces that have budgets.
 *
 * @throws McpkError `refused`, FailureList: pods that could never go
 */
export async function withForecasts(on: Surroundings, plan: Plan): Promise<Plan> {
  const nodes = [...new Set(plan.stages.flatMap(({ steps }) => steps.flatMap(drains)))];
  if (nodes.length === 0) return plan;
  const known = await readForecasts(on, nodes);
  const errors = [...known].flatMap(([node, { problems }]) =>
    problems.map(({ message, hint }) => new McpkError('refused', `${node}: ${message}`, { host: node, hint })),
  );
  const [first, ...rest] = errors;
  if (first) throw failure([first, ...rest]);
  const told = (step: PlannedStep): PlannedStep => {
    const tells = drains(step).flatMap((node) => known.get(node)?.lines ?? []);
    return tells.length === 0 ? step : { ...step, tells };
  };
  return { ...plan, stages: plan.stages.map((stage) => ({ ...stage, steps: stage.steps.map(told) })) };
}

/** The node that the step drains, if it does. */
function drains({ node, when, long }: PlannedStep): string[] {
  return when === 'before' && long && node !== undefined ? [node] : [];
}

async function readForecasts(
  { reader, cluster, facts }: Surroundings,
  nodes: readonly string[],
): Promise<Map<string, Forecast>> {
  const on = apiHost(cluster, facts);
  const settings = cluster.rollout.drain;
  const [toldPods, toldBudgets] = await reader.ask([askPodsOn(cluster, on, nodes), askBudgets(cluster, on)]);
  const pods = understood(on, () => parsePodsOn(toldPods));
  // The drain itself will tell.
  if (pods === undefined) {
    const why = lastLines(toldPods?.stderr ?? '', 1).join('');
    return new Map(nodes.map((node) => [node, { lines: [`what goes is not known: ${why}`], problems: [] }]));
  }
  const budgets = understood(on, () => parseBudgets(toldBudgets));
  const guarded = new Set(budgets.map(({ namespace }) => namespace));
  const asked = pods.filter((pod) => nodes.includes(pod.node) && goes(pod) && !pod.ended && guarded.has(pod.namespace));
  const answers = await reader.ask(asked.map((pod) => askEvictable(cluster, on, pod)));
  const evicted: Evicted[] = asked.map((pod, index) => ({ pod, hindrance: hindranceOf(answers[index]) }));
  return new Map(
    nodes.map((node) => [
      node,
      forecast(
        pods.filter((pod) => pod.node === node),
        evicted.filter(({ pod }) => pod.node === node),
        { settings, budgets },
      ),
    ]),
  );
}
