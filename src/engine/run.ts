import { McpkError, FailureList } from '../core/errors.ts';
import type { Facts } from '../cluster/facts.ts';
import type { Answer, GateCheck } from '../cluster/gate.ts';
import type { Cluster, Host } from '../inventory/types.ts';
import type { ArtifactIndex, Stage } from '../states/stage.ts';
import type { KubeObjectResource, Observed, SharedSecretResource } from '../resources/types.ts';
import { ask, heldStages, holdGates } from './gates.ts';
import { API, compile, compileStage, type CompileInput } from './compile.ts';
import { compare, compareStage, type CompareInput, type Comparisons } from './compare.ts';
import { execute } from './execute.ts';
import { openFleet, type Fleet } from './fleet.ts';
import { etcdLeader, gather, readNodes } from './gather.ts';
import { createMaterials } from './materials.ts';
import { plan, planStage, type PlanInput, type Selection } from './plan.ts';
import { probeApi } from './api.ts';
import { probeHosts } from './probe.ts';
import { asErrors, runId, turns, type Run } from './run-context.ts';
import { changesOf, type Emit, type Plan, type RunResult, type StateTree } from './types.ts';

export interface EngineInput {
  cluster: Cluster;
  stages: readonly Stage[];
  artifacts: ArtifactIndex;
  manifests: ReadonlyMap<string, string>;
  selection: Selection;
  concurrency: number;
  acceptNewHostKeys: boolean;
  /** `2` or `25%`: so many workers may be away. */
  skipUnreachable?: string;
  signal: AbortSignal;
  emit: Emit;
  /** `user@host pid 123 apply`: shown to whoever finds the lock taken. */
  lockNote: string;
  tool: string;
  command: string;
}

interface Opened {
  fleet: Fleet;
  facts: Facts & { apiHost?: string };
  since: () => number;
}

/** Connects, takes the lock when told so, reads the facts. The caller closes the fleet. */
async function open(input: EngineInput, lock: 'exclusive' | 'none'): Promise<Opened> {
  const started = performance.now();
  const since = (): number => performance.now() - started;
  const { emit, cluster } = input;
  emit({
    at: 0,
    type: 'run-start',
    command: input.command,
    cluster: cluster.name,
    hosts: contacted(input).map((host) => host.name),
    stages: input.stages.map((stage) => ({
      name: stage.name,
      title: stage.title,
      hosts: stage.hosts(cluster).map((host) => host.name),
    })),
  });
  emit({ at: since(), type: 'phase', name: 'connect', state: 'start' });
  const fleet = await openFleet(contacted(input), { ...input, lock, since });
  emit({ at: since(), type: 'phase', name: 'connect', state: 'end' });
  try {
    checkReachable(input, fleet);
    emit({ at: since(), type: 'phase', name: 'gather', state: 'start' });
    const facts = await gather(fleet, cluster, input.signal);
    emit({ at: since(), type: 'phase', name: 'gather', state: 'end' });
    return { fleet, facts, since };
  } catch (error) {
    await fleet.close();
    throw error;
  }
}

/** Masters are always gathered, whatever the limit: rollouts and shared secrets rest on them. */
function contacted(input: EngineInput): Host[] {
  const { limit } = input.selection;
  return input.cluster.hosts.filter(
    (host) => !limit || limit.has(host.name) || host.roles.some((role) => role !== 'worker'),
  );
}

function checkReachable(input: EngineInput, fleet: Fleet): void {
  const errors = [...fleet.unreachable.values()];
  const [first, ...rest] = errors;
  if (!first) return;
  const workers = input.cluster.hosts.filter((host) => host.roles.every((role) => role === 'worker'));
  const allowed = allowance(input.skipUnreachable, workers.length);
  const onlyWorkers = [...fleet.unreachable.keys()].every((name) => workers.some((host) => host.name === name));
  const soft = errors.every((error) => error.code === 'unreachable');
  if (!(onlyWorkers && soft && errors.length <= allowed))
    throw errors.length === 1 ? first : new FailureList([first, ...rest]);
}

function allowance(text: string | undefined, workers: number): number {
  if (text === undefined) return 0;
  const number = Number.parseInt(text, 10);
  return text.endsWith('%') ? Math.floor((workers * number) / 100) : number;
}

function compileInput(input: EngineInput, facts: Facts): CompileInput {
  return {
    cluster: input.cluster,
    facts,
    stages: input.stages,
    artifacts: input.artifacts,
    manifests: input.manifests,
  };
}

/** `mcpk facts` */
export async function gatherFacts(input: EngineInput): Promise<Facts> {
  const { fleet, facts } = await open(input, 'none');
  await fleet.close();
  return facts;
}

