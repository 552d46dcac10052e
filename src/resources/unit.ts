import { PATHS } from '../core/paths.ts';
import { rests, sha256 } from './identity.ts';
import type {
  Change,
  CompareContext,
  Deferred,
  Observed,
  Op,
  Ref,
  ResourceKind,
  UnitInput,
  UnitResource,
  UnitState,
  Verb,
} from './types.ts';
import { inputsOf, unitDigests } from './unit-digests.ts';

const DEFAULT_TIMEOUT = 90;

export const unit: ResourceKind<UnitResource> = {
  id: (resource) => resource.name,
  paths: () => [],
  derived: true,
  reads(resource, into) {
    into.units.push(resource.name);
    const paths = executables(resource);
    if (paths.length > 0 && resource.state === 'running') into.executables.push({ unit: resource.name, paths });
  },

  compare(resource, observed, context) {
    const deferred = deferredInput(resource, context);
    if (deferred) return deferred;
    const seen = observed.units[resource.name];
    const foreign = foreignDropIns(resource, seen, context);
    const findings = [
      ...activity(resource, observed, context, foreign),
      ...enablement(resource, seen),
      ...(seen?.needDaemonReload ? [{ verb: 'update' as const, reason: 'systemd has not read its files anew' }] : []),
      ...foreign.map((path) => ({ verb: 'update' as const, reason: `foreign drop-in ${path} is over it` })),
    ];
    const stamps = findings.length === 0 && needsStamp(resource, seen, context);
    if (stamps) findings.push({ verb: 'update', reason: 'noted that it needs no restart' });
    const hash = identity(resource, context);
    if (findings.length === 0) return { result: 'unchanged', reason: reasonUnchanged(resource), hash };
    const verb = VERBS.find((candidate) => findings.some((finding) => finding.verb === candidate)) ?? 'update';
    const change: Change = {
      result: 'change',
      verb,
      reasons: findings.map((finding) => finding.reason),
      hash,
      rests: rests(lasting(seen)),
    };
    if (stamps) change.stamps = true;
    if (verb === 'start' && seen?.loadState === 'loaded' && changingInputs(resource, 'restart', context).length > 0)
      change.renews = true;
    return foreign.length > 0 ? { ...change, removes: foreign } : change;
  },

  converge(resource, change, _materials, observed) {
    const { name, enabled } = resource;
    const seen = observed.units[name];
    const ops: Op[] = (change.removes ?? []).map((path): Op => ({ op: 'remove', path }));
    if (seen?.needDaemonReload || ops.length > 0) ops.push({ op: 'daemon-reload' });
    const isEnabled = seen !== undefined && ENABLED.has(seen.unitFileState);
    if (enabled !== isEnabled) ops.push(action(resource, enabled ? 'enable' : 'disable'));
    const acts = ACTIONS.find((candidate) => candidate === change.verb);
    if (acts) ops.push(action(resource, acts === 'start' && change.renews ? 'restart' : acts));
    // What is left is stamped too: the next comparison then knows what the process runs with.
    if (resource.state === 'running' && (acts || change.stamps))
      ops.push({ op: 'stamp', unit: name, restart: '', reload: '' });
    return Promise.resolve(ops);
  },

  remove: (id) => [
    { op: 'unit', action: 'stop', name: id, noBlock: false, timeout: DEFAULT_TIMEOUT },
    { op: 'unit', action: 'disable', name: id, noBlock: false, timeout: DEFAULT_TIMEOUT },
  ],

  withHashes: (op, resource, hashOf) => (op.op === 'stamp' ? { ...op, ...unitDigests(resource, hashOf) } : op),
  implied: (resource) => inputsOf(resource).map((input) => input.ref),
  title: (resource) => resource.name,
};

/** Without what each start of a unit that fails and is started again changes: whether it runs is told by the verb. */
function lasting(seen: UnitState | undefined): unknown {
  if (seen === undefined) return undefined;
  const { loadState, unitFileState, needDaemonReload, fragmentPath, dropIns, stamp } = seen;
  return [loadState, unitFileState, needDaemonReload, fragmentPath, dropIns, stamp?.restart, stamp?.reload];
}

/** The strongest first. */
const VERBS: readonly Verb[] = ['stop', 'start', 'restart', 'reload', 'enable'];
const ACTIONS = ['start', 'restart', 'reload', 'stop'] as const;
const ENABLED: ReadonlySet<string> = new Set(['enabled', 'static', 'alias', 'indirect', 'generated']);

interface Finding {
  verb: Verb;
  reason: string;
}

function action({ name, noBlock, timeout }: UnitResource, which: Extract<Op, { op: 'unit' }>['action']): Op {
  return { op: 'unit', action: which, name, noBlock: noBlock ?? false, timeout: timeout ?? DEFAULT_TIMEOUT };
}

function activity(
  resource: UnitResource,
  observed: Observed,
  context: CompareContext,
  foreign: readonly string[],
): Finding[] {
  const seen = observed.units[resource.name];
  const active = seen?.activeState ?? 'inactive';
  if (resource.state === 'stopped')
    return active === 'inactive' || active === 'failed' ? [] : [{ verb: 'stop', reason: `is ${active}` }];
  if (seen === undefined || active === 'inactive' || active === 'failed')
    return [{ verb: 'start', reason: `is ${active}` }];
  const restarts = staleInputs(resource, 'restart', observed, context);
  if (foreign.length > 0) restarts.push('it runs with a foreign drop-in');
  if (restarts.length > 0) return restarts.map((reason) => ({ verb: 'restart', reason: `restart, because ${reason}` }));
  // Not up yet: a start joins the job that runs and waits for it.
  if (active !== 'active' && active !== 'reloading') return [{ verb: 'start', reason: `is ${active}` }];
  return staleInputs(resource, 'reload', observed, context).map((reason) => ({
    verb: 'reload',
    reason: `reload, because ${reason}`,
  }));
}

