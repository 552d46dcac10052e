import { kindOf, pathsOf } from '../../resources/kinds.ts';
import type { Op, Ref } from '../../resources/types.ts';
import { identityOfFiles, sha256 } from '../../resources/identity.ts';
import { ownedText, removalOf, type Ownership } from '../plan/owned.ts';
import { changesOf, type HostPlan } from '../types.ts';
import type { ConvergeRequest, ConvergeStep, Precondition } from '../wire/wire-converge.ts';
import { underDeadman } from './deadman.ts';
import { sendStream } from './send-stream.ts';
import { withResources, type Means, type ResourcePlan } from './means.ts';

/** One stream: a stage on a host. Binaries travel first, over a second channel. */
export async function convergeHost(means: Means, stage: string, plan: HostPlan): Promise<void> {
  const started = performance.now();
  const changes = changesOf(plan);
  const known = withResources(means, plan);
  const base = { stage, host: plan.host };
  means.state.emit({ at: means.state.since(), type: 'host-start', ...base, changes: changes.length });
  const end = (status: 'changed' | 'failed'): void => {
    means.state.emit({ at: means.state.since(), type: 'host-end', ...base, status, ms: performance.now() - started });
  };
  try {
    await sendAhead(means, stage, known);
    // Each stage writes the whole list of what is owned, made from the one before it: one stage at a time on a host.
    await means.turn(plan.host, () => stream(means, stage, known));
    end('changed');
  } catch (error) {
    end('failed');
    throw error;
  }
}

async function sendAhead(means: Means, stage: string, plan: ResourcePlan): Promise<void> {
  const wanted = changesOf(plan).flatMap(({ resource, comparison }) => {
    const upload = resource && kindOf(resource).upload?.(resource);
    return upload && comparison.verb !== 'remove' ? [upload] : [];
  });
  const total = wanted.reduce((sum, upload) => sum + upload.size, 0);
  let sent = 0;
  for (const { source, path, sha256: digest } of wanted) {
    const onBytes = (n: number): void => {
      sent += n;
      means.state.emit({ at: means.state.since(), type: 'bytes', stage, host: plan.host, sent, total });
    };
    await means.fleet.upload(plan.host, { source, path, sha256: digest, onBytes }, means.state.signal);
  }
}

async function stream(means: Means, stage: string, plan: ResourcePlan): Promise<void> {
  const { steps, after } = await describe(means, stage, plan);
  const before = means.owned.get(plan.host) ?? new Map<string, Ownership>();
  const request: ConvergeRequest = {
    run: means.state.id,
    stage,
    caller: means.journal.caller,
    notes: means.journal.take(plan.host),
    steps,
    preconditions: preconditions(means, plan),
    ownedBefore: ownedText(new Map([...before, ...after])),
    ownedAfter: ownedText(without(new Map([...before, ...after]), removedRefs(plan))),
  };
  const verbs = new Map(changesOf(plan).map((item) => [item.ref, item.comparison.verb]));
  await underDeadman(means, plan.host, request, (guarded) =>
    sendStream(means, { host: plan.host, request: guarded, verbs }),
  );
  means.owned.set(plan.host, without(new Map([...before, ...after]), removedRefs(plan)));
}

/** Paths as the plan saw them: whoever edits one in between is not overwritten unseen. */
function preconditions(means: Means, plan: ResourcePlan): Precondition[] {
  const paths = means.observed.get(plan.host)?.paths ?? {};
  return changesOf(plan).flatMap(({ ref, resource }) => {
    if (!resource) return [];
    const kind = kindOf(resource);
    const held = (kind.preconditions ?? kind.paths)(resource);
    return held.map((path) => ({ ref, path, seen: paths[path] }));
  });
}

/** Turns changes into operations, with what had to be signed, made or copied for them. */
async function describe(
  means: Means,
  stage: string,
  plan: ResourcePlan,
): Promise<{ steps: ConvergeStep[]; after: Map<string, Ownership> }> {
  const known = means.comparisons.byHost.get(plan.host);
  const observed = means.observed.get(plan.host);
  const laid = means.laid.get(plan.host) ?? new Map<Ref, string>();
  means.laid.set(plan.host, laid);
  const hashOf = (name: Ref): string => {
    const comparison = known?.get(name)?.comparison;
    return laid.get(name) ?? (comparison && comparison.result !== 'deferred' ? comparison.hash : '');
  };
  // What a unit has read of a file: lines that it reads only once may change later without another start of it.
  const readAs = (name: Ref): string => {
    const comparison = known?.get(name)?.comparison;
    return (comparison && comparison.result !== 'deferred' ? comparison.readAs : undefined) ?? hashOf(name);
  };
  const described = new Set([...(known?.values() ?? [])].flatMap(({ resource }) => pathsOf(resource)));
  const steps: ConvergeStep[] = [];
  const after = new Map<string, Ownership>();
  for (const item of plan.items) {
    const name = item.ref as Ref;
    const { comparison, resource } = item;
    if (!resource) {
      if (comparison.result === 'change')
        steps.push({ ref: item.ref, ops: removalOf(item.ref, means.owned.get(plan.host)?.get(item.ref), described) });
      continue;
    }
    if (comparison.result === 'deferred') continue;
    const kind = kindOf(resource);
    if (comparison.result === 'change' && observed) {
      const ops = await kind.converge(resource, comparison, means.materials, observed);
      laid.set(name, comparison.hash === '' ? contentHash(ops) : comparison.hash);
      const lowered = ops.map((op) => kind.withHashes?.(op, resource, readAs) ?? op);
      const { guarded = false } = resource;
      steps.push({ ref: item.ref, ops: lowered, irreversible: comparison.irreversible !== undefined, guarded });
    }
    const beside = kind.beside?.(resource) ?? [];
    const owner = known?.get(name)?.stage ?? stage;
    const owned = { hash: kind.derived ? '' : hashOf(name), stage: owner };
    after.set(item.ref, { ...owned, ...(beside.length > 0 ? { beside } : {}) });
  }
  return { steps, after };
}

function removedRefs(plan: ResourcePlan): Set<string> {
  return new Set(changesOf(plan).flatMap((item) => (item.comparison.verb === 'remove' ? [item.ref] : [])));
}

function without(owned: Map<string, Ownership>, refs: ReadonlySet<string>): Map<string, Ownership> {
  for (const name of refs) owned.delete(name);
  return owned;
}

/** The hash of what no plan could know (a signed certificate), as the next run will work it out from the files. */
function contentHash(ops: readonly Op[]): string {
  return identityOfFiles(
    new Map(ops.flatMap((op) => (op.op === 'write' ? [[op.path, sha256(op.content)] as const] : []))),
  );
}