/** `mcpk show`, `mcpk render`: the compiled states of every host. */
export async function compileStates(input: EngineInput): Promise<{ facts: Facts; tree: StateTree }> {
  const { fleet, facts } = await open(input, 'none');
  await fleet.close();
  return { facts, tree: compile(compileInput(input, facts)) };
}

/** `mcpk plan` */
export async function planRun(input: EngineInput): Promise<Plan> {
  const opened = await open(input, 'none');
  try {
    return (await prepare(input, opened, [])).plan;
  } finally {
    await opened.fleet.close();
  }
}

/** `mcpk apply`: plans, asks, executes. */
export async function applyRun(options: EngineInput & { confirm(plan: Plan): Promise<boolean> }): Promise<RunResult> {
  const started = performance.now();
  // A stage that only verifies is for `verify`: an apply with nothing to do creates nothing in the cluster.
  const input = { ...options, stages: options.stages.filter((stage) => !stage.verify) };
  const opened = await open(input, 'exclusive');
  try {
    const wanted = concerned(input);
    const inPlace = input.stages.filter(
      (stage) => wanted.has(stage.name) && isInPlace(stage, input.cluster, opened.facts),
    );
    const run = await prepare(input, opened, inPlace);
    if (run.plan.summary.changes + run.plan.summary.deferred > 0 && !(await input.confirm(run.plan))) {
      throw new McpkError('interrupted', 'not applied: declined', { hint: 'Nothing was changed.' });
    }
    run.emit({ at: run.since(), type: 'phase', name: 'execute', state: 'start' });
    const stages = await execute(run);
    run.emit({ at: run.since(), type: 'phase', name: 'execute', state: 'end' });
    return finish(run, stages, performance.now() - started);
  } finally {
    await opened.fleet.close();
  }
}

/** `mcpk verify`: every gate once more, then the active checks of the stages. */
export async function verifyRun(input: EngineInput): Promise<RunResult> {
  const started = performance.now();
  const opened = await open(input, 'none');
  const failures: McpkError[] = [];
  const stages: RunResult['stages'] = [];
  try {
    const wanted = concerned(input);
    for (const stage of input.stages.filter((each) => wanted.has(each.name))) {
      const hosts = stage
        .hosts(input.cluster)
        .map((host) => host.name)
        .filter((name) => opened.facts.hosts.has(name));
      const context = { cluster: input.cluster, facts: opened.facts, hosts };
      const run = {
        fleet: opened.fleet,
        stage: stage.name,
        emit: input.emit,
        since: opened.since,
        signal: input.signal,
      };
      const before = failures.length;
      const begun = performance.now();
      const active = stage.verify?.(context);
      const gates: GateCheck[] = [...(active ? [] : (stage.gate?.(context) ?? []))];
      try {
        await Promise.all(
          gates.map((gate) =>
            holdGates(run, [{ ...gate, deadline: Math.min(gate.deadline, 10) }]).catch((error: unknown) =>
              failures.push(...asErrors(error, stage.name)),
            ),
          ),
        );
        if (active) {
          for (const step of active.setup) await must(opened.fleet, step, input.signal);
          await Promise.all(
            active.checks.map((gate) =>
              holdGates(run, [gate]).catch((error: unknown) => failures.push(...asErrors(error, stage.name))),
            ),
          );
        }
      } catch (error) {
        failures.push(...asErrors(error, stage.name));
      } finally {
        for (const step of active?.teardown ?? []) await must(opened.fleet, step, input.signal).catch(() => undefined);
      }
      if (gates.length > 0 || active)
        stages.push({
          name: stage.name,
          status: failures.length > before ? 'failed' : 'unchanged',
          changed: 0,
          ms: performance.now() - begun,
          hosts,
        });
    }
    return result({ id: '', failures, fleet: opened.fleet }, stages, performance.now() - started, {
      unchanged: 0,
      changed: 0,
      removed: 0,
    });
  } finally {
    await opened.fleet.close();
  }
}

async function must(
  fleet: Fleet,
  step: { title: string; on: string; run: string[]; stdin?: string },
  signal: AbortSignal,
): Promise<void> {
  const [answer] = await ask(
    fleet,
    [{ host: step.on, argv: step.run, ...(step.stdin === undefined ? {} : { stdin: step.stdin }) }],
    signal,
  );
  if (answer?.exitCode !== 0)
    throw new McpkError('gate', `${step.title} on ${step.on}: ${(answer?.stderr ?? '').trim()}`, { host: step.on });
}

