/**
 * How a scenario stands in its page: what is done in blocks of `sh` and `yaml`, as `npm run generate` writes it, and, once
 * `npm run docs:lab` has recorded it, below each what was said to it. Recorded parts have a digest in their mark: one that
 * was changed by hand is found. What a run can't say twice (times, ids, keys) has left them, so that recording them again
 * changes nothing.
 */
import { createHash } from 'node:crypto';
import type { Scenario } from './scenario.ts';

/** Longer outputs are cut: their beginning and end, and between what the scenario says that they show. */
const LONG = 22;
const HEAD = 6;
const TAIL = 8;

const VARYING: readonly (readonly [RegExp, string])[] = [
  [/\b\d{8}T\d{6}Z-[0-9a-f]{4}\b/g, 'RUN'],
  [/\b\d{8}T\d{6}Z\b/g, 'TIME'],
  // One that the terminal cut short.
  [/\b\d{8}T\d*…/g, 'TIME…'],
  [/\b\d+ (s|min|h) ago\b/g, '… $1 ago'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?\b/g, 'TIME'],
  // Without a day.
  [/\b\d\d:\d\d:\d\d\b/g, 'TIME'],
  [/SHA256:[\w+/]{43}/g, 'SHA256:…'],
  [/\b[0-9a-f]{16,}\b/g, '…'],
  // In columns of mcpk, and of kubectl.
  [/ {2,}\d+\.\d s\b/g, '     … s'],
  [/ {2,}(\d+[dhms])+ {2,}/g, '   …   '],
  [/\bAGE {2,}/g, 'AGE   '],
  [/\b(\d+ min )?\d+(\.\d+)? s\b/g, '… s'],
  [/\b(\d+ min|\d+ h( \d+ min)?) old\b/g, '… old'],
  [/\b(revision|keys?|age) \d+\b/g, '$1 …'],
  [/\b\d+ (keys|revisions)\b/g, '… $1'],
  [/\b\d+(\.\d+)? ([kMG]B)\b/g, '… $2'],
];

/** What was said, as the next run of the same says it too. */
export function stable(text: string): string {
  return VARYING.reduce((left, [pattern, word]) => left.replaceAll(pattern, word), text);
}

/** Lines of an output as the page has them. */
export function shortened(lines: readonly string[], shows: readonly RegExp[]): string[] {
  if (lines.length <= LONG) return [...lines];
  const isKept = (line: string, at: number): boolean =>
    at < HEAD || at >= lines.length - TAIL || shows.some((pattern) => pattern.test(line));
  return lines.flatMap((line, at) => {
    if (isKept(line, at)) return [line];
    return isKept(lines[at - 1] ?? '', at - 1) ? ['…'] : [];
  });
}

/** The blocks of a scenario; with what each of its commands said, in their order, where that is known. */
export function partOf({ steps }: Scenario, outputs?: readonly string[]): string {
  const left = [...(outputs ?? [])];
  const blocks: string[] = [];
  let shell = '';
  const endShell = (): void => {
    if (shell !== '') blocks.push(block('sh', shell));
    shell = '';
  };
  for (const step of steps) {
    if ('happens' in step) shell += `# ${step.happens}\n`;
    if ('edit' in step) {
      endShell();
      blocks.push(block('yaml', step.edit));
    }
    if ('run' in step) {
      shell += `${step.run}\n`;
      const said = left.shift();
      if (!step.shows || said === undefined) continue;
      endShell();
      blocks.push(block('', shortened(said.split('\n'), step.shows).join('\n')));
    }
  }
  endShell();
  return blocks.join('\n\n');
}

function block(language: string, text: string): string {
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;
}

/** Of each part of a page: its scenario, the digest that its mark has if it is recorded, and what lies between the marks. */
export interface Part {
  name: string;
  digest: string;
  text: string;
}

const PART = /^<!-- lab: ([\w-]+) ?([0-9a-f]*) -->\n([^]*?)^<!-- end -->$/gm;

export function partsOf(page: string): Part[] {
  return [...page.matchAll(PART)].map(([, name = '', digest = '', text = '']) => ({ name, digest, text: text.trim() }));
}

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/** The page with what was recorded of a scenario; throws where it has no place for it. */
export function withRecorded(page: string, name: string, text: string): string {
  if (!partsOf(page).some((part) => part.name === name))
    throw new Error(`the page has no place for it: a line <!-- lab: ${name} -->, then <!-- end -->`);
  return page.replaceAll(PART, (whole, named: string) =>
    named === name ? partIn(`${name} ${digestOf(text)}`, text) : whole,
  );
}

/** The page with what is done in scenarios that are not recorded; throws for a part that none of them is. */
export function withDeeds(page: string, scenarios: readonly Scenario[]): string {
  return page.replaceAll(PART, (whole, named: string, digest: string) => {
    const scenario = scenarios.find(({ name }) => name === named);
    if (!scenario) throw new Error(`there is no scenario "${named}"`);
    return digest === '' ? partIn(named, partOf(scenario)) : whole;
  });
}

function partIn(mark: string, text: string): string {
  return `<!-- lab: ${mark} -->\n\n${text}\n\n<!-- end -->`;
}
