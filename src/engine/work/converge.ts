import { McpkError } from '../../core/errors.ts';
import { kindOf, pathsOf } from '../../resources/kinds.ts';
import type { Op, Ref } from '../../resources/types.ts';
import { identityOfFiles, sha256 } from '../../resources/identity.ts';
import { ownedText, removalOf, type Ownership } from '../plan/owned.ts';
import { changesOf, type HostPlan } from '../types.ts';
import {
  decodeConverge,
  encodeConverge,
  type ConvergeRequest,
  type ConvergeStep,
  type Precondition,
} from '../wire/wire-converge.ts';
import { underDeadman } from './deadman.ts';
import { takenOver } from './journal.ts';
import type { Run } from './run-context.ts';

/** One stream: a stage on a host. Binaries travel first, over a second channel. */
export async function convergeHost(run: Run, stage: string, plan: HostPlan): Promise<void> {
  const started = performance.now();
  const changes = changesOf(plan);
  const base = { stage, host: plan.host };
  run.emit({ at: run.since(), type: 'host-start', ...base, changes: changes.length });
  const end = (status: 'changed' | 'failed'): void => {
    run.emit({ at: run.since(), type: 'host-end', ...base, status, ms: performance.now() - started });
  };
  try {
    await sendAhead(run, stage, plan);
    // What a stage remembers as owned rests on what the one before it on this host remembered: one at a time.
    await run.turn(plan.host, () => stream(run, stage, plan));
    end('changed');
  } catch (error) {
    end('failed');
    throw error;
  }
}

async function sendAhead(run: Run, stage: string, plan: HostPlan): Promise<void> {
  const wanted = changesOf(plan).flatMap((item) => {
    const resource = run.comparisons.byHost.get(plan.host)?.get(item.ref as Ref)?.resource;
    const upload = resource && kindOf(resource).upload?.(resource);
    return upload && item.comparison.verb !== 'remove' ? [upload] : [];
  });
  const total = wanted.reduce((sum, upload) => sum + upload.size, 0);
  let sent = 0;
  for (const { source, path, sha256: digest } of wanted) {
    const onBytes = (n: number): void => {
      sent += n;
      run.emit({ at: run.since(), type: 'bytes', stage, host: plan.host, sent, total });
    };
    await run.fleet.upload(plan.host, { source, path, sha256: digest, onBytes }, run.signal);
  }
}

async function stream(run: Run, stage: string, plan: HostPlan): Promise<void> {
  const { steps, after } = await describe(run, stage, plan);
  const before = run.owned.get(plan.host) ?? new Map<string, Ownership>();
  const request: ConvergeRequest = {
    run: run.id,
    stage,
    caller: run.journal.caller,
    notes: run.journal.take(plan.host),
    steps,
    preconditions: preconditions(run, plan),
    ownedBefore: ownedText(new Map([...before, ...after])),
    ownedAfter: ownedText(without(new Map([...before, ...after]), removedRefs(plan))),
  };
  const verbs = new Map(changesOf(plan).map((item) => [item.ref, item.comparison.verb]));
  await underDeadman(run, plan.host, request, (guarded) =>
    sendStream(run, { host: plan.host, request: guarded, verbs }),
  );
  run.owned.set(plan.host, without(new Map([...before, ...after]), removedRefs(plan)));
}

/** A change that failed on its host; `ref` names it. */
export class ChangeFailure extends McpkError {
  readonly ref: string;

  constructor(ref: string, ...[code, message, more]: ConstructorParameters<typeof McpkError>) {
    super(code, message, more);
    this.ref = ref;
  }
}

export interface Stream {
  host: string;
  request: ConvergeRequest;
  /** ref → what is done to it, for those who watch. */
  verbs: ReadonlyMap<string, string>;
}

/** Runs a stream, tells of each resource, and gives back what a rollback in it put back. */
export async function sendStream(run: Run, { host, request, verbs }: Stream): Promise<string[]> {
  const { stage } = request;
  let failure: { ref: string; message: string } | undefined;
  let stale: string[] = [];
  let fenced = false;
  let restored: string[] = [];
  let stderr = '';
  const exitCode = await run.fleet.request(
    host,
    'converge',
    encodeConverge(request),
    (record) => {
      if (record.kind === 'stderr') stderr += record.body.toString('utf8');
      const event = decodeConverge(request, record);
      if (event?.type === 'stale') stale = event.refs;
      if (event?.type === 'fenced') fenced = true;
      if (event?.type === 'restored') restored = restored.concat(event.lines);
      if (event?.type !== 'resource') return;
      if (event.status === 'failed') failure ??= event;
      const { ref, status, ms, message } = event;
      run.emit({
        at: run.since(),
        type: 'resource',
        stage,
        host,
        ref,
        verb: verbs.get(ref) ?? '',
        status,
        ms,
        ...(message === '' ? {} : { message }),
      });
    },
    run.signal,
  );
  if (fenced) throw takenOver(host);
  if (stale.length > 0) throw staleError(stage, host, stale);
  if (exitCode !== 0 || failure)
    throw streamError(stage, host, failure, stderr || `converge ended with ${String(exitCode)}`);
  return restored;
}

