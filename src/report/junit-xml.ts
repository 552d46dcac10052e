import type { TestCase, TestSuite } from './junit.ts';
import { clean, cleanLines } from './theme.ts';

/** The suites of a run in the form that CI systems read as JUnit's. `started`: when the run did; `ms`: how long it took. */
export function junitXml(suites: readonly TestSuite[], run: { name: string; started: Date; ms: number }): string {
  const all = suites.flatMap(({ cases }) => cases);
  const timestamp = run.started.toISOString().replace(/\.\d+Z$/, '');
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: run.name, ...counts(all), time: seconds(run.ms) })}>`,
    ...suites.flatMap(({ name, cases }) => [
      `  <testsuite${attributes({ name, ...counts(cases), time: seconds(sum(cases)), timestamp })}>`,
      ...cases.flatMap((each) => testCase(name, each)),
      '  </testsuite>',
    ]),
    '</testsuites>',
    '',
  ].join('\n');
}

function testCase(suite: string, { name, ms, failures, skipped }: TestCase): string[] {
  const start = `    <testcase${attributes({ classname: suite, name, time: seconds(ms) })}`;
  const parts = failures.map(({ type, message, lines }) => {
    const text = [message, ...lines].flatMap((line) => cleanLines(line)).join('\n');
    return `      <failure${attributes({ type, message })}>${escaped(text)}</failure>`;
  });
  if (parts.length === 0 && skipped !== undefined) parts.push(`      <skipped${attributes({ message: skipped })}/>`);
  return parts.length === 0 ? [`${start}/>`] : [`${start}>`, ...parts, '    </testcase>'];
}

function counts(cases: readonly TestCase[]): Record<'tests' | 'failures' | 'errors' | 'skipped', string> {
  const failures = cases.filter((each) => each.failures.length > 0).length;
  const skipped = cases.filter((each) => each.failures.length === 0 && each.skipped !== undefined).length;
  return { tests: String(cases.length), failures: String(failures), errors: '0', skipped: String(skipped) };
}

function sum(cases: readonly TestCase[]): number {
  return cases.reduce((ms, each) => ms + each.ms, 0);
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function attributes(of: Readonly<Record<string, string>>): string {
  return Object.entries(of)
    .map(([name, value]) => ` ${name}="${escaped(clean(value))}"`)
    .join('');
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** XML has no half of a character, nor these two, however they are written. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}
