import { API } from '../core/places.ts';
import type { Change, Comparison } from '../resources/types.ts';
import type { Plan, StagePlan } from '../engine/types.ts';
import { renderDiff, type Diff } from './diff-text.ts';
import { counted } from './figures.ts';
import { renderMoves } from './moves-text.ts';
import { briefOf, newHosts, type Brief } from './plan-brief.ts';
import { blocksOf, type Block, type ChangeGroup } from './plan-groups.ts';
import { renderOrder } from './plan-order.ts';
import { renderSchedule, sharedReasons } from './plan-schedule.ts';
import { renderRuns } from './runs-text.ts';
import { clean, padEnd, paint, symbol, width, type Theme } from './theme.ts';
import { wrap } from './wrap.ts';

export interface PlanTextOptions {
  /** All of each new file, and what stays with its reason. */
  verbose: boolean;
  /** A line for what is done, without diffs; by default only for what is new on hosts that have nothing of mcpk yet. */
  summary?: boolean;
  /** `read in 0.3 s`, or when the plan was made. */
  when?: string;
  /** Columns before the lines of a diff; by default 6. */
  diffIndent?: number;
  /** `mcpk apply -i inventories/lab.yaml`; left out when something else says what comes next. */
  applyCommand?: string;
}

interface Options extends PlanTextOptions {
  /** Why changes can't be undone, where the plan says it at its end. */
  saidOnce: ReadonlySet<string>;
}

