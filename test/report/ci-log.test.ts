import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/engine/types.ts';
import { LOG_FORMATS, logOf, type Annotation, type CiLog } from '../../src/report/ci-log.ts';
import { PLAIN } from '../../src/report/theme.ts';
import { createView } from '../../src/report/view.ts';

const github = logOf('github', {}) as CiLog;
const gitlab = logOf('gitlab', {}) as CiLog;

it.each<[string, Record<string, string>, CiLog | undefined]>([
  ['auto', {}, undefined],
  ['auto', { GITHUB_ACTIONS: 'true' }, github],
  ['auto', { GITLAB_CI: 'true' }, gitlab],
  ['auto', { GITHUB_ACTIONS: 'false', CI: 'true' }, undefined],
  ['plain', { GITHUB_ACTIONS: 'true' }, undefined],
  ['gitlab', { GITHUB_ACTIONS: 'true' }, gitlab],
])('--log-format %s in %j', (format, env, log) => {
  expect(logOf(LOG_FORMATS.find((each) => each === format) ?? 'auto', env)).toBe(log);
});

describe('in the log of GitHub', () => {
  it('an annotation has its place, and nothing in it ends it', () => {
    const all: Annotation[] = [
      { place: { file: 'a,b:c%.yaml', line: 3, column: 7 }, title: 'mcpk (exit 10)', message: '50% of a::b\nnext' },
      { title: 't', message: 'no place' },
    ];
    expect(github.annotations(all)).toBe(
      '::group::annotations\n' +
        '::error file=a%2Cb%3Ac%25.yaml,line=3,col=7,title=mcpk (exit 10)::50%25 of a::b%0Anext\n' +
        '::error title=t::no place\n' +
        '::endgroup::\n',
    );
    expect(github.annotations([])).toBe('');
  });

  it('there are no more of them than are shown', () => {
    const all = Array.from({ length: 30 }, (_, at) => ({ title: 't', message: String(at) }));
    expect(github.annotations(all).match(/^::error /gm)).toHaveLength(10);
  });

  it.each([
    ['::add-mask::x', ': :add-mask::x'],
    ['  a\n\t ::error::x', '  a\n\t : :error::x'],
    [':::x', ': ::x'],
    ['a ::b', 'a ::b'],
    ['x ##[error]y', 'x ## [error]y'],
  ])('%j is no command', (said, shown) => {
    expect(github.harmless(said)).toBe(shown);
  });

  it('no text is obeyed, and JSON keeps its values', () => {
    const part = fc.constantFrom('::', ':', '##[', '#', '[', ' ', '\n', '\t', '\u00a0', 'error]x');
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const text = parts.join('');
        const obeyed = (shown: string): boolean => /^[^\S\n]*::/m.test(shown) || shown.includes('##[');
        expect(obeyed(github.harmless(text))).toBe(false);
        const json = github.harmlessJson(JSON.stringify({ text }, undefined, 2));
        expect(obeyed(json)).toBe(false);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });
});

const RUN: Event[] = [
  { at: 0, type: 'run-start', command: 'apply', cluster: 'lab', hosts: ['m1'], stages: [] },
  { at: 5, type: 'warning', message: 'clock is off' },
  { at: 10, type: 'stage-start', stage: 'etcd', hosts: ['m1'] },
  { at: 20, type: 'resource', stage: 'etcd', host: 'm1', ref: 'file:/a', verb: 'create', status: 'changed', ms: 9 },
  { at: 30, type: 'gate', stage: 'etcd', title: '::stop', status: 'passed', ms: 4 },
  { at: 40, type: 'stage-end', stage: 'etcd', status: 'changed', ms: 30, changed: 1 },
  { at: 41, type: 'stage-start', stage: 'nodes', hosts: ['m1'] },
  { at: 42, type: 'resource', stage: 'nodes', host: 'm1', ref: 'file:/b', verb: 'create', status: 'failed', ms: 9, message: 'no space\n::add-mask::x' }, // prettier-ignore
  { at: 43, type: 'host-end', stage: 'nodes', host: 'm1', status: 'failed', ms: 2 },
  { at: 44, type: 'stage-end', stage: 'nodes', status: 'failed', ms: 3, changed: 0 },
  { at: 45, type: 'stage-end', stage: 'addons', status: 'skipped', ms: 0, changed: 0, why: 'an earlier stage failed' },
  { at: 46, type: 'step', stage: 'late', host: 'm1', title: 'drain', status: 'done' },
];

async function written(log: CiLog): Promise<string> {
  let text = '';
  const stream = { isTTY: true, write: (part: string) => (text += part) };
  const view = await createView({ json: false, verbose: false, log, stream, theme: PLAIN });
  for (const event of RUN) view.emit(event);
  await view.end();
  return text;
}

describe('a run in the log of a CI system', () => {
  it('has a group for each stage that did not fail, also on a terminal', async () => {
    expect(await written(github)).toBe(`! clock is off
::group::✔ etcd           1/1      0.0 s   1 changed
  etcd m1: create file:/a, changed, 9 ms
  etcd: ::stop, 0.0 s
::endgroup::
✖ nodes          0/1      0.0 s   m1: no space ::add-mask::x
✖ nodes m1: create file:/b: no space
      : :add-mask::x
- addons         skipped: an earlier stage failed
  late m1: drain, done
`);
  });

  it('has sections with the time that they took', async () => {
    const sections = /\u001b\[0Ksection_start:(\d+):etcd\[collapsed=true\]\r\u001b\[0K✔ etcd [^\n]+\n {2}etcd m1: [^\n]+\n[^\n]+\n\u001b\[0Ksection_end:(\d+):etcd\r\u001b\[0K\n/; // prettier-ignore
    const [, from = '', to = ''] = sections.exec(await written(gitlab)) ?? [];
    expect(Number(to) - Number(from)).toBeLessThanOrEqual(1);
    const span = { name: 'etcd', from: new Date(1000), to: new Date(61_500) };
    expect(gitlab.group('title', ['line'], span)).toBe(
      '\u001b[0Ksection_start:1:etcd[collapsed=true]\r\u001b[0Ktitle\nline\n\u001b[0Ksection_end:61:etcd\r\u001b[0K\n',
    );
  });
});