/** Paths as the plan saw them: whoever edits one in between is not overwritten unseen. */
function preconditions(run: Run, plan: HostPlan): Precondition[] {
  const paths = run.observed.get(plan.host)?.paths ?? {};
  return changesOf(plan).flatMap((item) => {
    const resource = run.comparisons.byHost.get(plan.host)?.get(item.ref as Ref)?.resource;
    if (!resource) return [];
    const kind = kindOf(resource);
    const held = (kind.preconditions ?? kind.paths)(resource);
    return held.map((path) => ({ ref: item.ref, path, seen: paths[path] }));
  });
}

function staleError(stage: string, host: string, refs: readonly string[]): McpkError {
  return new McpkError('stale', `${stage} on ${host}: changed since it was read: ${refs.join(', ')}`, {
    host,
    hint: 'This stage changed nothing there. Plan again.',
  });
}

/** converge sends the last 6000 bytes of what failed. */
const MOST_CHARACTERS = 64 * 1024;

function streamError(
  stage: string,
  host: string,
  failure: { ref: string; message: string } | undefined,
  stderr: string,
): McpkError {
  const text = failure?.message || stderr;
  const [first = '', ...rest] = text.slice(0, MOST_CHARACTERS).trim().split('\n');
  return new ChangeFailure(
    failure?.ref ?? '',
    'stage',
    `${stage} on ${host}: ${failure ? `${failure.ref}: ` : ''}${first}`,
    {
      host,
      details: rest,
      hint: hintFor(text),
    },
  );
}

function hintFor(message: string): string {
  if (message.includes('No space left on device')) return 'Make room on that host, then run the same command again.';
  if (message.includes('Read-only file system'))
    return 'Mount that file system writable, then run the same command again.';
  if (/journal|failed/i.test(message))
    return 'Nothing after it was started on any host. Mend the cause and run the same command again.';
  return 'Mend the cause and run the same command again; what is done stays done.';
}

/** Turns changes into operations, with what had to be signed, made or copied for them. */
async function describe(
  run: Run,
  stage: string,
  plan: HostPlan,
): Promise<{ steps: ConvergeStep[]; after: Map<string, Ownership> }> {
  const known = run.comparisons.byHost.get(plan.host);
  const observed = run.observed.get(plan.host);
  const laid = run.laid.get(plan.host) ?? new Map<Ref, string>();
  run.laid.set(plan.host, laid);
  const hashOf = (name: Ref): string => {
    const comparison = known?.get(name)?.comparison;
    return laid.get(name) ?? (comparison && comparison.result !== 'deferred' ? comparison.hash : '');
  };
  const described = new Set([...(known?.values() ?? [])].flatMap(({ resource }) => pathsOf(resource)));
  const steps: ConvergeStep[] = [];
  const after = new Map<string, Ownership>();
  for (const item of plan.items) {
    const name = item.ref as Ref;
    const { comparison } = item;
    const resource = known?.get(name)?.resource;
    if (!resource) {
      if (comparison.result === 'change')
        steps.push({ ref: item.ref, ops: removalOf(item.ref, run.owned.get(plan.host)?.get(item.ref), described) });
      continue;
    }
    if (comparison.result === 'deferred') continue;
    const kind = kindOf(resource);
    if (comparison.result === 'change' && observed) {
      const ops = await kind.converge(resource, comparison, run.materials, observed);
      laid.set(name, comparison.hash === '' ? contentHash(ops) : comparison.hash);
      const lowered = ops.map((op) => kind.withHashes?.(op, resource, hashOf) ?? op);
      const { guarded = false } = resource;
      steps.push({ ref: item.ref, ops: lowered, irreversible: comparison.irreversible !== undefined, guarded });
    }
    const beside = kind.beside?.(resource) ?? [];
    after.set(item.ref, { hash: kind.derived ? '' : hashOf(name), stage, ...(beside.length > 0 ? { beside } : {}) });
  }
  return { steps, after };
}

function removedRefs(plan: HostPlan): Set<string> {
  return new Set(changesOf(plan).flatMap((item) => (item.comparison.verb === 'remove' ? [item.ref] : [])));
}

function without(owned: Map<string, Ownership>, refs: ReadonlySet<string>): Map<string, Ownership> {
  for (const name of refs) owned.delete(name);
  return owned;
}

/** Identity of what was only known now (a signed certificate): as the comparison of the next run will see it. */
function contentHash(ops: readonly Op[]): string {
  return identityOfFiles(
    new Map(ops.flatMap((op) => (op.op === 'write' ? [[op.path, sha256(op.content)] as const] : []))),
  );
}
