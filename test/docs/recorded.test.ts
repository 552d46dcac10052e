import { describe, expect, it } from 'vitest';
import { digestOf, partOf, partsOf } from '../../scripts/recorded.ts';
import type { Page, Scenario } from '../../scripts/scenario.ts';
import { COMMANDS } from '../../src/commands/main.ts';
import { readText } from '../architecture/doc.ts';
import { PAGES } from '../e2e/scenarios/pages.ts';
import { commandsOf, spans } from './blocks.ts';

const BLOCK = /^```(\w*)\n([^]*?)\n```$/gm;

const scenariosOf = ({ sequences }: Page): Scenario[] => Object.values(sequences).flat();

/** What is done, without what was said to it. */
function deedsOf(part: string): string {
  return [...part.matchAll(BLOCK)].flatMap(([, language, text]) => (language === '' ? [] : [text])).join('\n');
}

function outputsOf(part: string): string[] {
  return [...part.matchAll(BLOCK)].filter(([, language]) => language === '').map(([, , text = '']) => text);
}

/** `node remove` of `mcpk node remove w2`. */
function idOf([program, first = '', second = '']: readonly string[]): string | undefined {
  if (program !== 'mcpk') return undefined;
  return [`${first}:${second}`, first].find((id) => Object.hasOwn(COMMANDS, id));
}

describe.each(PAGES.map((page): [string, Page] => [page.path, page]))('%s', (path, page) => {
  const text = readText(path);
  const parts = partsOf(text);

  it('has each of its scenarios once', () => {
    const names = scenariosOf(page).map(({ name }) => name);
    expect(parts.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
  });

  it('has those that are recorded as `npm run docs:lab` recorded them', () => {
    const recorded = parts.filter(({ digest }) => digest !== '');
    expect(recorded.filter((part) => part.digest !== digestOf(part.text)).map(({ name }) => name)).toEqual([]);
  });

  it('has no block beside them', () => {
    const prose = parts.reduce((left, part) => left.replace(part.text, ''), text);
    expect([...prose.matchAll(/^ *```.*$/gm)]).toEqual([]);
  });

  it.each(scenariosOf(page).map((scenario): [string, Scenario] => [scenario.name, scenario]))(
    '%s: does what the scenario does, and shows what it shows',
    (name, scenario) => {
      const { text: part = '', digest = '' } = parts.find((each) => each.name === name) ?? {};
      expect(deedsOf(part)).toEqual(deedsOf(partOf(scenario)));
      const shown = scenario.steps.flatMap((step) => ('run' in step && step.shows && digest !== '' ? [step] : []));
      const outputs = outputsOf(part);
      expect(outputs).toHaveLength(shown.length);
      for (const [at, { run, shows = [] }] of shown.entries())
        for (const pattern of shows) expect(outputs[at], run).toMatch(pattern);
    },
  );

  it('tells of no command that none of them runs', () => {
    const runs = PAGES.flatMap(scenariosOf).flatMap(({ steps }) =>
      steps.flatMap((step) => ('run' in step ? [step.run] : [])),
    );
    const ran = new Set(runs.flatMap(commandsOf).map(idOf));
    const told = spans(path).flatMap(commandsOf).map(idOf);
    expect(told.filter((id) => id !== undefined && !ran.has(id))).toEqual([]);
  });
});