/** Why the process does not run with its present inputs, one reason an input. */
function staleInputs(
  resource: UnitResource,
  on: 'restart' | 'reload',
  observed: Observed,
  context: CompareContext,
): string[] {
  const inputs = inputsOf(resource).filter((input) => input.on === on);
  const changing = changingInputs(resource, on, context);
  if (changing.length > 0) return changing.map((input) => `${nameOf(input.ref)} changes`);
  const seen = observed.units[resource.name];
  // Says it by itself, whatever clocks and stamps say: also of a file that was mended under the same name.
  if (seen?.runsOther && on === 'restart') return [`it runs another file than ${executables(resource).join(' or ')}`];
  if (seen?.stamp && seen.stamp.invocationId === seen.invocationId) {
    const { stamp } = seen;
    // The stamp has the whole of each file, as it was when the unit started.
    return [hashOf(context), readAsOf(context)].some((hash) => stamp[on] === unitDigests(resource, hash)[on])
      ? []
      : ['it was started with other inputs than there are now'];
  }
  // No stamp of this start (a reboot, a start by hand): an input that is newer than the start was not read by it.
  return inputs
    .filter((input) => isNewer(input, seen, observed, context))
    .map((input) => `${nameOf(input.ref)} is newer than its start`);
}

/** Links to the store among its inputs: its process runs what one of them leads to. */
function executables(resource: UnitResource): string[] {
  return resource.inputs.flatMap(({ ref }) => (ref.startsWith(`link:${PATHS.bin}/`) ? [nameOf(ref)] : []));
}

/** Inputs that this very run changes. */
function changingInputs(resource: UnitResource, on: 'restart' | 'reload', context: CompareContext): UnitInput[] {
  return inputsOf(resource).filter((input) => {
    const comparison = context.of(input.ref)?.comparison;
    return input.on === on && comparison?.result === 'change' && !comparison.accessOnly && !comparison.unread;
  });
}

/**
 * An input is about to become newer than the start without a need for another one, and only the times of files tell
 * that it runs with what is there now.
 */
function needsStamp(resource: UnitResource, seen: UnitState | undefined, context: CompareContext): boolean {
  if (resource.state !== 'running' || seen?.stamp?.invocationId === seen?.invocationId) return false;
  return inputsOf(resource).some((input) => {
    const comparison = context.of(input.ref)?.comparison;
    return input.on !== 'live' && comparison?.result === 'change' && comparison.unread;
  });
}

function isNewer(input: UnitInput, seen: UnitState | undefined, observed: Observed, context: CompareContext): boolean {
  const resource = context.of(input.ref)?.resource;
  if (resource === undefined || seen === undefined || seen.startedAt === 0) return false;
  return context.pathsOf(resource).some((path) => (observed.paths[path]?.ctime ?? 0) > seen.startedAt);
}

function enablement({ enabled }: UnitResource, seen: UnitState | undefined): Finding[] {
  const state = seen?.unitFileState ?? '';
  if (enabled && !ENABLED.has(state)) return [{ verb: 'enable', reason: `is ${state === '' ? 'not enabled' : state}` }];
  if (!enabled && state === 'enabled') return [{ verb: 'update', reason: 'is enabled' }];
  return [];
}

/** Drop-ins of an administrator that no resource describes; the vendor's and systemd's own are left alone. */
function foreignDropIns({ name }: UnitResource, seen: UnitState | undefined, context: CompareContext): string[] {
  return (seen?.dropIns ?? []).filter((path) => {
    if (!path.startsWith(`/etc/systemd/system/${name}.d/`)) return false;
    return context.of(`file:${path}`) === undefined && !context.owned.has(`file:${path}`);
  });
}

function deferredInput(resource: UnitResource, context: CompareContext): Deferred | undefined {
  for (const { ref } of inputsOf(resource)) {
    const comparison = context.of(ref)?.comparison;
    if (comparison?.result === 'deferred') return { ...comparison, why: `${nameOf(ref)}: ${comparison.why}` };
  }
  return undefined;
}

function hashOf(context: CompareContext): (ref: Ref) => string {
  return (ref) => {
    const comparison = context.of(ref)?.comparison;
    return comparison === undefined || comparison.result === 'deferred' ? '' : comparison.hash;
  };
}

/** As the inputs counted before the lines that are read only once were written anew. */
function readAsOf(context: CompareContext): (ref: Ref) => string {
  return (ref) => {
    const comparison = context.of(ref)?.comparison;
    return comparison === undefined || comparison.result === 'deferred' ? '' : (comparison.readAs ?? comparison.hash);
  };
}

/** '' while an input is known only after (a certificate to be issued). */
function identity(resource: UnitResource, context: CompareContext): string {
  const hash = hashOf(context);
  if (inputsOf(resource).some(({ ref }) => context.of(ref) !== undefined && hash(ref) === '')) return '';
  const { restart, reload } = unitDigests(resource, hash);
  return sha256([String(resource.enabled), resource.state, restart, reload].join(' '));
}

function reasonUnchanged({ state, enabled }: UnitResource): string {
  const boot = enabled ? 'enabled' : 'not enabled';
  return state === 'stopped' ? `stopped, ${boot}` : `running with its present inputs, ${boot}`;
}

function nameOf(ref: Ref): string {
  return ref.slice(ref.indexOf(':') + 1);
}
