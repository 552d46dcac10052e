import type { Plan } from '../engine/types.ts';
import { counted } from './figures.ts';
import { renderSchedule } from './plan-schedule.ts';
import { renderPlanSummary, renderStages, snapshotFirst } from './plan-text.ts';
import { clean, PLAIN } from './theme.ts';

/** Comments on GitHub end at 65,536 characters; bytes of UTF-8. */
export const MOST_MARKDOWN = 60_000;

/** Kept for the word that something is missing, and the ends of what is cut. */
const RESERVE = 500;

/** What folds: a title that is shown, and lines below it. */
interface Section {
  title: string;
  lines: readonly string[];
  /** Of the fence; `diff` colours lines by their first sign. */
  language: 'diff' | 'text';
}

/**
 * A plan for a comment on a pull request: what it comes to, what apply would refuse, and each stage with its diffs,
 * folded. What hosts and files say stands between fences that it can't end, so nothing in it is obeyed, linked or mentions
 * anybody. At most {@link MOST_MARKDOWN}; says so where more is left out.
 */
export function renderPlanMarkdown(plan: Plan): string {
  const { kubernetes, etcd } = plan.versions;
  const stages = renderStages(plan, PLAIN, { verbose: false, diffIndent: 0 });
  const told = [...renderSchedule(plan, PLAIN), ...snapshotFirst(plan, PLAIN)];
  const head = [
    `## mcpk: plan for ${code(plan.cluster)}`,
    `**${renderPlanSummary(plan, PLAIN, { verbose: false }).join(' ')}**`,
    ...(plan.refused.length > 0 ? ['**`apply` would refuse it** (exit 18); why stands below.'] : []),
    `${counted(Object.keys(plan.hosts).length, 'host')}, Kubernetes ${code(kubernetes)}, etcd ${code(etcd)}`,
  ];
  const sections: Section[] = [
    ...(told.length === 0
      ? []
      : [
          {
            title: 'Order and conditions',
            lines: told.flatMap((part) => [...part, '']).slice(0, -1),
            language: 'text' as const,
          },
        ]),
    ...stages.map(({ stage, lines }) => ({ title: stage.name, lines, language: 'diff' as const })),
  ];
  return fitted(`${head.join('\n\n')}\n`, sections);
}

/** All of the sections that there is room for, the first one that is too long up to where it is. */
function fitted(head: string, sections: readonly Section[]): string {
  let text = head;
  for (const [index, section] of sections.entries()) {
    const whole = details(section);
    if (bytes(text) + bytes(whole) <= MOST_MARKDOWN - RESERVE) {
      text += whole;
      continue;
    }
    const left = sections.length - index;
    const note = `\n**Cut off**: ${left === 1 ? 'the last part is' : `the last ${left} parts are`} not, or not all, in here, as they are too long for a comment. \`mcpk plan\` shows all.\n`;
    return text + details(upTo(MOST_MARKDOWN - RESERVE - bytes(text), section)) + note;
  }
  return text;
}

/** As many of its lines as there is room for. */
function upTo(room: number, { lines, ...section }: Section): Section {
  const kept: string[] = [];
  let left = room - bytes(details({ ...section, lines })) + bytes(textOf(lines));
  for (const line of lines) {
    left -= bytes(line) + 1;
    if (left < 0) break;
    kept.push(line);
  }
  return { ...section, lines: [...kept, '… cut off here'] };
}

function details({ title, lines, language }: Section): string {
  const text = textOf(lines);
  const fence = '`'.repeat(Math.max(3, longestRun(text) + 1));
  return `\n<details><summary>${html(clean(title))}</summary>\n\n${fence}${language}\n${text}${fence}\n\n</details>\n`;
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/** In a sentence. */
function code(text: string): string {
  const shown = clean(text);
  const mark = '`'.repeat(longestRun(shown) + 1);
  return mark.length === 1 ? `${mark}${shown}${mark}` : `${mark} ${shown} ${mark}`;
}

function longestRun(text: string): number {
  return Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length));
}

function html(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function bytes(text: string): number {
  return Buffer.byteLength(text);
}
