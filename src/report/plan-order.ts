import type { Plan, StagePlan } from '../engine/types.ts';
import { clean, symbol, type Theme } from './theme.ts';
import { wrap } from './wrap.ts';

/** In what order hosts change, what is checked between them, what is done around them. */
export function renderOrder(plan: Plan, stage: StagePlan, theme: Theme): string[] {
  const rolls = stage.batches.length > 1;
  const disturbs = plan.actions.some((action) => action.stage === stage.name && action.verb !== 'start');
  if (!rolls && !disturbs && stage.steps.length === 0) return [];
  const arrow = ` ${symbol(theme, 'arrow')} `;
  const order = stage.order || stage.batches.map((batch) => batch.join(', ')).join(arrow);
  const gates = gatesOf(stage).join(', ');
  const texts = [
    order.replaceAll(' → ', arrow),
    ...stepsOf(stage),
    ...(gates ? [`${rolls ? 'after each' : 'then'}: ${gates}`] : []),
  ].map(clean);
  return texts.flatMap((text, index) => wrap(theme, `${index === 0 ? 'Order  ' : '       '}${text}`, 9));
}

/** A step that every host gets is said once. */
function stepsOf(stage: StagePlan): string[] {
  const groups = Map.groupBy(stage.steps, (step) => {
    const [host, ...more] = stage.batches[step.batch] ?? [];
    const alone = host !== undefined && more.length === 0 && stage.batches.length > 1;
    const general = (text: string): string => (alone ? withoutNames(text, new Set([host])) : text);
    return JSON.stringify([placeOf(step), general(step.title), general(step.on)]);
  });
  return [...groups.values()].map((steps) => {
    const [first] = steps as [StagePlan['steps'][number]];
    const batches = steps.map((step) => (stage.batches[step.batch] ?? []).join(', '));
    const each = steps.length > 1;
    const name = (text: string): string => (each ? withoutNames(text, new Set(batches)) : text);
    const target = steps.length === stage.batches.length && each ? 'each' : batches.join(', ');
    const on = first.on === batches[0] ? '' : ` (on ${name(first.on)})`;
    return `${placeOf(first)} ${target}: ${name(first.title)}${on}`;
  });
}

/** What is for a gate that holds comes after its batch, too. */
function placeOf({ when }: StagePlan['steps'][number]): 'before' | 'after' {
  return when === 'before' ? 'before' : 'after';
}

/** Each batch waits for the gates of its own hosts: what is asked of every host is said once. */
function gatesOf(stage: StagePlan): string[] {
  const hosts = new Set(stage.batches.flat());
  return hosts.size < 2 ? stage.gates : [...new Set(stage.gates.map((gate) => withoutNames(gate, hosts)))];
}

function withoutNames(text: string, hosts: ReadonlySet<string>): string {
  return text
    .split(/(?<![\w.-])([\w.-]+)(?![\w.-])/)
    .map((word) => (hosts.has(word) ? 'HOST' : word))
    .join('');
}
