import { describe, expect, it } from 'vitest';
import { digestOf, partOf, partsOf, shortened, stable, withDeeds, withRecorded } from '../../scripts/recorded.ts';
import type { Scenario } from '../../scripts/scenario.ts';

const nothing = (): Promise<void> => Promise.resolve();

const SCENARIO: Scenario = {
  name: 'one',
  steps: [
    { happens: 'm3 is dead', by: nothing },
    { run: 'mcpk plan', shows: [/nothing/] },
    { check: 'it is so', by: nothing },
    { edit: 'hosts: []\n' },
    { run: 'mcpk apply', answers: ['y'] },
  ],
};

const PART = `\`\`\`sh
# m3 is dead
mcpk plan
\`\`\`

\`\`\`
nothing to do
\`\`\`

\`\`\`yaml
hosts: []
\`\`\`

\`\`\`sh
mcpk apply
\`\`\``;

it('a scenario is told by what happens, what is done, and what was said where it shows something', () => {
  expect(partOf(SCENARIO, ['nothing to do', 'a lot'])).toBe(PART);
});

it('and without that before it is recorded', () => {
  expect(partOf(SCENARIO)).toBe(PART.replace('```\nnothing to do\n```\n\n', ''));
});

describe('a page', () => {
  const PAGE = 'a\n\n<!-- lab: one -->\n<!-- end -->\n\nb\n\n<!-- lab: two 12345678 -->\n\nx\n\n<!-- end -->\n';

  it('takes a part with its digest, again without a difference, and nothing else changes', () => {
    const once = withRecorded(PAGE, 'one', PART);
    expect(once).toBe(PAGE.replace('<!-- lab: one -->\n', `<!-- lab: one ${digestOf(PART)} -->\n\n${PART}\n\n`));
    expect(withRecorded(once, 'one', PART)).toBe(once);
    expect(partsOf(once)).toEqual([
      { name: 'one', digest: digestOf(PART), text: PART },
      { name: 'two', digest: '12345678', text: 'x' },
    ]);
  });

  it('has what is done in scenarios that are not recorded, and those that are as they were', () => {
    const two: Scenario = { name: 'two', steps: [] };
    const made = withDeeds(PAGE, [SCENARIO, two]);
    expect(made).toBe(PAGE.replace('<!-- lab: one -->\n', `<!-- lab: one -->\n\n${partOf(SCENARIO)}\n\n`));
    expect(withDeeds(made, [SCENARIO, two])).toBe(made);
    expect(() => withDeeds(PAGE, [SCENARIO])).toThrow('no scenario "two"');
  });

  it('that has no place for it is said', () => {
    expect(() => withRecorded(PAGE, 'three', PART)).toThrow('no place');
  });
});

it.each([
  ['✔ system         5/5     17.8 s   117 changed', '✔ system         5/5     … s   117 changed'],
  ['Total run time: 1 min 6 s', 'Total run time: … s'],
  ['run 20261129T204141Z-07aa, lab-20261129T204141Z.tar', 'run RUN, lab-TIME.tar'],
  ['m1   Ready    <none>   3m20s   v1.37.1', 'm1   Ready    <none>   …   v1.37.1'],
  ['key SHA256:Pl5V6mDzJyGg0lyt5LwPpfjqRyzCGFJzPyHPVrTHPmE (ssh-ed25519)', 'key SHA256:… (ssh-ed25519)'],
  ['revision 485261 · 11642 keys · 2 h 10 min old', 'revision … · … keys · … old'],
  ['member 8e9e05c52164694d leads', 'member … leads'],
  ['18 changes on 5 hosts, kubernetes 1.37.1', '18 changes on 5 hosts, kubernetes 1.37.1'],
])('what a run can not say twice leaves it: %s', (said, left) => {
  expect(stable(said)).toBe(left);
  expect(stable(left)).toBe(left);
});

describe('an output', () => {
  const lines = Array.from({ length: 40 }, (_, at) => `line ${String(at)}`);

  it('that is short stays whole', () => expect(shortened(lines.slice(0, 22), [])).toEqual(lines.slice(0, 22)));

  it('that is long has its beginning, its end, and what it is to show', () => {
    expect(shortened(lines, [/line 20/])).toEqual([...lines.slice(0, 6), '…', 'line 20', '…', ...lines.slice(32)]);
  });
});

it.each([
  ['recorded 2026-11-30 22:01:02Z by it', 'recorded TIME by it'],
  ['at 2026-11-30T22:01:02.345Z', 'at TIME'],
  ['moved (22:01:02, to m3), 15 min ago', 'moved (TIME, to m3), … min ago'],
  ['into lab-20261130T2347…', 'into lab-TIME…'],
])('what a run cannot say twice has left it: %s', (said, told) => {
  expect(stable(said)).toBe(told);
});
