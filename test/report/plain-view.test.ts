import { describe, expect, it } from 'vitest';
import { McpkError } from '../../src/core/errors.ts';
import type { Event } from '../../src/engine/types.ts';
import { eventLine } from '../../src/report/event-line.ts';
import { PLAIN, width } from '../../src/report/theme.ts';
import { createView } from '../../src/report/view.ts';
import { CHANGED_FLAG } from '../fixtures/plan.ts';

const RUN: Event[] = [
  {
    at: 0,
    type: 'run-start',
    command: 'apply',
    cluster: 'lab',
    hosts: ['m1', 'm2'],
    stages: [
      { name: 'etcd', title: 'etcd', hosts: ['m1', 'm2'] },
      { name: 'api-server', title: 'API', hosts: ['m1', 'm2'] },
    ],
  },
  { at: 300, type: 'planned', plan: CHANGED_FLAG, ms: 300 },
  { at: 310, type: 'stage-start', stage: 'etcd', hosts: ['m1', 'm2'] },
  { at: 311, type: 'host-start', stage: 'etcd', host: 'm1', changes: 2 },
  {
    at: 320,
    type: 'resource',
    stage: 'etcd',
    host: 'm1',
    ref: 'file:/etc/etcd/etcd.yaml',
    verb: 'create',
    status: 'changed',
    ms: 9,
  },
  { at: 330, type: 'warning', message: 'clock is 2 s ahead', host: 'm2' },
  { at: 340, type: 'host-end', stage: 'etcd', host: 'm1', status: 'changed', ms: 30 },
  {
    at: 350,
    type: 'resource',
    stage: 'etcd',
    host: 'm2',
    ref: 'unit:etcd.service',
    verb: 'start',
    status: 'failed',
    ms: 9,
    message: 'exit 1',
  },
  { at: 360, type: 'host-end', stage: 'etcd', host: 'm2', status: 'failed', ms: 30 },
  { at: 400, type: 'stage-end', stage: 'etcd', status: 'failed', ms: 90, changed: 2 },
  { at: 400, type: 'stage-end', stage: 'api-server', status: 'skipped', ms: 0, changed: 0, why: 'etcd failed' },
];

async function written(options: { json?: boolean; verbose?: boolean; columns?: number }): Promise<string> {
  let text = '';
  const stream = { write: (part: string) => (text += part) };
  const theme = { ...PLAIN, columns: options.columns };
  const view = await createView({ json: options.json ?? false, verbose: options.verbose ?? false, stream, theme });
  for (const event of RUN) view.emit(event);
  await view.end();
  return text;
}

describe('a view without a terminal', () => {
  it('writes a line for each stage that ended and for what must not be missed', async () => {
    expect(await written({})).toBe(`6 changes on 3 hosts, read in 0.3 s
! m2: clock is 2 s ahead
✖ etcd m2: start unit:etcd.service: exit 1
✖ etcd           1/2      0.1 s   m2: exit 1   2 changed
- api-server     skipped: etcd failed
`);
  });

  it('writes a line for each resource when asked', async () => {
    expect(await written({ verbose: true })).toContain('  etcd m1: create file:/etc/etcd/etcd.yaml, changed, 9 ms\n');
  });

  it('writes nothing at all with --json', async () => {
    expect(await written({ json: true })).toBe('');
  });

  it('keeps stage lines within the given width', async () => {
    const lines = (await written({ columns: 30 })).split('\n').filter((line) => line.includes('1/2'));
    for (const line of lines) expect(width(line)).toBeLessThanOrEqual(30);
  });
});

