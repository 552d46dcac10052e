import { McpkError } from '../core/errors.ts';
import { PATHS } from '../core/paths.ts';
import { kindNamed, kindOf } from '../resources/kinds.ts';
import { unitDigests } from '../resources/unit.ts';
import type { Op, Ref, Resource } from '../resources/types.ts';
import { sha256 } from './materials.ts';
import type { Run } from './run-context.ts';
import { changesOf, type HostPlan } from './types.ts';
import { ConvergeReader, encodeConverge, type ConvergeStep } from './wire.ts';

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
    await sendBinaries(run, stage, plan);
    await stream(run, stage, plan);
    end('changed');
  } catch (error) {
    end('failed');
    throw error;
  }
}

async function sendBinaries(run: Run, stage: string, plan: HostPlan): Promise<void> {
  const wanted = changesOf(plan).flatMap((item) => {
    const resource = run.comparisons.byHost.get(plan.host)?.get(item.ref as Ref)?.resource;
    return resource?.kind === 'binary' && item.comparison.verb !== 'remove' ? [resource] : [];
  });
  const total = wanted.reduce((sum, binary) => sum + binary.size, 0);
  let sent = 0;
  for (const binary of wanted) {
    const onBytes = (n: number): void => {
      sent += n;
      run.emit({ at: run.since(), type: 'bytes', stage, host: plan.host, sent, total });
    };
    await run.fleet.upload(plan.host, { source: binary.source, path: `${PATHS.store}/${binary.sha256}`, sha256: binary.sha256, onBytes }, run.signal);
  }
}

async function stream(run: Run, stage: string, plan: HostPlan): Promise<void> {
  const { steps, after } = await describe(run, stage, plan);
  const before = run.owned.get(plan.host) ?? new Map<string, { hash: string; stage: string }>();
  const reader = new ConvergeReader((event) => {
    run.emit({ at: run.since(), type: 'resource', stage, host: plan.host, ...event });
  });
  const body = encodeConverge({
    run: run.id,
    stage,
    host: plan.host,
    steps,
    ownedBefore: ownedText(new Map([...before, ...after.added])),
    ownedAfter: ownedText(after.owned),
  });
  const exitCode = await run.fleet.request(plan.host, 'converge', body, (record) => {
    reader.accept(record);
  }, run.signal);
  if (exitCode !== 0 || reader.failure) throw streamError(stage, plan.host, exitCode, reader);
  run.owned.set(plan.host, after.owned);
}

function streamError(stage: string, host: string, exitCode: number, reader: ConvergeReader): McpkError {
  if (reader.stale.length > 0) {
    return new McpkError('stale', `${stage} on ${host}: changed since it was read: ${reader.stale.join(', ')}`, {
      host,
      hint: 'Nothing was changed there. Plan again.',
    });
  }
  const failure = reader.failure;
  const [first = '', ...rest] = (failure?.message ?? reader.stderr).trim().split('\n');
  return new McpkError('stage', `${stage} on ${host}: ${failure ? `${failure.ref}: ` : ''}${first || `converge ended with ${String(exitCode)}`}`, {
    host,
    details: rest,
    hint: hintFor(failure?.message ?? reader.stderr),
  });
}

function hintFor(message: string): string {
  if (message.includes('No space left on device')) return 'Make room on that host, then run the same command again.';
  if (message.includes('Read-only file system')) return 'Mount that file system writable, then run the same command again.';
  if (/journal|failed/i.test(message)) return 'Nothing after it was started on any host. Mend the cause and run the same command again.';
  return 'Mend the cause and run the same command again; what is done stays done.';
}

interface Ownership {
  added: Map<string, { hash: string; stage: string }>;
  owned: Map<string, { hash: string; stage: string }>;
}

/** Turns changes into operations, with what had to be signed, made or copied for them. */
async function describe(run: Run, stage: string, plan: HostPlan): Promise<{ steps: ConvergeStep[]; after: Ownership }> {
  const known = run.comparisons.byHost.get(plan.host);
  const observed = run.observed.get(plan.host);
  const laid = run.laid.get(plan.host) ?? new Map<Ref, string>();
  run.laid.set(plan.host, laid);
  const hashOf = (name: Ref): string => {
    const comparison = known?.get(name)?.comparison;
    return laid.get(name) ?? (comparison && comparison.result !== 'deferred' ? comparison.hash : '');
  };
  const steps: ConvergeStep[] = [];
  const owned = new Map(run.owned.get(plan.host));
  const added = new Map<string, { hash: string; stage: string }>();
  for (const item of plan.items) {
    const name = item.ref as Ref;
    const resource = known?.get(name)?.resource;
    const { comparison } = item;
    if (comparison.result === 'change' && comparison.verb === 'remove' && !resource) {
      steps.push({ ref: item.ref, verb: 'remove', rests: '', ops: kindNamed(item.kind).remove(item.title) });
      owned.delete(item.ref);
      continue;
    }
    if (!resource || comparison.result === 'deferred') continue;
    if (comparison.result === 'change' && observed) {
      const ops = await kindOf(resource).converge(resource, comparison, run.materials, observed);
      laid.set(name, comparison.hash === '' ? contentHash(ops, resource) : comparison.hash);
      steps.push({ ref: item.ref, verb: comparison.verb, rests: comparison.rests, ops: ops.map((op) => withDigests(op, resource, hashOf)) });
    }
    const entry = { hash: ownedHash(resource, hashOf(name), comparison.hash), stage };
    owned.set(item.ref, entry);
    added.set(item.ref, entry);
  }
  return { steps, after: { added, owned } };
}

/** What is remembered in owned.json; see the certificate kind for why it remembers the key's hash. */
function ownedHash(resource: Resource, laid: string, compared: string): string {
  return resource.kind === 'unit' ? '' : laid || compared;
}

/** Identity of what was only known now: hash over the contents in the order of their paths. */
function contentHash(ops: readonly Op[], resource: Resource): string {
  const writes = ops.flatMap((op) => (op.op === 'write' ? [`${op.path} ${sha256(op.content)}`] : []));
  return writes.length > 0 ? sha256(writes.toSorted().join('\n')) : resource.kind;
}

function withDigests(op: Op, resource: Resource, hashOf: (name: Ref) => string): Op {
  return op.op === 'stamp' && resource.kind === 'unit' ? { ...op, ...unitDigests(resource, hashOf) } : op;
}

function ownedText(owned: ReadonlyMap<string, { hash: string; stage: string }>): string {
  const entries = [...owned].map(([name, entry]) => ({ ref: name, ...entry })).toSorted((a, b) => (a.ref < b.ref ? -1 : 1));
  return `${JSON.stringify({ version: 1, entries }, null, 0)}\n`;
}
