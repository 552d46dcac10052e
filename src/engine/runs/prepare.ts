import { McpkError } from '../../core/errors.ts';
import { ADMINS } from '../../cluster/access.ts';
import { clockWarning, hostsNow } from '../../cluster/clock.ts';
import type { Facts } from '../../cluster/facts.ts';
import { hasLaid } from '../../cluster/laid.ts';
import { inTurns } from '../../core/turns.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { KubeObjectResource, Observed, SharedSecretResource } from '../../resources/types.ts';
import type { Stage } from '../../states/stage.ts';
import { heldStages } from '../hosts/gates.ts';
import { HostsAtOnce } from '../hosts/hosts-at-once.ts';
import { judgeLeaving } from '../hosts/leaving.ts';
import type { EngineInput } from '../input.ts';
import { compareStage, comparing, type CompareInput, type Comparisons } from '../plan/compare.ts';
import { checkTree, compileStage, compiling, type CompileInput } from '../plan/compile.ts';
import { inventoryOf } from '../plan/inventory-digest.ts';
import { checkKept } from '../plan/keepers.ts';
import { withLeftovers } from '../plan/leftovers.ts';
import { ofUnknownKind, type Ownership } from '../plan/owned.ts';
import { planHash } from '../plan/plan-hash.ts';
import { plan, planStage, type PlanInput } from '../plan/plan.ts';
import { leavingFromApi, type Leaving } from '../plan/removals.ts';
import { readNodes } from '../read/gather.ts';
import type { Opened } from '../read/open.ts';
import { probeApi } from '../read/probe-api.ts';
import { probeHosts } from '../read/probe.ts';
import { checkProblems } from '../read/problems.ts';
import { refusedByApi } from '../read/refused-by-api.ts';
import { withStanding } from '../read/standing.ts';
import { tellUnfinished } from '../read/unfinished.ts';
import { API, type Plan, type StateTree } from '../types.ts';
import { convergeApi, notOurs } from '../work/api.ts';
import { bindAdmins } from '../work/break-glass.ts';
import { convergeHost } from '../work/converge.ts';
import { refusals } from '../work/guard.ts';
import { createJournal } from '../work/journal.ts';
import { createMaterials } from '../work/materials.ts';
import { asErrors, runId, turns, type Run } from '../work/run-context.ts';

export function compileInput(input: EngineInput, facts: Facts): CompileInput {
  return {
    cluster: input.cluster,
    facts,
    stages: input.stages,
    artifacts: input.artifacts,
    manifests: input.manifests,
  };
}

/** facts → states → observed → plan. The gates of stages that are in place already are asked with the probe. */
export async function prepare(given: EngineInput, opened: Opened, inPlace: readonly Stage[]): Promise<Run> {
  const { fleet, since } = opened;
  const { emit, cluster } = given;
  const clock = clockWarning(opened.facts);
  if (clock !== undefined) emit({ at: since(), type: 'warning', message: clock });
  await checkProblems(given, opened);
  for (const [host, { owned }] of opened.facts.hosts)
    for (const ref of ofUnknownKind(owned))
      emit({
        at: since(),
        type: 'warning',
        host,
        message: `owns ${ref}, of a kind that only a newer mcpk knows: left`,
      });

  const compiled = await inTurns(compiling(compileInput(given, opened.facts)));
  const { stages, tree } = withLeftovers(given.stages, compiled, opened.facts.hosts);
  const input: EngineInput = { ...given, stages };
  emit({ at: since(), type: 'phase', name: 'probe', state: 'start' });
  const probe = observe(input, opened, tree.stages);
  const [{ observed, apiOwned, nonsense }, gateHeld, cutOff] = await Promise.all([
    probe.all,
    heldStages(fleet, inPlace, { cluster, facts: opened.facts, signal: input.signal }, probe.hosts),
    tellUnfinished(input, opened),
  ]);
  emit({ at: since(), type: 'phase', name: 'probe', state: 'end' });
  const now = hostsNow(opened.facts);
  const apiLeaving = await readLeaving(input, opened, { tree, apiOwned, nonsense });
  const apiWhy = whyNoApi(opened.facts);
  const compareInputOf: CompareInput = { tree, observed, facts: opened.facts.hosts, apiOwned, apiLeaving, apiWhy, now };
  const comparisons = await inTurns(comparing(compareInputOf));
  const surroundings = { fleet, cluster, stages: input.stages, signal: input.signal };
  const facts = await withStanding(surroundings, opened.facts, comparisons);
  const planInput: PlanInput = {
    cluster,
    facts,
    stages: input.stages,
    tree,
    comparisons,
    selection: input.selection,
    inventory: inventoryOf(input),
    tool: input.tool,
    now: new Date(),
  };
  const unguarded = plan(planInput);
  checkKept(tree, unguarded.stages, comparisons.shared);
  const planned = { ...unguarded, refused: await refusals({ ...surroundings, facts }, unguarded) };
  emit({ at: since(), type: 'planned', plan: planned, ms: since() });
  const run = createRun({
    input,
    opened: { ...opened, facts },
    cutOff,
    tree,
    observed,
    comparisons,
    planned,
    compareInput: compareInputOf,
    planInput,
    gateHeld,
  });
  for (const [name, stage] of apiOwned) ownedOn(run, API).set(name, { hash: '', stage });
  return run;
}