/** The plan as an operator reads it: each change once, why, in what order, and what to do next. */
export function renderPlan(plan: Plan, theme: Theme, given: PlanTextOptions): string {
  const stages = renderStages(plan, theme, given).map(({ lines }) => lines);
  const parts = [
    header(plan, theme, given),
    ...summedUp(plan, theme, given),
    ...snapshotFirst(plan, theme),
    ...stages,
    ...renderSchedule(plan, theme),
    renderPlanSummary(plan, theme, given),
  ];
  return `${parts.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

/** Stages of which there is anything to say, each with its changes and their order. */
export function renderStages(
  plan: Plan,
  theme: Theme,
  given: PlanTextOptions,
): { stage: StagePlan; lines: string[] }[] {
  const options = { ...given, saidOnce: sharedReasons(plan) };
  return plan.stages
    .map((stage) => ({ stage, lines: renderStage(plan, stage, theme, options) }))
    .filter(({ lines }) => lines.length > 0);
}

function header(plan: Plan, theme: Theme, options: PlanTextOptions): string[] {
  const { kubernetes, etcd } = plan.versions;
  const words = [plan.cluster, hostsOf(plan), `kubernetes ${kubernetes}`, `etcd ${etcd}`].map(clean);
  const left = words.join(` ${symbol(theme, 'dot')} `);
  const right = options.when ?? '';
  const first = wrap(theme, paint(theme, 'bold', left) + (right ? paint(theme, 'dim', `   ${right}`) : ''), 2);
  return [
    ...first,
    ...(plan.running ? renderRuns(plan.running, theme) : []),
    ...(plan.moves ? renderMoves(plan.moves, theme, new Date(plan.created)) : []),
  ];
}

/** Why there is less to see than will be done. */
function summedUp(plan: Plan, theme: Theme, options: PlanTextOptions): string[][] {
  if (options.verbose) return [];
  if (options.summary === true) return [wrap(theme, 'Summed up: without --summary each change is shown.')];
  const changed = new Set(plan.stages.flatMap((stage) => stage.batches.flat()));
  const hosts = [...newHosts(plan)].filter((host) => changed.has(host) && host !== 'api').map(clean);
  if (hosts.length === 0) return [];
  return [wrap(theme, `New: ${hosts.join(', ')}. What is laid there is summed up; --verbose shows all of it.`, 5)];
}

/** What is done before anything changes. */
export function snapshotFirst({ snapshot }: Plan, theme: Theme): string[][] {
  if (!snapshot) return [];
  const { into, because } = snapshot;
  const arrow = ` ${symbol(theme, 'arrow')} `;
  const why = because.join(', ').replaceAll(' → ', arrow);
  const text = `First  a snapshot of etcd, proved by a restore, into ${into} (${why}); without it nothing changes`;
  return [wrap(theme, clean(text), 7)];
}

function hostsOf({ hosts }: Plan): string {
  return counted(Object.keys(hosts).length, 'host');
}

function renderStage(plan: Plan, stage: StagePlan, theme: Theme, options: Options): string[] {
  const news = options.verbose ? new Set<string>() : newHosts(plan);
  const brief = briefOf(stage, news, options.summary === true && !options.verbose);
  const blocks = blocksOf(brief.rest, options.verbose ? ['change', 'deferred', 'unchanged'] : ['change', 'deferred']);
  const later = stage.deferred && `known after ${stage.deferred.until}: ${clean(stage.deferred.why)}`;
  if (later !== undefined && blocks.length === 0 && brief.hosts.length === 0)
    return wrap(theme, `${stage.name}   ${later}`, 2);
  const parts = [
    ...(brief.hosts.length === 0 ? [] : [renderBrief(stage, brief, theme)]),
    ...blocks.map((block) => renderBlock(stage, block, theme, options)),
  ];
  const lines = parts.flatMap((part, index) => (index === 0 ? part : ['', ...part]));
  // What is not known of its resources is said with each.
  const isCompared = stage.hosts.every((host) =>
    host.items.every(({ comparison }) => comparison.result !== 'deferred'),
  );
  const order =
    later !== undefined && isCompared ? wrap(theme, `Order  and steps: ${later}`, 9) : renderOrder(plan, stage, theme);
  if (order.length === 0) return lines;
  // Nothing changes but what a run before left undone.
  return lines.length === 0 ? [paint(theme, 'bold', stage.name), ...order] : [...lines, '', ...order];
}

function renderBrief(stage: StagePlan, { hosts, lines, later }: Brief, theme: Theme): string[] {
  const verbs = Math.max(0, ...lines.map(({ verb }) => verb.length));
  return [
    ...heading(stage, hosts.map(clean).join(', '), theme),
    ...lines.flatMap(({ verb, text }) => {
      const { sign, style } = signOfVerb(verb, theme);
      const wrapped = wrap(theme, `  ${sign} ${padEnd(verb, verbs)}  ${text}`, verbs + 6);
      return wrapped.map((line) => line.replace(sign, paint(theme, style, sign)));
    }),
    ...later.flatMap(({ text, why }) => wrap(theme, `  ? ${text}    ${clean(why)}`, 6)),
  ];
}

function heading(stage: StagePlan, hosts: string, theme: Theme): string[] {
  const total = Math.min(theme.columns ?? 80, 80);
  const gap = total - width(stage.name) - width(hosts);
  return gap >= 2
    ? [`${paint(theme, 'bold', stage.name)}${' '.repeat(gap)}${paint(theme, 'cyan', hosts)}`]
    : [paint(theme, 'bold', stage.name), ...wrap(theme, `  ${hosts}`, 2).map((line) => paint(theme, 'cyan', line))];
}

function renderBlock(stage: StagePlan, block: Block, theme: Theme, options: Options): string[] {
  const head = heading(stage, `${block.hosts.join(', ')}${block.hosts.length > 1 ? ' (same change)' : ''}`, theme);
  const kinds = Math.max(...block.groups.map((group) => width(group.item.kind)));
  return [...head, ...block.groups.flatMap((group) => renderItem(group, kinds, theme, options))];
}

function renderItem(group: ChangeGroup, kindWidth: number, theme: Theme, options: Options): string[] {
  const { item } = group;
  const seen = item.comparison;
  const { sign, style } = signOf(seen, theme);
  const start = `  ${sign} ${padEnd(item.kind, kindWidth)}  ${clean(item.title)}`;
  const why = clean(reasonOf(seen));
  const oneLine = why === '' ? start : `${start}    ${why}`;
  const fits = theme.columns === undefined || width(oneLine) <= theme.columns;
  const lines = fits ? [oneLine] : [...wrap(theme, start, 6), ...wrap(theme, `      ${why}`, 6)];
  const painted = lines.map((line) =>
    seen.result === 'unchanged' ? paint(theme, 'dim', line) : line.replace(sign, paint(theme, style, sign)),
  );
  if (seen.result !== 'change') return painted;
  if (seen.specification) painted.push(...seen.specification.flatMap((line) => wrap(theme, `      ${clean(line)}`, 8)));
  if (seen.diff)
    painted.push(
      ...renderDiff(diffsOf(group, seen.diff), theme, {
        indent: options.diffIndent ?? 6,
        newLines: options.verbose ? Infinity : 10,
      }),
    );
  if (seen.irreversible && !options.saidOnce.has(seen.irreversible))
    painted.push(...wrap(theme, `      cannot be undone: ${clean(seen.irreversible)}`, 8));
  return painted;
}

interface Sign {
  sign: string;
  style: 'green' | 'yellow' | 'red' | 'dim';
}

function signOf(seen: Comparison, theme: Theme): Sign {
  if (seen.result === 'unchanged') return { sign: '=', style: 'dim' };
  if (seen.result === 'deferred') return { sign: '?', style: 'dim' };
  return signOfVerb(seen.verb, theme);
}

function signOfVerb(verb: Change['verb'], theme: Theme): Sign {
  switch (verb) {
    case 'remove':
    case 'stop':
      return { sign: '-', style: 'red' };
    case 'update':
      return { sign: '~', style: 'yellow' };
    case 'forget':
      return { sign: '~', style: 'dim' };
    case 'restart':
    case 'reload':
      return { sign: symbol(theme, 'restart'), style: 'yellow' };
    case 'create':
    case 'start':
    case 'enable':
    case 'run':
    case 'issue':
    case 'install':
      return { sign: '+', style: 'green' };
  }
}

function reasonOf(seen: Comparison): string {
  if (seen.result === 'unchanged') return seen.reason;
  if (seen.result === 'deferred') return `known after ${seen.until}: ${seen.why}`;
  // The diff below says it better.
  const reasons =
    seen.diff && seen.verb === 'update' ? seen.reasons.filter((reason) => reason !== 'content differs') : seen.reasons;
  const text = reasons.join('; ');
  if (seen.verb === 'update' || text.startsWith(seen.verb)) return text;
  return text === '' ? seen.verb : `${seen.verb}: ${text}`;
}

function diffsOf(group: ChangeGroup, first: Diff): [Diff, ...Diff[]] {
  const others = group.all
    .slice(1)
    .flatMap(({ comparison }) => (comparison.result === 'change' && comparison.diff ? [comparison.diff] : []));
  return [first, ...others];
}

/** What it comes to, and the command that does it. */
export function renderPlanSummary(plan: Plan, theme: Theme, options: PlanTextOptions): string[] {
  const sum = plan.summary;
  if (sum.changes === 0 && sum.deferred === 0) {
    return wrap(theme, `Nothing to do: ${counted(sum.unchanged, 'state')} on ${hostsOf(plan)} as wanted.`);
  }
  const words = [
    `${counted(sum.changes, 'change')} ${changedPlaces(plan)}`,
    ...(sum.restarts > 0 ? [counted(sum.restarts, 'restart')] : []),
    ...(sum.reloads > 0 ? [counted(sum.reloads, 'reload')] : []),
    sum.removals > 0 ? `${sum.removals} removed` : 'nothing removed',
    ...(sum.deferred > 0 ? [`${sum.deferred} known later`] : []),
  ];
  const next =
    options.applyCommand === undefined || plan.refused.length > 0
      ? []
      : wrap(theme, `Apply with: ${options.applyCommand}`, 2);
  return [...wrap(theme, `${words.join(', ')}. ${counted(sum.unchanged, 'state')} unchanged.`), ...next];
}

/** Objects in the API change on no host. */
function changedPlaces({ summary, stages }: Plan): string {
  const inApi = stages
    .flatMap((stage) => stage.hosts)
    .some(({ host, items }) => host === API && items.some((item) => item.comparison.result === 'change'));
  const places = [
    ...(summary.hosts > 0 ? [`on ${counted(summary.hosts, 'host')}`] : []),
    ...(inApi ? ['in the API'] : []),
  ];
  return places.join(' and ') || 'on no host';
}