/** Runs one command on every selected host. */
export async function execOnHosts(input: EngineInput, argv: readonly string[]): Promise<Answer[]> {
  const { fleet } = await open(input, 'none');
  try {
    return await ask(
      fleet,
      [...fleet.sessions.keys()]
        .filter((name) => input.selection.limit?.has(name) ?? true)
        .map((host) => ({ host, argv: [...argv] })),
      input.signal,
    );
  } finally {
    await fleet.close();
  }
}

/** Files as root reads them, from the first of these hosts that is reached. */
export async function readFiles(
  input: EngineInput,
  hosts: readonly Host[],
  paths: readonly string[],
): Promise<string[]> {
  const failures: McpkError[] = [];
  for (const host of hosts) {
    const fleet = await openFleet([host], { ...input, lock: 'none', since: () => 0 });
    try {
      failures.push(...fleet.unreachable.values());
      if (fleet.sessions.size === 0) continue;
      const texts: string[] = [];
      for (const path of paths) texts.push((await fleet.read(host.name, path, input.signal)).toString('utf8'));
      return texts;
    } finally {
      await fleet.close();
    }
  }
  throw failures[0] ?? new McpkError('invalid', 'the inventory has no master');
}

/** facts → states → observed → plan. The gates of stages that are in place already are asked with the probe. */
async function prepare(input: EngineInput, opened: Opened, inPlace: readonly Stage[]): Promise<Run> {
  const { fleet, since } = opened;
  const { emit, cluster } = input;
  const problems = input.stages.flatMap((stage) => stage.problems?.(cluster, opened.facts) ?? []);
  const errors = problems.map(
    (problem) =>
      new McpkError('preflight', problem.message, {
        ...(problem.host === undefined ? {} : { host: problem.host }),
        ...(problem.hint === undefined ? {} : { hint: problem.hint }),
      }),
  );
  const [first, ...rest] = errors;
  if (first) throw rest.length === 0 ? first : new FailureList([first, ...rest]);

  const tree = compile(compileInput(input, opened.facts));
  emit({ at: since(), type: 'phase', name: 'probe', state: 'start' });
  const [{ observed, apiOwned }, gateHeld] = await Promise.all([
    observe(input, opened, tree.stages),
    heldStages(fleet, inPlace, { cluster, facts: opened.facts }, input.signal),
  ]);
  emit({ at: since(), type: 'phase', name: 'probe', state: 'end' });
  const compareInputOf: CompareInput = { tree, observed, facts: opened.facts.hosts, apiOwned, now: new Date() };
  const comparisons = compare(compareInputOf);
  const facts = await withLeader(input, opened, comparisons);
  const planInput: PlanInput = {
    cluster,
    facts,
    stages: input.stages,
    tree,
    comparisons,
    selection: input.selection,
    tool: input.tool,
  };
  const planned = plan(planInput);
  emit({ at: since(), type: 'planned', plan: planned, ms: since() });
  const run = createRun({
    input,
    opened: { fleet, facts, since },
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
function isInPlace(stage: Stage, cluster: Cluster, facts: Facts): boolean {
  if (facts.etcd !== 'formed') return false;
  const hosts = stage.hosts(cluster).flatMap(({ name }) => facts.hosts.get(name) ?? []);
  return stage.api === true || hosts.every((host) => host.owned.some((entry) => entry.stage === stage.name));
}

async function withLeader(input: EngineInput, opened: Opened, comparisons: Comparisons): Promise<Opened['facts']> {
  const changes = (comparisons.stages.get('etcd') ?? []).some((host) => changesOf(host).length > 0);
  if (!changes || opened.facts.etcd !== 'formed') return opened.facts;
  const leader = await etcdLeader(opened.fleet, input.cluster, input.signal);
  return leader === undefined ? opened.facts : { ...opened.facts, etcdLeader: leader };
}

async function observe(
  input: EngineInput,
  opened: Opened,
  stages: StateTree['stages'],
): Promise<{ observed: Map<string, Observed>; apiOwned: Map<string, string> }> {
  const objects = stages.flatMap((stage) =>
    stage.hosts.filter((states) => states.host === API).flatMap((states) => states.resources as KubeObjectResource[]),
  );
  const apiHost = opened.facts.apiHost;
  const [observed, api] = await Promise.all([
    probeHosts(opened.fleet, stages, opened.facts.hosts, input.signal),
    apiHost !== undefined && objects.length > 0 ? probeApi(opened.fleet, apiHost, objects, input.signal) : undefined,
  ]);
  if (api) observed.set(API, api.observed);
  return { observed, apiOwned: api?.owned ?? new Map<string, string>() };
}

interface CreateRun {
  input: EngineInput;
  opened: Opened;
  tree: StateTree;
  observed: Map<string, Observed>;
  comparisons: Comparisons;
  planned: Plan;
  compareInput: CompareInput;
  planInput: PlanInput;
  gateHeld: Set<string>;
}

function createRun(from: CreateRun): Run {
  const { input, opened, observed, comparisons, planned } = from;
  const failures: McpkError[] = [];
  const secrets = new Map<string, { host: string; resource: SharedSecretResource }[]>();
  for (const states of from.tree.stages.flatMap((stage) => stage.hosts)) {
    for (const resource of states.resources) {
      if (resource.kind !== 'sharedSecret') continue;
      secrets.set(resource.id, [...(secrets.get(resource.id) ?? []), { host: states.host, resource }]);
    }
  }
  const run: Run = {
    id: runId(new Date()),
    cluster: input.cluster,
    stages: input.stages,
    fleet: opened.fleet,
    signal: input.signal,
    emit: input.emit,
    since: opened.since,
    facts: opened.facts,
    comparisons,
    observed,
    plan: planned,
    materials: createMaterials({ fleet: opened.fleet, shared: comparisons.shared, secrets, signal: input.signal }),
    laid: new Map(),
    owned: new Map(
      [...opened.facts.hosts].map(([host, facts]) => [
        host,
        new Map(facts.owned.map((entry) => [entry.ref, { hash: entry.hash, stage: entry.stage }])),
      ]),
    ),
    concerned: concerned(input),
    gateHeld: from.gateHeld,
    failures,
    fail(error, stage) {
      failures.push(...asErrors(error, stage));
    },
    turn: turns(),
    async stagePlan(stage) {
      const known = planned.stages.find((each) => each.name === stage.name);
      if (!known) throw new McpkError('unexpected', `no plan for the stage ${stage.name}`);
      return known.deferred ? undefer(from, run, stage) : known;
    },
  };
  return run;
}

/** With `--only X`: X and all that it needs, as their gates must hold. `--skip` leaves the rest out. */
function concerned({ stages, selection }: EngineInput): Set<string> {
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
  const api = await readNodes(
    run.fleet,
    run.cluster,
    masters.filter((name) => run.fleet.sessions.has(name)),
    run.signal,
  );
  run.facts = { ...run.facts, etcd: 'formed', ...(api ? { nodes: api.nodes, apiHost: api.host } : {}) };
  const opened = { ...from.opened, facts: run.facts };
  const compiled = compileStage(stage, compileInput(from.input, run.facts));
  if (compiled.deferred) {
    throw new McpkError('stage', `${stage.name}: still not known: ${compiled.deferred.why}`, {
      hint: `It is known after ${compiled.deferred.until}.`,
    });
  }
  const { observed, apiOwned } = await observe(from.input, opened, [compiled]);
  for (const [host, seen] of observed) run.observed.set(host, seen);
  for (const [name, owner] of apiOwned)
    if (!ownedOn(run, API).has(name)) ownedOn(run, API).set(name, { hash: '', stage: owner });
  const tree: StateTree = {
    ...from.tree,
    stages: from.tree.stages.map((each) => (each.name === stage.name ? compiled : each)),
  };
  compareStage(compiled, { ...from.compareInput, tree, observed, apiOwned }, run.comparisons);
  return planStage(stage, { ...from.planInput, facts: run.facts, tree });
}

function ownedOn(run: Run, host: string): Map<string, { hash: string; stage: string }> {
  const owned = run.owned.get(host) ?? new Map<string, { hash: string; stage: string }>();
  run.owned.set(host, owned);
  return owned;
}

function finish(run: Run, stages: RunResult['stages'], ms: number): RunResult {
  const changed = stages.reduce((sum, stage) => sum + stage.changed, 0);
  const removed = run.plan.summary.removals;
  const done = result(run, stages, ms, { unchanged: run.plan.summary.unchanged, changed, removed });
  run.emit({ at: run.since(), type: 'run-end', result: done });
  return done;
}

function result(
  run: Pick<Run, 'id' | 'failures' | 'fleet'>,
  stages: RunResult['stages'],
  ms: number,
  counts: { unchanged: number; changed: number; removed: number },
): RunResult {
  const first = run.failures[0];
  return {
    status: first ? (first.code === 'interrupted' ? 'interrupted' : 'failed') : 'succeeded',
    run: run.id,
    succeeded: counts.unchanged + counts.changed,
    changed: counts.changed,
    failed: run.failures.length,
    pending: 0,
    removed: counts.removed,
    ms,
    exitCode: first?.exitCode ?? 0,
    errors: run.failures,
    stages,
    traffic: Object.fromEntries([...run.fleet.sessions].map(([host, session]) => [host, { ...session.traffic }])),
  };
}