describe('what is so on several hosts', () => {
  const lost = ['m1', 'm2'].map((host): Event => ({
    at: 1,
    type: 'unreachable',
    host,
    error: new McpkError('unreachable', `${host}: no route`, { host }),
  }));
  const gather: Event = { at: 2, type: 'phase', name: 'gather', state: 'start' };

  async function seen(events: readonly Event[]): Promise<string> {
    let text = '';
    const stream = { write: (part: string) => (text += part) };
    const view = await createView({ json: false, verbose: false, stream, theme: PLAIN });
    for (const event of events) view.emit(event);
    await view.end();
    return text;
  }

  it('is said once: a warning, hosts that a run goes on without, a change that fails alike', async () => {
    const warning = (host: string): Event => ({ at: 3, type: 'warning', host, message: 'has swap' });
    const failed = (host: string): Event => ({ at: 4, type: 'resource', stage: 'etcd', host, ref: 'unit:x', verb: 'start', status: 'failed', ms: 1, message: `on ${host}` }); // prettier-ignore
    expect(await seen([...lost, gather, warning('m3'), warning('m4'), failed('m5'), failed('m6')]))
      .toBe(`! m1, m2: no route
! m3, m4: has swap
✖ etcd m5: start unit:x: on m5
`);
  });

  it('is one line of hosts that are waited for, and so is that they are up', async () => {
    const awaited = (host: string, what?: string): Event => ({
      at: 1,
      type: 'awaited',
      host,
      ...(what === undefined ? {} : { why: `${host}: ${what}` }),
    });
    expect(
      await seen([
        awaited('m1', 'nothing listens'),
        awaited('m2', 'nothing listens'),
        awaited('w1', 'no route'),
        { at: 2, type: 'warning', host: 'w2', message: 'w2: no key to log in with' },
        { at: 3, type: 'phase', name: 'wait', state: 'end' },
        awaited('m1'),
        awaited('m2'),
      ]),
    ).toBe(`! w2: no key to log in with
waiting for m1, m2: nothing listens
waiting for w1: no route
m1, m2: is up
`);
  });

  it('is left to the error where the run ends with it', async () => {
    expect(await seen(lost)).toBe('');
  });

  it('has the host before it, though what to do about it names the host', async () => {
    const warning: Event = { at: 3, type: 'warning', host: 'box', message: 'calls itself vm', hint: 'Is 127.0.0.1 the right machine? If so: hostnamectl set-hostname box' }; // prettier-ignore
    expect(await seen([warning])).toBe(
      '! box: calls itself vm. Is 127.0.0.1 the right machine? If so: hostnamectl set-hostname box\n',
    );
  });

  it('does not wait for what comes next', async () => {
    let text = '';
    const stream = { write: (part: string) => (text += part) };
    const view = await createView({ json: false, verbose: false, stream, theme: PLAIN });
    view.emit({ at: 3, type: 'warning', host: 'm3', message: 'waits for another run' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(text).toBe('! m3: waits for another run\n');
  });

  it('stages that were not begun stand in one line', async () => {
    const skipped = (stage: string): Event => ({ at: 1, type: 'stage-end', stage, status: 'skipped', ms: 0, changed: 0, why: 'etcd failed' }); // prettier-ignore
    expect(await seen([skipped('nodes'), skipped('network')])).toBe('- nodes, network skipped: etcd failed\n');
  });
});

describe('the line of an event', () => {
  const base = { at: 0, stage: 'etcd', host: 'm1', type: 'rollback' } as const;
  const final = CHANGED_FLAG.stages.map((stage, index) =>
    index === 0 ? { ...stage, irreversible: 'etcd 3.6' } : stage,
  );
  const cases: [Event, string][] = [
    [{ ...base, status: 'start' }, '↻ etcd m1: goes back'],
    [{ ...base, status: 'done' }, '↻ etcd m1: is as it was before'],
    [{ ...base, status: 'failed', message: 'disk full' }, '✖ etcd m1: could not go back: disk full'],
    [
      { at: 0, type: 'planned', plan: { ...CHANGED_FLAG, stages: final }, ms: 300 },
      `6 changes on 3 hosts, read in 0.3 s; no way back from ${final[0]?.name ?? ''}`,
    ],
    [
      { at: 0, type: 'planned', plan: { ...CHANGED_FLAG, stages: final, etcd: 'none' }, ms: 300 },
      '6 changes on 3 hosts, read in 0.3 s',
    ],
    [
      { at: 0, type: 'planned', plan: { ...CHANGED_FLAG, summary: { ...CHANGED_FLAG.summary, changes: 0 } }, ms: 300 },
      '214 states as wanted, read in 0.3 s',
    ],
    [
      {
        at: 0,
        type: 'planned',
        plan: { ...CHANGED_FLAG, summary: { ...CHANGED_FLAG.summary, changes: 0, unchanged: 0 } },
        ms: 300,
      },
      'nothing to do, read in 0.3 s',
    ],
  ];
  it.each(cases)('%j', (event, line) => {
    expect(eventLine(event, PLAIN, false)).toBe(line);
  });
});
