import { ADMINS } from '../../cluster/access.ts';
import { McpkError } from '../../core/errors.ts';
import type { Stage } from '../../states/stage.ts';
import { compareStage } from '../plan/compare.ts';
import { checkTree, compileStage } from '../plan/compile.ts';
import type { Ownership } from '../plan/owned.ts';
import { planStage } from '../plan/plan.ts';
import { readNodes } from '../read/gather.ts';
import { refusedByApi } from '../read/refused-by-api.ts';
import { API, type StagePlan, type StateTree } from '../types.ts';
import { bindAdmins } from '../work/break-glass.ts';
import type { Means } from '../work/means.ts';
import type { Planned } from './assemble.ts';
import { compileInput } from './compile-input.ts';
import { observe } from './observe.ts';

/** A deferred stage, now that what it waited for is there: facts again, compile, probe, compare, plan. */
export async function undefer(from: Planned, means: Means, stage: Stage): Promise<StagePlan> {
  const masters = means.cluster.hosts.filter((host) => host.roles.includes('master')).map((host) => host.name);
  const reached = masters.filter((name) => means.fleet.sessions.has(name));
  const asked = await readNodes(means.fleet, means.cluster, reached, means.state.signal);
  if (asked.refusedBy !== undefined && !asked.api) await letIn(means, stage, asked.refusedBy);
  const { api } = asked.api ? asked : await readNodes(means.fleet, means.cluster, reached, means.state.signal);
  means.facts = { ...means.facts, etcd: 'formed', ...(api ? { nodes: api.nodes, apiHost: api.host } : {}) };
  const opened = { ...from.opened, facts: means.facts };
  const compiled = compileStage(stage, compileInput(from.input, means.facts));
  if (compiled.deferred) {
    throw new McpkError('stage', `${stage.name}: still not known: ${compiled.deferred.why}`, {
      hint: `It is known after ${compiled.deferred.until}.`,
    });
  }
  const tree: StateTree = {
    ...from.tree,
    stages: from.tree.stages.map((each) => (each.name === stage.name ? compiled : each)),
  };
  checkTree(tree.stages, means.cluster);
  const { observed, apiOwned } = await observe(from.input, opened, [compiled]).all;
  for (const [host, seen] of observed) means.observed.set(host, seen);
  for (const [name, owner] of apiOwned)
    if (!ownedOn(means, API).has(name)) ownedOn(means, API).set(name, { hash: '', stage: owner });
  compareStage(compiled, { ...from.compareInput, tree, observed, apiOwned }, means.comparisons);
  return planStage(stage, { ...from.planInput, facts: means.facts, tree });
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
