import { lastLines } from '../core/answer.ts';
import { McpkError } from '../core/errors.ts';
import { kubectl } from '../cluster/kubectl.ts';
import { parseObjectId } from '../cluster/objects.ts';
import type { Ref, Resource } from '../resources/types.ts';
import { API } from './compile.ts';
import type { Run } from './run-context.ts';
import { changesOf, type HostPlan } from './types.ts';

/** Remembers in the cluster itself which objects are ours, so that those taken out of the inventory leave. */
export const OWNED_ID = 'v1/ConfigMap/kube-system/mcpk-owned';

interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

/** One server-side apply for all that differs, one delete for all that leaves. */
export async function convergeApi(run: Run, stage: string, plan: HostPlan): Promise<void> {
  const started = performance.now();
  const host = run.facts.apiHost;
  if (host === undefined)
    throw new McpkError('stage', `${stage}: no API server answers on any master`, {
      hint: 'Look at the api-server stage first: mcpk verify',
    });
  const changes = changesOf(plan);
  run.emit({ at: run.since(), type: 'host-start', stage, host: API, changes: changes.length });
  run.journal.note(host, 'stage', stage);
  await run.journal.send(host);
  const known = run.comparisons.byHost.get(API);
  const wanted = changes.flatMap((item) => {
    const resource = known?.get(item.ref as Ref)?.resource;
    return resource?.kind === 'kubeObject' && item.comparison.verb !== 'remove' ? [resource.object] : [];
  });
  const leaving = changes.filter((item) => item.comparison.verb === 'remove').map((item) => skeleton(item.title));
  const owned = new Map(run.owned.get(API));
  for (const item of plan.items) {
    if (item.comparison.result === 'change' && item.comparison.verb === 'remove') owned.delete(item.ref);
    // A node is its kubelet's: only the labels and taints on it are ours, and they leave with the next apply.
    else if (!isPartial(known?.get(item.ref as Ref)?.resource))
      owned.set(item.ref, { hash: item.comparison.result === 'deferred' ? '' : item.comparison.hash, stage });
  }
  // What is ours is written down first: an object that exists but is not remembered would never leave.
  const remembered = ownedObject(new Map([...(run.owned.get(API) ?? []), ...owned]));
  const [first, rest] = partition(wanted, definesOthers);
  await must(run, stage, host, APPLY, list([remembered, ...first]));
  const definitions = first.filter((object) => object['kind'] === 'CustomResourceDefinition');
  if (definitions.length > 0)
    await must(
      run,
      stage,
      host,
      ['wait', '--for=condition=Established', '--timeout=30s', '-f', '-'],
      list(definitions),
    );
  if (rest.length > 0) await must(run, stage, host, APPLY, list(rest));
  if (leaving.length > 0) {
    await must(run, stage, host, ['delete', '--ignore-not-found', '--wait=false', '-f', '-'], list(leaving));
    await must(run, stage, host, APPLY, list([ownedObject(owned)]));
  }
  run.owned.set(API, owned);
  const ms = performance.now() - started;
  for (const item of changes) {
    run.journal.note(host, 'done', stage, item.ref);
    run.emit({
      at: run.since(),
      type: 'resource',
      stage,
      host: API,
      ref: item.ref,
      verb: item.comparison.verb,
      status: 'changed',
      ms,
    });
  }
  run.emit({ at: run.since(), type: 'host-end', stage, host: API, status: 'changed', ms });
}

/** Objects of the same run may live in them or be of their kind. */
function definesOthers(object: Readonly<Record<string, unknown>>): boolean {
  return object['kind'] === 'CustomResourceDefinition' || object['kind'] === 'Namespace';
}

function partition<T>(items: readonly T[], belongs: (item: T) => boolean): [T[], T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}

function isPartial(resource: Resource | undefined): boolean {
  return resource?.kind === 'kubeObject' && resource.partial === true;
}

const APPLY: readonly string[] = ['apply', '--server-side', '--field-manager=mcpk', '--force-conflicts', '-f', '-'];

async function must(run: Run, stage: string, host: string, args: readonly string[], stdin: string): Promise<void> {
  const [answer] = await run.fleet.exec(host, [{ ...kubectl(host, ...args), stdin }], run.signal);
  if (answer?.exitCode === 0) return;
  const [first = '', ...rest] = lastLines(answer?.stderr, 100);
  throw new McpkError('stage', `${stage}: kubectl ${args[0] ?? ''} on ${host}: ${first}`, { host, details: rest });
}

function ownedObject(owned: ReadonlyMap<string, { hash: string; stage: string }>): unknown {
  const stages = [...owned].map(([name, entry]): [string, string] => [name, entry.stage]);
  const data = Object.fromEntries(stages.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return { ...skeleton(OWNED_ID), data: { owned: JSON.stringify(data) } };
}

function list(items: readonly unknown[]): string {
  return JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
}

function skeleton(id: string): KubeObject {
  const { apiVersion, kind, namespace, name } = parseObjectId(id);
  return { apiVersion, kind, metadata: { name, ...(namespace === '' ? {} : { namespace }) } };
}
