import { isDeepStrictEqual } from 'node:util';
import { McpkError } from '../../core/errors.ts';
import type { Change, Comparison } from '../../resources/types.ts';
import type { HostPlan, Plan, StagePlan } from '../types.ts';

const MOST_LINES = 20;

/**
 * A saved plan holds when planning anew comes to the same changes, resting on the same, in the same order.
 *
 * @throws McpkError `stale` that names what moved
 */
export function checkHolds(saved: Plan, now: Plan): void {
  const lines = moved(saved, now);
  if (lines.length === 0) return;
  const { changes, deferred } = now.summary;
  if (changes + deferred === 0 && saved.summary.changes + saved.summary.deferred > 0)
    throw stale('all of this plan is done already: every host is as wanted', []);
  const more = lines.length - MOST_LINES;
  const tool = saved.tool === now.tool ? [] : [`it was made by ${saved.tool}, this is ${now.tool}`];
  const shown = more > 1 ? [...lines.slice(0, MOST_LINES), `and ${String(more)} more`] : lines;
  throw stale('the hosts are not as this plan saw them', [...tool, ...shown]);
}

/** With another inventory nothing else needs to be compared. */
export function checkInventory(saved: Plan, inventory: Plan['inventory']): void {
  if (saved.inventory.sha256 === inventory.sha256) return;
  throw stale('the inventory is another one than this plan was made of', [
    `settings, binaries or manifests have changed since ${saved.created}: ${inventory.files.join(', ')}`,
  ]);
}

function stale(message: string, details: string[]): McpkError {
  return new McpkError('stale', message, { details, hint: 'Nothing was changed. Plan again: mcpk plan --out FILE' });
}

/** What differs between two plans of one inventory, one line each; empty when they come to the same. Pure. */
export function moved(saved: Plan, now: Plan): string[] {
  const order = cause(saved, now);
  const names = new Set([...saved.stages, ...now.stages].map((stage) => stage.name));
  return [
    ...hostLines(saved, now),
    ...[...names].flatMap((name) => {
      const [before, after] = [saved, now].map((plan) => plan.stages.find((stage) => stage.name === name));
      return stageLines(name, before, after, order);
    }),
  ];
}

function hostLines(saved: Plan, now: Plan): string[] {
  const names = new Set([...Object.keys(saved.hosts), ...Object.keys(now.hosts)]);
  const lines = [...names].flatMap((name) => {
    const [before, after] = [saved, now].map((plan) => new Map(Object.entries(plan.hosts)).get(name)?.machineId);
    if (before === after) return [];
    if (after === undefined) return [`${name}: was read then, and is not now`];
    if (before === undefined) return [`${name}: was not read then, and is now`];
    return [`${name}: is another machine (machine-id ${before} → ${after})`];
  });
  return saved.etcd === now.etcd ? lines : [...lines, `etcd was ${saved.etcd}, is ${now.etcd}`];
}

function stageLines(name: string, saved: StagePlan | undefined, now: StagePlan | undefined, because: string): string[] {
  const later = [saved, now].map((stage) => stage?.deferred);
  const waits = isDeepStrictEqual(later[0], later[1])
    ? []
    : [
        `${name}: ${later[0] ? `was known after ${later[0].until}` : 'was known'}, ${later[1] ? `is known after ${later[1].until}` : 'is known now'}`,
      ];
  const hosts = new Set([...(saved?.hosts ?? []), ...(now?.hosts ?? [])].map((each) => each.host));
  const changes = [...hosts].flatMap((host) => {
    const [before, after] = [saved, now].map((stage) => stage?.hosts.find((each) => each.host === host));
    return itemLines(host, before, after);
  });
  if (waits.length + changes.length > 0) return [...waits, ...changes];
  if (!isDeepStrictEqual(saved?.batches ?? [], now?.batches ?? []))
    return [`${name}: the order was ${orderOf(saved)}, is ${orderOf(now)}${because}`];
  // What they come to may be another with each pod that comes or goes.
  const steps = [saved, now].map((stage) => (stage?.steps ?? []).map(({ tells: _, ...step }) => step));
  if (isDeepStrictEqual(steps[0], steps[1])) return [];
  // A plan of mcpk 0.1.0 has their titles alone.
  if (steps[0]?.some((step) => !('run' in step)))
    return [`${name}: the plan does not hold the commands of its steps, as those of older versions`];
  return [`${name}: other steps are needed${because}`];
}

function itemLines(host: string, saved: HostPlan | undefined, now: HostPlan | undefined): string[] {
  const [before, after] = [saved, now].map(
    (plan) => new Map((plan?.items ?? []).map((item) => [item.ref, item.comparison])),
  ) as [Map<string, Comparison>, Map<string, Comparison>];
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((ref) => {
    const [then, today] = [before.get(ref), after.get(ref)];
    if (then?.result !== 'change' && today?.result !== 'change') return [];
    if (then?.result !== 'change' || today?.result !== 'change')
      return [`${host} ${ref}: saw ${told(then)}; is ${told(today)}`];
    return changeLines(`${host} ${ref}`, then, today);
  });
}

function changeLines(what: string, then: Change, today: Change): string[] {
  if (then.verb !== today.verb) return [`${what}: saw ${told(then)}; is ${told(today)}`];
  if (then.rests !== today.rests)
    return [`${what}: is not as it was seen (${short(then.rests)} → ${short(today.rests)})`];
  return then.hash === today.hash ? [] : [`${what}: would become another (${short(then.hash)} → ${short(today.hash)})`];
}

function told(comparison: Comparison | undefined): string {
  switch (comparison?.result) {
    case undefined:
      return 'nothing of it';
    case 'unchanged':
      return `as wanted (${comparison.reason})`;
    case 'deferred':
      return `not known yet (${comparison.why})`;
    case 'change':
      return `to be changed (${comparison.verb}: ${comparison.reasons.join('; ')})`;
  }
}

function short(hash: string): string {
  return hash === '' ? 'nothing' : hash.slice(0, 12);
}

function orderOf(stage: StagePlan | undefined): string {
  return stage?.batches.map((batch) => batch.join(', ')).join(' → ') || 'none';
}

/** What the order of hosts rests on beside the changes. */
function cause(saved: Plan, now: Plan): string {
  const holder = (plan: Plan, mark: 'holdsVip' | 'leads'): string =>
    Object.entries(plan.hosts).find(([, host]) => host[mark])?.[0] ?? 'no host';
  const vip = [saved, now].map((plan) => holder(plan, 'holdsVip'));
  const leader = [saved, now].map((plan) => holder(plan, 'leads'));
  const lines = [
    ...(vip[0] === vip[1] ? [] : [`the VIP is on ${String(vip[1])} now`]),
    ...(leader[0] === leader[1] ? [] : [`etcd's leader is ${String(leader[1])} now`]),
  ];
  return lines.length === 0 ? '' : `: ${lines.join(', ')}`;
}
