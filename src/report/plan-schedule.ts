import { changesOf, type Action, type Plan, type StagePlan } from '../engine/types.ts';
import { clean, padEnd, paint, symbol, width, type Theme } from './theme.ts';
import { wrap } from './wrap.ts';

/** What an operator asks before a window: what goes down and when, from where there is no way back, what is refused. */
export function renderSchedule(plan: Plan, theme: Theme): string[][] {
  return [restarts(plan, theme), noWayBack(plan, theme), refused(plan, theme)].filter((lines) => lines.length > 0);
}

/** Restarts of several stages, one line for all hosts that share a reason; of one stage its own lines tell all. */
function restarts({ actions }: Plan, theme: Theme): string[] {
  const disturbing = actions.filter((action) => action.verb !== 'start');
  if (new Set(disturbing.map((action) => action.stage)).size < 2) return [];
  const groups = [
    ...Map.groupBy(disturbing, ({ stage, unit, verb, reason }) => JSON.stringify([stage, unit, verb, reason])).values(),
  ];
  const cells = groups.map((group) => {
    const [first] = group as [Action, ...Action[]];
    const batches = [...Map.groupBy(group, (action) => action.batch).values()];
    const hosts = batches.map((batch) => batch.map((action) => action.host).join(', '));
    return [first.unit, first.verb, hosts.join(` ${symbol(theme, 'arrow')} `), first.reason].map(clean);
  });
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => width(row[column] ?? ''))));
  const lines = cells.flatMap((row) => {
    const text = row.map((cell, column) => padEnd(cell, widths[column] ?? 0)).join('  ');
    return wrap(theme, `  ${text}`, 6);
  });
  return [paint(theme, 'bold', 'Restarts, in order'), ...lines];
}

/** From where on a rollback can't bring everything back; a reason that several stages have is said once. */
function noWayBack({ stages }: Plan, theme: Theme): string[] {
  const reasons = Map.groupBy(
    stages.flatMap((stage) => reasonsOf(stage).map((reason) => ({ reason, stage: stage.name }))),
    ({ reason }) => reason,
  );
  const marked = [...reasons].map(([reason, each]) => ({ reason, names: each.map(({ stage }) => stage).join(', ') }));
  const texts = [...Map.groupBy(marked, ({ names }) => names)].map(
    ([names, each]) => `${names} (${each.map(({ reason }) => reason).join('; ')})`,
  );
  return texts.length === 0 ? [] : wrap(theme, clean(`No way back from ${texts.join(', ')}`), 2);
}

/** What several changes have for a reason: the line of the whole plan says it. */
export function sharedReasons({ stages }: Plan): Set<string> {
  const items = stages.flatMap((stage) => stage.hosts).flatMap(changesOf);
  const reasons = Map.groupBy(items, ({ comparison }) => comparison.irreversible ?? '');
  return new Set([...reasons].flatMap(([why, each]) => (new Set(each.map(({ ref }) => ref)).size > 1 ? [why] : [])));
}

/** Stages of a running cluster that change for good. */
export function irreversibleStages({ etcd, stages }: Plan): string[] {
  return etcd === 'formed' ? stages.filter((stage) => reasonsOf(stage).length > 0).map((stage) => stage.name) : [];
}

function reasonsOf({ hosts, irreversible }: StagePlan): string[] {
  const ofChanges = hosts.flatMap(changesOf).flatMap((item) => item.comparison.irreversible ?? []);
  return [...new Set([...(irreversible === undefined ? [] : [irreversible]), ...ofChanges])];
}

function refused(plan: Plan, theme: Theme): string[] {
  return plan.refused.flatMap(({ stage, hosts, title, wrong, consequence }, index) => [
    ...(index === 0 ? [paint(theme, ['bold', 'red'], 'Refused as things are')] : []),
    ...wrap(theme, clean(`  ${stage} on ${hosts.join(', ')}: not so that ${title}`), 4),
    ...wrap(theme, clean(`    ${wrong}`), 4),
    ...wrap(theme, clean(`    with --force-unsafe ${consequence}`), 4),
  ]);
}
