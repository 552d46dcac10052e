import { ADMINS } from '../../cluster/access.ts';
import { anyApiServerGate } from '../../cluster/api-server.ts';
import { McpkError } from '../../core/errors.ts';
import { pause } from '../../core/pause.ts';
import { hostsWith } from '../../inventory/types.ts';
import type { Stage } from '../../states/stage.ts';
import { compareStage } from '../plan/compare.ts';
import { checkTree, compileStage } from '../plan/compile.ts';
import type { Ownership } from '../plan/owned.ts';
import { isDeferred, planStage } from '../plan/plan.ts';
import { readNodes } from '../read/gather.ts';
import { refusedByApi } from '../read/refused-by-api.ts';
import { API } from '../../core/places.ts';
import type { StagePlan, StateTree } from '../types.ts';
import { bindAdmins } from '../work/break-glass.ts';
import { askingHands } from '../work/hands.ts';
import type { Means } from '../work/means.ts';
import type { Planned } from './assemble.ts';
import { compileInput } from './compile-input.ts';
import { observe } from './observe.ts';

/** A deferred stage, now that what it waited for is there: facts again, compile, probe, compare, plan. */
export async function undefer(from: Planned, means: Means, stage: Stage): Promise<StagePlan> {
  const masters = hostsWith(means.cluster, 'master').map((host) => host.name);
  const reached = masters.filter((name) => means.reader.reaches(name));
  let { api, refusedBy } = await readNodesOnceThere(means, stage, reached);
  if (api === undefined && refusedBy !== undefined) {
    await letIn(means, stage, refusedBy);
    ({ api, refusedBy } = await readNodes(means.reader, means.cluster, reached));
  }
  means.facts = withApi({ ...means.facts, etcd: 'formed' }, api);
  if (isCompared(from, stage)) return known(from, means, { stage, tree: from.planInput.tree });
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const tree = await compareNow(from, means, stage);
    const hosts = means.comparisons.stages.get(stage.name) ?? [];
    // Who tells its nodes may still fill its caches of other kinds, and answer nothing of these in time.
    if (!hosts.some(isDeferred) || performance.now() > until) return known(from, means, { stage, tree });
    await pause(POLL_MS, from.input.signal);
    means.facts = withApi(means.facts, (await readNodes(means.reader, means.cluster, reached)).api);
  }
}

function withApi(facts: Means['facts'], api: Awaited<ReturnType<typeof readNodes>>['api']): Means['facts'] {
  return { ...facts, ...(api ? { nodes: api.nodes, apiHost: api.host } : {}) };
}

/** As for the gate of an API server. */
const PATIENCE_MS = 90_000;
const POLL_MS = 1000;

function known(from: Planned, means: Means, { stage, tree }: { stage: Stage; tree: StateTree }): StagePlan {
  const planned = planStage(stage, { ...from.planInput, facts: means.facts, tree });
  if (planned.deferred) throw notKnown(stage, planned.deferred);
  return planned;
}

/** API servers whose etcd has only just come back take a moment to see it, and no gate of their own waits for that. */
async function readNodesOnceThere(means: Means, { name }: Stage, masters: string[]): ReturnType<typeof readNodes> {
  const { reader, cluster, state } = means;
  const asked = await readNodes(reader, cluster, masters);
  if (asked.api !== undefined || asked.refusedBy !== undefined || masters.length === 0) return asked;
  await askingHands(means, state).hold([anyApiServerGate(cluster, masters)], { stage: name });
  return readNodes(reader, cluster, masters);
}

/** What its hosts shall be was known, and compared: only batches and steps had to wait. */
function isCompared({ plan, planInput: { tree } }: Planned, { name }: Stage): boolean {
  const planned = plan.stages.find((each) => each.name === name);
  const compiled = tree.stages.find((each) => each.name === name);
  return compiled?.deferred === undefined && !planned?.hosts.some(isDeferred);
}

/** Compiles, probes and compares it; the tree with it. */
async function compareNow(from: Planned, means: Means, stage: Stage): Promise<StateTree> {
  const opened = { ...from.opened, facts: means.facts };
  const compiled = compileStage(stage, compileInput(from.input, means.facts));
  if (compiled.deferred) throw notKnown(stage, compiled.deferred);
  const tree: StateTree = {
    ...from.planInput.tree,
    stages: from.planInput.tree.stages.map((each) => (each.name === stage.name ? compiled : each)),
  };
  checkTree(tree.stages, means.cluster);
  const { observed, apiOwned } = await observe(from.input, opened, [compiled]).all;
  for (const [host, seen] of observed) means.observed.set(host, seen);
  for (const [name, owner] of apiOwned)
    if (!ownedOn(means, API).has(name)) ownedOn(means, API).set(name, { hash: '', stage: owner });
  compareStage(compiled, { ...from.compareInput, tree, observed, apiOwned }, means.comparisons);
  return tree;
}

function notKnown({ name }: Stage, { until, why }: NonNullable<StagePlan['deferred']>): McpkError {
  return new McpkError('stage', `${name}: still not known: ${why}`, { hint: `It is known after ${until}.` });
}

async function letIn(means: Means, stage: Stage, host: string): Promise<void> {
  if (stage.name === ADMINS.stage) return bindAdmins(means, stage.name, host);
  throw refusedByApi(host, stage.name);
}

/** What mcpk owns there, to be added to. */
export function ownedOn(means: Means, host: string): Map<string, Ownership> {
  const owned = means.owned.get(host) ?? new Map<string, Ownership>();
  means.owned.set(host, owned);
  return owned;
}
