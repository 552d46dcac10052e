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
    ...stage.steps.flatMap(({ node = '', tells = [] }) => tells.map((line) => `${node}: ${line}`)),
    ...(gates ? [`${rolls ? 'after each' : 'then'}: ${gates}`] : []),
  ].map(clean);
  return texts.flatMap((text, index) => wrap(theme, `${index === 0 ? 'Order  ' : '       '}${text}`, 9));
}

/** A step that every host gets is said once. */
function stepsOf(stage: StagePlan): string[] {
  const groups = Map.groupBy(stage.steps, (step) => {
    const host = ownHost(stage, step);
    const general = (text: string): string => (host === undefined ? text : withoutNames(text, new Set([host])));
    return JSON.stringify([placeOf(step), general(step.title), host === step.on ? '' : general(step.on)]);
  });
  return [...groups.values()].map((steps) => {
    const [first] = steps as [StagePlan['steps'][number]];
    const hosts = steps.map((step) => ownHost(stage, step) ?? '');
    const each = steps.length > 1 && !hosts.includes('');
    const name = (text: string): string => (each ? withoutNames(text, new Set(hosts)) : text);
    const batches = steps.map((step) => (stage.batches[step.batch] ?? []).join(', '));
    const target = each && hosts.length === stage.batches.flat().length ? 'each' : [...new Set(batches)].join(', ');
    const on = first.on === (each ? hosts[0] : batches[0]) ? '' : ` (on ${first.on})`;
    return `${placeOf(first)} ${target}: ${name(first.title)}${on}`;
  });
}

/** The one host that a step is for: that of its batch, or the one of several that it is taken on. */
function ownHost({ batches }: StagePlan, step: StagePlan['steps'][number]): string | undefined {
  const batch = batches[step.batch] ?? [];
  if (batch.length > 1) return batch.includes(step.on) ? step.on : undefined;
  return batches.length > 1 ? batch[0] : undefined;
}

/** What is for a gate that holds comes after its batch, too. */
function placeOf({ when }: StagePlan['steps'][number]): 'before' | 'then' | 'after' {
  return when === 'before' ? 'before' : when === 'work' ? 'then' : 'after';
}

/** Each batch waits for the gates of its own hosts: what is asked of every host is said once. */
function gatesOf(stage: StagePlan): string[] {
  const hosts = new Set(stage.batches.flat());
  return hosts.size < 2 ? stage.gates : [...new Set(stage.gates.map((gate) => withoutNames(gate, hosts)))];
}

/** Behind these a host is what something is done to; behind other words its name only tells one of them from another. */
const BEFORE_A_HOST = /(^|\b(from|of|on|to|for|let|sees|drain|cordon|uncordon|stop|start|reboot) )$/;

/** Of what is so for each host: `API server ready`, `drain that host`. */
function withoutNames(text: string, hosts: ReadonlySet<string>): string {
  return text
    .split(/(?<![\w./-])([\w.-]+)(?![\w./-])/)
    .reduce((said, word) => {
      if (!hosts.has(word)) return said.endsWith(' ') && word.startsWith(' ') ? said + word.trimStart() : said + word;
      return BEFORE_A_HOST.test(said) ? `${said}that host` : said;
    }, '')
    .trimEnd();
}