/** Laid down by an earlier run, on a cluster that is there: most likely its gate holds. */
export function isInPlace(stage: Stage, cluster: Cluster, facts: Facts): boolean {
  if (facts.etcd !== 'formed') return false;
  const hosts = stage.hosts(cluster).flatMap(({ name }) => facts.hosts.get(name) ?? []);
  return stage.api === true || hosts.every((host) => hasLaid(host, stage.name));
}

/** `all` are the hosts and the API. */
function observe(
  input: EngineInput,
  { fleet, facts }: Opened,
  stages: StateTree['stages'],
): {
  hosts: Promise<Map<string, Observed>>;
  all: Promise<{ observed: Map<string, Observed>; apiOwned: Map<string, string>; nonsense: number }>;
} {
  const objects = stages.flatMap((stage) =>
    stage.hosts.filter((states) => states.host === API).flatMap((states) => states.resources as KubeObjectResource[]),
  );
  const { cluster, signal } = input;
  const hosts = probeHosts(fleet, stages, facts.hosts, signal);
  const api =
    facts.apiHost !== undefined && objects.length > 0
      ? probeApi({ fleet, cluster, host: facts.apiHost, signal }, objects)
      : undefined;
  const all = Promise.all([hosts, api]).then(([seen, inApi]) => ({
    observed: inApi ? new Map([...seen, [API, inApi.observed]]) : seen,
    apiOwned: inApi?.owned ?? new Map<string, string>(),
    nonsense: inApi?.nonsense ?? 0,
  }));
  return { hosts, all };
}

/** What is to leave the API is looked at itself; costs a round trip only where something leaves. */
async function readLeaving(
  { cluster, signal, emit }: EngineInput,
  { fleet, facts, since }: Opened,
  owned: { tree: StateTree; apiOwned: ReadonlyMap<string, string>; nonsense: number },
): Promise<Map<string, Leaving>> {
  const warn = (message: string): void => emit({ at: since(), type: 'warning', host: API, message });
  if (owned.nonsense > 0)
    warn(`kube-system/mcpk-owned names ${String(owned.nonsense)} times what can be no object: ignored`);
  const leaving = await judgeLeaving({ fleet, cluster, host: facts.apiHost ?? '', signal }, leavingFromApi(owned));
  for (const [ref, seen] of leaving)
    if (seen.ours === undefined || (!seen.ours && !seen.gone)) warn(notOurs(ref, seen.why));
  return leaving;
}

function whyNoApi({ apiRefuses }: Facts): string {
  return apiRefuses === undefined ? 'no API server answers yet' : `${apiRefuses} does not let ${ADMINS.user} in yet`;
}

export interface CreateRun {
  input: EngineInput;
  opened: Opened;
  tree: StateTree;
  observed: Map<string, Observed>;
  comparisons: Comparisons;
  planned: Plan;
  compareInput: CompareInput;
  planInput: PlanInput;
  gateHeld: Set<string>;
  cutOff: readonly string[];
}

