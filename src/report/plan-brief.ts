import type { HostPlan, Plan, PlanItem, StagePlan } from '../engine/types.ts';
import type { Change } from '../resources/types.ts';
import { counted } from './figures.ts';
import { clean } from './theme.ts';

/** Of what is laid where nothing was, the name says enough; of what runs then, and is installed, one wants the names. */
const NAMED: ReadonlySet<Change['verb']> = new Set(['install', 'start', 'enable']);
const NEW: ReadonlySet<Change['verb']> = new Set(['create', 'issue', ...NAMED]);

/** What of a stage is summed up, and the stage with all that is told in full. */
export interface Brief {
  hosts: string[];
  /** By what is done, in the order of the plan. */
  lines: { verb: Change['verb']; text: string }[];
  /** `12 kubeObjects`, known after … */
  later: { text: string; why: string }[];
  rest: StagePlan;
}

/** Hosts on which nothing of mcpk is yet; the API while there is no cluster. */
export function newHosts(plan: Plan): Set<string> {
  const hosts = Object.entries(plan.hosts).flatMap(([name, host]) => (host.new === true ? [name] : []));
  return new Set(plan.etcd === 'none' ? [...hosts, 'api'] : hosts);
}

/**
 * Sums up what is new on new hosts; what changes there of what was there already stays in full. With `all`, every
 * change of every host, by name where something was there before.
 */
export function briefOf(stage: StagePlan, news: ReadonlySet<string>, all = false): Brief {
  const isBrief = (host: HostPlan, { comparison }: PlanItem): boolean =>
    comparison.result === 'unchanged'
      ? false
      : all || (news.has(host.host) && (comparison.result === 'deferred' || NEW.has(comparison.verb)));
  const brief = stage.hosts.map((host) => ({ ...host, items: host.items.filter((item) => isBrief(host, item)) }));
  const rest = stage.hosts.map((host) => ({ ...host, items: host.items.filter((item) => !isBrief(host, item)) }));
  const items = unique(brief.flatMap((host) => host.items));
  const changes = items.flatMap((item) =>
    item.comparison.result === 'change' ? [{ ...item, verb: item.comparison.verb }] : [],
  );
  const deferred = items.flatMap((item) =>
    item.comparison.result === 'deferred' ? [{ ...item, why: whyOf(item.comparison) }] : [],
  );
  return {
    hosts: brief.filter((host) => host.items.length > 0).map((host) => host.host),
    lines: [...Map.groupBy(changes, ({ verb }) => verb)].map(([verb, each]) => ({ verb, text: textOf(verb, each) })),
    later: [...Map.groupBy(deferred, ({ why }) => why)].map(([why, each]) => ({ text: kindsOf(each), why })),
    rest: { ...stage, hosts: rest },
  };
}

/** The same on several hosts is one. */
function unique(items: readonly PlanItem[]): PlanItem[] {
  const byWhat = new Map(items.map((item) => [JSON.stringify([item.ref, verbOf(item)]), item]));
  return [...byWhat.values()];
}

function verbOf({ comparison }: PlanItem): string {
  return comparison.result === 'change' ? comparison.verb : comparison.result;
}

function whyOf({ until, why }: { until: string; why: string }): string {
  return `known after ${until}: ${why}`;
}

function textOf(verb: Change['verb'], items: readonly PlanItem[]): string {
  return NEW.has(verb) && !NAMED.has(verb) ? kindsOf(items) : items.map(({ title }) => clean(title)).join(', ');
}

/** `2 directories, 9 binaries` */
function kindsOf(items: readonly PlanItem[]): string {
  const kinds = Map.groupBy(items, ({ kind }) => kind);
  return [...kinds].map(([kind, each]) => counted(each.length, inWords(kind), `${manyOf(inWords(kind))}`)).join(', ');
}

/** `kernelModule` is `kernel module` */
function inWords(kind: string): string {
  return kind.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

function manyOf(word: string): string {
  return word.endsWith('y') ? `${word.slice(0, -1)}ies` : `${word}s`;
}
