import { describe, expect, it } from 'vitest';
import { renderRounds, type Round } from '../../scripts/conformance/document.ts';
import { ginkgoWords, PARTS } from '../../scripts/conformance/ginkgo.ts';
import { LEFT_OUT, staleAmong, whyLeftOut } from '../../scripts/conformance/left-out.ts';
import { readReport, together } from '../../scripts/conformance/read-report.ts';
import { movedIn } from '../../scripts/conformance/run.ts';

const VIP = '10.77.0.100';
const RESET = `Get "https://${VIP}:443/api/v1": read tcp 10.77.0.1:40822->${VIP}:443: read: connection reset by peer`;
const IMAGE_VOLUME =
  '[sig-node] ImageVolume should succeed with pod and pull policy of Always [LinuxOnly] [MinimumKubeletVersion:1.35] [Conformance]';

const spec = (text: string, State: string, more: object = {}): object => ({
  ContainerHierarchyTexts: ['[sig-node] Pods'],
  ContainerHierarchyLabels: [['sig-node']],
  LeafNodeType: 'It',
  LeafNodeText: `${text} [Conformance]`,
  LeafNodeLabels: ['Conformance'],
  State,
  ...more,
});
const named = (text: string): string => `[sig-node] Pods ${text} [Conformance]`;
const read = (...specs: object[]) => readReport(JSON.stringify([{ SpecReports: specs }]), VIP);

describe('readReport', () => {
  it('tells what passed and what failed, each failure by its first line', () => {
    const failure = { Failure: { Message: 'timed out\nmore of it' } };
    const results = read(spec('a', 'passed'), spec('b', 'failed', failure), spec('c', 'timedout'));
    expect(results.passed).toEqual([named('a')]);
    expect(results.failed).toEqual([
      { name: named('b'), why: 'timed out' },
      { name: named('c'), why: 'timedout' },
    ]);
  });

  it('knows what was left out by a reason: the table’s, or the spec’s own; what was not asked for has none', () => {
    const itself = { Failure: { Message: 'needs two zones' } };
    const [sig = '', ...rest] = IMAGE_VOLUME.split(' ');
    const byTable = spec('', 'skipped', { ContainerHierarchyTexts: [sig], LeafNodeText: rest.join(' ') });
    const results = read(spec('not asked for', 'skipped'), spec('d', 'skipped', itself), byTable);
    expect(results.leftOut).toEqual([
      { name: named('d'), why: 'says itself: needs two zones' },
      { name: IMAGE_VOLUME, why: LEFT_OUT[0]?.reason },
    ]);
  });

  it('looks at conformance specs alone, but a suite that breaks fails', () => {
    const other = spec('e', 'failed', { LeafNodeLabels: [] });
    const before = { ...spec('', 'failed'), LeafNodeType: 'SynchronizedBeforeSuite', LeafNodeText: '' };
    expect(read(other, before).failed).toEqual([{ name: 'SynchronizedBeforeSuite', why: 'failed' }]);
    const broken = JSON.stringify([{ SpecialSuiteFailureReasons: ['Suite Timeout Elapsed'], SpecReports: null }]);
    expect(readReport(broken, VIP).failed).toEqual([{ name: 'the suite', why: 'Suite Timeout Elapsed' }]);
  });

  it.each([
    ['a reset', RESET],
    ['a time-out', `dial tcp ${VIP}:443: i/o timeout`],
    ['a connection that is refused', `dial tcp ${VIP}:443: connect: connection refused`],
    ['an answer that ends in the middle', `Post "https://${VIP}:443/apis": EOF`],
  ])('finds %s at the VIP, also where the spec passed', (_, line) => {
    const results = read(spec('f', 'passed', { CapturedGinkgoWriterOutput: `before\n  ${line}\n${line}\nafter` }));
    expect(results).toMatchObject({ passed: [named('f')], atVip: [{ name: named('f'), why: line }] });
  });

  it.each([
    ['trouble elsewhere', 'dial tcp 10.244.1.7:8080: i/o timeout'],
    ['another address that begins so', 'dial tcp 10.77.0.1001:443: i/o timeout'],
    ['a mention of the VIP', `server: https://${VIP}:443`],
  ])('does not take %s for it', (_, line) => {
    expect(read(spec('g', 'failed', { Failure: { Message: line } })).atVip).toEqual([]);
  });
});

it('puts the reports of a run together, what is left out of both once', () => {
  const leftOut = [{ name: 'x', why: 'y' }];
  const part = (name: string) => ({ passed: [name], failed: [], leftOut, atVip: [] });
  expect(together([part('a'), part('b')])).toEqual({ passed: ['a', 'b'], failed: [], leftOut, atVip: [] });
});

describe('the table of what is left out', () => {
  it('has a reason for each, and means single specs', () => {
    expect(whyLeftOut(IMAGE_VOLUME)).toContain('Alpine');
    expect(whyLeftOut(named('should be submitted and removed'))).toBeUndefined();
    for (const { reason } of LEFT_OUT) expect(reason).not.toBe('');
  });

  it('says which entries mean no spec any more', () => {
    expect(staleAmong([IMAGE_VOLUME])).toEqual([]);
    expect(staleAmong([])).toEqual(LEFT_OUT);
  });
});

it.each(PARTS)('calls ginkgo for the $name part with what is left out, and before -- what is ginkgo’s', (part) => {
  const call = { part, tests: '/t', kubernetes: '/k', kubeconfig: '/c', folder: '/f', procs: 4, focus: 'DNS' };
  const words = ginkgoWords(call, [{ spec: /a \[b\]/, reason: '' }]);
  const [own, rest] = [words.slice(0, words.indexOf('--')), words.slice(words.indexOf('--'))];
  expect(own.at(-1)).toBe('/t/e2e.test');
  expect(own).toEqual(expect.arrayContaining(['--focus=DNS', '--skip=a \\[b\\]', `--json-report=${part.name}.json`]));
  expect(own).toContain(part.name === 'serial' ? '--procs=1' : '--procs=4');
  expect(rest).toContain('--kubeconfig=/c');
});

it('counts moves that fall into the run', () => {
  const at = (second: number) => ({ at: new Date(second * 1000).toISOString(), to: 'm1' });
  expect(movedIn([at(1), at(5), at(9)], 2000, 9000)).toBe(2);
  expect(movedIn(undefined, 0, 1)).toBe(0);
});

it('shows runs side by side, each spec once, as Markdown reads it', () => {
  const round = (why: string): Round => ({
    ...{ passed: ['a', 'b'], leftOut: [{ name: 'l', why: 'r' }], atVip: [] },
    ...{ failed: [{ name: 'f', why }], seconds: 90, moves: { vip: 1, etcdLeader: 0 } },
  });
  const images = [{ reference: 'registry.k8s.io/pause:3.10.2', of: 'a script' }];
  const text = renderRounds([round('x | <y>'), { ...round('later'), moves: undefined }], images, 'said');
  expect(text).toMatch(/^\| 1 +\| 2 +\| 1 +\| 1 +\| 90\.0 s +\| 0 +\| 1 +\| 0 +\|$/m);
  expect(text).toMatch(/\| not known +\| not known +\|$/m);
  expect(text).toMatch(/^\| f +\| x \\\| &lt;y> \|$/m);
  expect(text).not.toContain('later');
  expect(text).not.toContain('cut or came late**');
  expect(text).toContain('| `registry.k8s.io/pause:3.10.2` | a script |');
});
