import { lastLines } from '../../core/answer.ts';
import { McpkError } from '../../core/errors.ts';
import { kubectl } from '../../cluster/kubectl.ts';
import { letsAdminsIn, ADMINS } from '../../cluster/access.ts';
import { parseHttp, seen as answerSeen } from '../../cluster/http.ts';
import { askDelete, MANAGER, parseObjectId } from '../../cluster/objects.ts';
import type { Resource, Verb } from '../../resources/types.ts';
import { ask } from '../hosts/ask.ts';
import { judgeLeaving } from '../hosts/leaving.ts';
import { OWNED_ID } from '../plan/owned.ts';
import { API } from '../../core/places.ts';
import { changesOf, type HostPlan, type PlanItem } from '../types.ts';
import { bindAdmins } from './break-glass.ts';
import { withResources, type Means } from './means.ts';

const OWNED_NAME = 'kube-system/mcpk-owned';

interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

/**
 * One server-side apply for all that differs, a delete for each object that leaves. Each stage writes the whole list of
 * what is owned, made from the one before it: one stage at a time.
 */
export function convergeApi(means: Means, stage: string, plan: HostPlan): Promise<void> {
  return means.turn(API, () => convergeObjects(means, stage, plan));
}

async function convergeObjects(means: Means, stage: string, given: HostPlan): Promise<void> {
  const started = performance.now();
  const host = means.facts.apiHost;
  if (host === undefined)
    throw new McpkError('stage', `${stage}: no API server answers on any master`, {
      hint: 'Look at the api-server stage first: mcpk verify',
    });
  const plan = withResources(means, given);
  const changes = changesOf(plan);
  means.state.emit({ at: means.state.since(), type: 'host-start', stage, host: API, changes: changes.length });
  await letIn(means, stage, host, changes);
  means.journal.note(host, 'stage', stage);
  await means.journal.send(host);
  const wanted = changes.flatMap(({ resource, comparison }) =>
    resource?.kind === 'kubeObject' && !isParting(comparison.verb) ? [resource.object] : [],
  );
  const leaving = changes.filter((item) => item.comparison.verb === 'remove').map((item) => item.ref);
  const forgotten = changes.some((item) => item.comparison.verb === 'forget');
  const owned = new Map(means.owned.get(API));
  for (const item of plan.items) {
    if (item.comparison.result === 'change' && isParting(item.comparison.verb)) owned.delete(item.ref);
    // A node is its kubelet's: only the labels and taints on it are ours, and they leave with the next apply.
    else if (!isPartial(item.resource))
      owned.set(item.ref, { hash: item.comparison.result === 'deferred' ? '' : item.comparison.hash, stage });
  }
  // What is ours is written down first: an object that exists but is not remembered would never leave.
  const remembered = ownedObject(new Map([...(means.owned.get(API) ?? []), ...owned]));
  const [first, rest] = partition(wanted, definesOthers);
  await must(means, stage, host, APPLY, list([remembered, ...first]));
  const definitions = first.filter((object) => object['kind'] === 'CustomResourceDefinition');
  if (definitions.length > 0)
    await must(
      means,
      stage,
      host,
      ['wait', '--for=condition=Established', '--timeout=30s', '-f', '-'],
      list(definitions),
    );
  if (rest.length > 0) await must(means, stage, host, APPLY, list(rest));
  await deleteLeaving(means, stage, host, leaving);
  if (forgotten || leaving.length > 0) await must(means, stage, host, APPLY, list([ownedObject(owned)]));
  means.owned.set(API, owned);
  const ms = performance.now() - started;
  for (const item of changes) {
    means.journal.note(host, 'done', stage, item.ref);
    means.state.emit({
      at: means.state.since(),
      type: 'resource',
      stage,
      host: API,
      ref: item.ref,
      verb: item.comparison.verb,
      status: 'changed',
      ms,
    });
  }
  means.state.emit({ at: means.state.since(), type: 'host-end', stage, host: API, status: 'changed', ms });
}

/** Where the binding that lets the administrator in is wrong or absent, another one has to lay it. */
async function letIn(means: Means, stage: string, host: string, changes: readonly PlanItem[]): Promise<void> {
  if (!changes.some((item) => item.ref === `kubeObject:${ADMINS.binding}`)) return;
  if (letsAdminsIn(means.observed.get(API)?.texts[`api:${ADMINS.binding}`])) return;
  await bindAdmins(means, stage, host);
}

/** Namespaces and definitions come first: other objects of the run may live in them, or be of their kind. */
function definesOthers(object: Readonly<Record<string, unknown>>): boolean {
  return object['kind'] === 'CustomResourceDefinition' || object['kind'] === 'Namespace';
}

function partition<T>(items: readonly T[], belongs: (item: T) => boolean): [T[], T[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}

function isParting(verb: Verb): boolean {
  return verb === 'remove' || verb === 'forget';
}

/** Looks at each once more: what is ours was decided when the plan was made, and what is deleted is lost. */
async function deleteLeaving(means: Means, stage: string, host: string, refs: readonly string[]): Promise<void> {
  const { reader, cluster } = means;
  const judged = await judgeLeaving({ reader, cluster, host }, refs);
  for (const [ref, seen] of judged) {
    if (seen.ours === undefined) throw new McpkError('stage', `${stage}: ${ref} is not deleted: ${seen.why}`, { host });
    if (!seen.ours) {
      if (!seen.gone)
        means.state.emit({ at: means.state.since(), type: 'warning', host: API, message: notOurs(ref, seen.why) });
      continue;
    }
    const [answer] = await ask(means.fleet, [askDelete(cluster, host, seen)], means.state.signal);
    const status = parseHttp(answer)?.status ?? 0;
    // 404 and 409: it is gone, or another one has its name since.
    if (![200, 202, 404, 409].includes(status))
      throw new McpkError('stage', `${stage}: ${ref} is not deleted: ${answerSeen(answer)}`, { host });
  }
}

/** A warning: of the plan, and of a run where this came to be after its plan was made. */
export function notOurs(ref: string, why: string): string {
  return `${OWNED_NAME} names ${ref.slice('kubeObject:'.length)}, but ${why}: it is left as it is`;
}

function isPartial(resource: Resource | undefined): boolean {
  return resource?.kind === 'kubeObject' && resource.partial === true;
}

const APPLY: readonly string[] = [
  'apply',
  '--server-side',
  `--field-manager=${MANAGER}`,
  '--force-conflicts',
  '-f',
  '-',
];

async function must(means: Means, stage: string, host: string, args: readonly string[], stdin: string): Promise<void> {
  const [answer] = await means.fleet.exec(
    host,
    [{ ...kubectl(means.cluster, host, ...args), stdin }],
    means.state.signal,
  );
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
