import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { McpkError } from '../../src/core/errors.ts';
import type { Event } from '../../src/engine/types.ts';
import { junitXml } from '../../src/report/junit-xml.ts';
import { testSuites, type RunOutcome, type TestSuite } from '../../src/report/junit.ts';
import { CHANGED_FLAG, MIXED, stage, planOf } from '../fixtures/plan.ts';
import { anyCharacter } from '../support/any-character.ts';

/** Suites as `SUITE`, ` CASE: what became of it`. */
function told(outcome: RunOutcome): string[] {
  return testSuites(outcome).flatMap(({ name, cases }) => [
    name,
    ...cases.map(({ name: of, failures, skipped }) => {
      const failed = failures.map(({ type, message, lines }) => `${type} ${[message, ...lines].join(' | ')}`);
      return ` ${of}: ${failed.join('; ') || (skipped ?? 'passed')}`;
    }),
  ]);
}

const CONNECTED: Event[] = ['m1', 'm2'].map((host) => ({ at: 10, type: 'connected', host, ms: 10 }));
const planned = (plan: typeof CHANGED_FLAG): Event => ({ at: 20, type: 'planned', plan, ms: 20 });
const gate = (title: string, status: 'passed' | 'failed' | 'waiting', seen = ''): Event => ({ at: 60, type: 'gate', stage: 'api-server', title, status, ms: 30, ...(seen ? { seen } : {}) }); // prettier-ignore
const END = { stage: 'api-server', ms: 50, changed: 0 } as const;

describe('a run as suites', () => {
  it('has a case for each host that was reached, and for each host and gate of a stage', () => {
    const events: Event[] = [
      ...CONNECTED,
      planned(CHANGED_FLAG),
      { at: 30, type: 'stage-start', stage: 'api-server', hosts: ['m1', 'm2', 'm3'] },
      { at: 40, type: 'host-end', stage: 'api-server', host: 'm2', status: 'changed', ms: 7 },
      gate('/readyz', 'waiting', 'no'),
      gate('/readyz', 'passed'),
      { at: 90, type: 'stage-end', ...END, status: 'changed', changed: 6 },
    ];
    const suites = testSuites({ command: 'apply', events, errors: [] });
    expect(told({ command: 'apply', events, errors: [] })).toEqual(['apply', ' m1: passed', ' m2: passed', 'api-server', ' m1: passed', ' m2: passed', ' m3: passed', ' /readyz: passed']); // prettier-ignore
    expect(suites[1]?.cases.map(({ ms }) => ms)).toEqual([0, 7, 0, 30]);
  });

  it('that is ended while it waits for hosts has what it waited for', () => {
    const awaited = (host: string, why?: string): Event => ({ at: 10, type: 'awaited', host, ...(why ? { why } : {}) });
    const events = [awaited('m1', 'm1: off'), awaited('m2', 'm2: off'), awaited('m2', 'm2: starts'), awaited('m1')];
    const errors = [new McpkError('interrupted', 'interrupted')];
    expect(told({ command: 'apply', events, errors })).toEqual(['apply', ' m1: passed', ' m2: m2: starts', ' run: interrupted interrupted']); // prettier-ignore
    const late = [new McpkError('unreachable', 'm2: starts', { host: 'm2' })];
    expect(told({ command: 'apply', events, errors: late })).toEqual(['apply', ' m1: passed', ' m2: unreachable m2: starts']); // prettier-ignore
    expect(told({ command: 'apply', events: [...events, ...CONNECTED], errors: [] })).toEqual(['apply', ' m1: passed', ' m2: passed']); // prettier-ignore
  });

  it('tells a failure where it happened, with the last lines of the journal', () => {
    const events: Event[] = [
      ...CONNECTED,
      planned(CHANGED_FLAG),
      { at: 30, type: 'stage-start', stage: 'api-server', hosts: ['m1', 'm2', 'm3'] },
      { at: 40, type: 'host-end', stage: 'api-server', host: 'm2', status: 'changed', ms: 7 },
      { at: 41, type: 'host-end', stage: 'api-server', host: 'm3', status: 'failed', ms: 7 },
      gate('/readyz', 'failed', '500'),
      { at: 90, type: 'stage-end', ...END, status: 'failed' },
    ];
    const errors = [
      new McpkError('gate', 'api-server: /readyz: not so after 60 s', { host: 'm2', stage: 'api-server', details: ['last answer  500', 'panic: no'], hint: 'Look.' }), // prettier-ignore
      new McpkError('stage', 'api-server: no space', { host: 'm3', stage: 'api-server' }),
      new McpkError('stage', 'api-server: still not known', { stage: 'api-server' }),
      new McpkError('locked', 'm2 is locked', { host: 'm2' }),
      new McpkError('unexpected', 'no word'),
    ];
    expect(told({ command: 'apply', events, errors })).toEqual([
      'apply',
      ' m1: passed',
      ' m2: locked m2 is locked',
      ' run: unexpected no word',
      'api-server',
      ' m1: 2 changes pending',
      ' m2: passed',
      ' m3: stage api-server: no space',
      ' /readyz: gate api-server: /readyz: not so after 60 s | last answer  500 | panic: no | hint  Look.',
      ' api-server: stage api-server: still not known',
    ]);
  });

  it('of one that did not come to its end has what was left, and what was seen to fail', () => {
    const events: Event[] = [
      planned(planOf([...CHANGED_FLAG.stages, stage('nodes', { hosts: CHANGED_FLAG.stages[0]?.hosts ?? [] })])),
      { at: 30, type: 'stage-start', stage: 'api-server', hosts: ['m1', 'm2', 'm3'] },
      { at: 31, type: 'host-start', stage: 'api-server', host: 'm1', changes: 2 },
      { at: 32, type: 'host-start', stage: 'api-server', host: 'm2', changes: 2 },
      { at: 33, type: 'resource', stage: 'api-server', host: 'm2', ref: 'file:/a', verb: 'create', status: 'failed', ms: 1, message: 'read-only' }, // prettier-ignore
      { at: 34, type: 'host-end', stage: 'api-server', host: 'm2', status: 'failed', ms: 2 },
      gate('/readyz', 'failed', '500'),
      { at: 90, type: 'stage-end', stage: 'nodes', ms: 0, changed: 0, status: 'skipped', why: 'interrupted' },
    ];
    const errors = [new McpkError('interrupted', 'interrupted', { hint: 'Run it again.' })];
    expect(told({ command: 'apply', events, errors })).toEqual([
      'apply',
      ' run: interrupted interrupted | hint  Run it again.',
      'api-server',
      ' m1: not brought to its end',
      ' m2: stage read-only',
      ' m3: 2 changes pending',
      ' /readyz: gate 500',
      'nodes',
      ...['m1', 'm2', 'm3'].map((host) => ` ${host}: interrupted`),
    ]);
  });

  it('of a plan has what is pending, and what is known later, as not done', () => {
    expect(told({ command: 'plan', events: [planned(MIXED)], errors: [] })).toEqual([
      'plan',
      ' run: passed',
      'certificates',
      ' m1: 3 changes pending',
      'network',
      ' later: known after nodes: pod CIDRs are given by the API server',
    ]);
  });

  it('of a plan that apply would refuse fails at the hosts of the batch', () => {
    const refused = [{ stage: 'certificates', hosts: ['m1'], title: 'two members', wrong: 'one', consequence: 'No quorum.' }]; // prettier-ignore
    expect(told({ command: 'plan', events: [planned(MIXED)], errors: [], refused })).toContain(
      ' m1: refused must hold: two members | seen  one | No quorum.',
    );
  });

  it('of a verification has its gates; a host with nothing on it fails once', () => {
    const events = [gate('nothing of mcpk is on m3', 'failed'), gate('/readyz', 'passed')];
    const errors = [new McpkError('gate', 'nothing of mcpk is on m3', { host: 'm3', hint: 'apply' })];
    expect(told({ command: 'verify', events, errors })).toEqual([
      'verify',
      ' run: passed',
      'api-server',
      ' /readyz: passed',
      ' nothing of mcpk is on m3: gate nothing of mcpk is on m3 | hint  apply',
    ]);
  });
});