export function createRun(from: CreateRun): Run {
  const { input, opened, observed, comparisons, planned } = from;
  const failures: McpkError[] = [];
  let stopped = false;
  const secrets = new Map<string, { host: string; resource: SharedSecretResource }[]>();
  for (const states of from.tree.stages.flatMap((stage) => stage.hosts)) {
    for (const resource of states.resources) {
      if (resource.kind !== 'sharedSecret') continue;
      secrets.set(resource.id, [...(secrets.get(resource.id) ?? []), { host: states.host, resource }]);
    }
  }
  const changing = new HostsAtOnce(input.concurrency);
  const id = runId(new Date());
  const journal = createJournal({
    run: id,
    who: input.who,
    command: input.command,
    planHash: planHash(planned),
    fleet: opened.fleet,
    hosts: [...opened.facts.hosts.keys()],
    skew: (host) => opened.facts.hosts.get(host)?.clockSkewMs ?? 0,
    signal: input.signal,
  });
  const run: Run = {
    id,
    journal,
    cluster: input.cluster,
    stages: input.stages,
    fleet: opened.fleet,
    signal: input.signal,
    emit(event) {
      journal.hear(event);
      input.emit(event);
    },
    since: opened.since,
    facts: opened.facts,
    comparisons,
    observed,
    plan: planned,
    materials: createMaterials({
      fleet: opened.fleet,
      shared: comparisons.shared,
      secrets,
      now: () => hostsNow(opened.facts),
      signal: input.signal,
    }),
    laid: new Map(),
    owned: new Map(
      [...opened.facts.hosts].map(([host, facts]) => [
        host,
        new Map(facts.owned.map(({ ref, ...entry }) => [ref, entry])),
      ]),
    ),
    inScope: stagesInScope(input),
    forceUnsafe: input.forceUnsafe ?? false,
    gateHeld: from.gateHeld,
    cutOff: from.cutOff,
    failures,
    noRollback: input.noRollback ?? false,
    rolledBack: [],
    fail(error, stage) {
      stopped = true;
      failures.push(...asErrors(error, stage, input.cluster.hidden));
    },
    stop() {
      stopped = true;
    },
    get stopped() {
      return stopped;
    },
    turn: turns(),
    work: (stage, host) =>
      host.host === API
        ? convergeApi(run, stage, host)
        : changing.run(host.host, () => convergeHost(run, stage, host), input.signal),
    async stagePlan(stage) {
      const known = planned.stages.find((each) => each.name === stage.name);
      if (!known) throw new McpkError('unexpected', `no plan for the stage ${stage.name}`);
      return known.deferred ? undefer(from, run, stage) : known;
    },
  };
  return run;
}

/** With `--only X`: X and all that it needs, as their gates must hold. `--skip` leaves the rest out. */
export function stagesInScope({ stages, selection }: EngineInput): Set<string> {
  const found = new Set(
    stages
      .map((stage) => stage.name)
      .filter((name) => (selection.only?.has(name) ?? true) && !selection.skip?.has(name)),
  );
  // Needs come earlier in the array: walked from its end, each need is added before it is looked at.
  for (const stage of stages.toReversed()) if (found.has(stage.name)) for (const need of stage.needs) found.add(need);
  return found;
}

/** A deferred stage, now that what it waited for is there: facts again, compile, probe, compare, plan. */
async function undefer(from: CreateRun, run: Run, stage: Stage): Promise<Plan['stages'][number]> {
  const masters = run.cluster.hosts.filter((host) => host.roles.includes('master')).map((host) => host.name);
  const reached = masters.filter((name) => run.fleet.sessions.has(name));
  const asked = await readNodes(run.fleet, run.cluster, reached, run.signal);
  if (asked.refusedBy !== undefined && !asked.api) await letIn(run, stage, asked.refusedBy);
  const { api } = asked.api ? asked : await readNodes(run.fleet, run.cluster, reached, run.signal);
  run.facts = { ...run.facts, etcd: 'formed', ...(api ? { nodes: api.nodes, apiHost: api.host } : {}) };
  const opened = { ...from.opened, facts: run.facts };
  const compiled = compileStage(stage, compileInput(from.input, run.facts));
  if (compiled.deferred) {
    throw new McpkError('stage', `${stage.name}: still not known: ${compiled.deferred.why}`, {
      hint: `It is known after ${compiled.deferred.until}.`,
    });
  }
  const tree: StateTree = {
    ...from.tree,
    stages: from.tree.stages.map((each) => (each.name === stage.name ? compiled : each)),
  };
  checkTree(tree.stages, run.cluster);
  const { observed, apiOwned } = await observe(from.input, opened, [compiled]).all;
  for (const [host, seen] of observed) run.observed.set(host, seen);
  for (const [name, owner] of apiOwned)
    if (!ownedOn(run, API).has(name)) ownedOn(run, API).set(name, { hash: '', stage: owner });
  compareStage(compiled, { ...from.compareInput, tree, observed, apiOwned }, run.comparisons);
  return planStage(stage, { ...from.planInput, facts: run.facts, tree });
}

async function letIn(run: Run, stage: Stage, host: string): Promise<void> {
  if (stage.name === ADMINS.stage) return bindAdmins(run, stage.name, host);
  throw refusedByApi(host, stage.name);
}

function ownedOn(run: Run, host: string): Map<string, Ownership> {
  const owned = run.owned.get(host) ?? new Map<string, Ownership>();
  run.owned.set(host, owned);
  return owned;
}