const RUN = { name: 'mcpk apply', started: new Date('2026-11-22T11:34:05.123Z'), ms: 2500 };

describe('JUnit XML', () => {
  it('counts, escapes, and tells times in seconds', () => {
    const suites: TestSuite[] = [
      { name: 'apply', cases: [{ name: 'm1', ms: 70, failures: [] }] },
      {
        name: 'etcd',
        cases: [
          { name: 'm1', ms: 0, failures: [], skipped: '2 changes pending' },
          { name: 'a "b" <c>', ms: 1250, failures: [{ type: 'gate', message: 'x & y', lines: ['one\ntwo ]]>', '\u001b[31mred\u0000'] }] }, // prettier-ignore
        ],
      },
    ];
    expect(junitXml(suites, RUN)).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="mcpk apply" tests="3" failures="1" errors="0" skipped="1" time="2.500">
  <testsuite name="apply" tests="1" failures="0" errors="0" skipped="0" time="0.070" timestamp="2026-11-22T11:34:05">
    <testcase classname="apply" name="m1" time="0.070"/>
  </testsuite>
  <testsuite name="etcd" tests="2" failures="1" errors="0" skipped="1" time="1.250" timestamp="2026-11-22T11:34:05">
    <testcase classname="etcd" name="m1" time="0.000">
      <skipped message="2 changes pending"/>
    </testcase>
    <testcase classname="etcd" name="a &quot;b&quot; &lt;c&gt;" time="1.250">
      <failure type="gate" message="x &amp; y">x &amp; y
one
two ]]&gt;
red</failure>
    </testcase>
  </testsuite>
</testsuites>
`);
  });

  it('is well-formed whatever a host says', () => {
    const unit = fc.oneof(anyCharacter, fc.constantFrom('\ud800', '\ufffe', '\uffff', '<', '>', '&', '"'));
    const text = fc.string({ unit, maxLength: 40 });
    fc.assert(
      fc.property(text, text, text, (name, message, line) => {
        const cases = [{ name, ms: 0, failures: [{ type: 'stage', message, lines: [line] }] }];
        const xml = junitXml([{ name, cases }], RUN);
        expect(xml).not.toMatch(/[^\t\n\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u);
        // No tag but ours, and no & that begins nothing.
        expect(xml.match(/<[^>]*>/g)).toHaveLength(9);
        expect(xml.replaceAll(/&(?:amp|lt|gt|quot|apos);/g, '')).not.toContain('&');
      }),
    );
  });
});
