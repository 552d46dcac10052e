import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it, vi } from 'vitest';
import type { Event } from '../../src/engine/types.ts';
import { PLAIN } from '../../src/report/theme.ts';
import { createView } from '../../src/report/view.ts';

function terminal(): { isTTY: true; columns: number; rows: number; text: string; write(part: string): void } {
  return {
    isTTY: true,
    columns: 70,
    rows: 10,
    text: '',
    write(part) {
      this.text += part;
    },
  };
}

describe('the view on a terminal', () => {
  it('leaves a line for each stage that began, and the cursor visible', async () => {
    const stream = terminal();
    const view = await createView({ json: false, verbose: false, stream, theme: { ...PLAIN, columns: 70 } });
    view.emit({
      at: 0,
      type: 'run-start',
      command: 'apply',
      cluster: 'lab',
      hosts: ['m1'],
      stages: [
        { name: 'etcd', title: 'etcd', hosts: ['m1'] },
        { name: 'api-server', title: 'API', hosts: ['m1'] },
      ],
    });
    view.emit({ at: 1, type: 'stage-start', stage: 'etcd', hosts: ['m1'] });
    view.emit({ at: 2, type: 'warning', message: 'look here' });
    view.emit({ at: 3, type: 'stage-end', stage: 'etcd', status: 'unchanged', ms: 1200, changed: 0 });
    await view.end();
    const lines = stripVTControlCharacters(stream.text).replaceAll('\r', '').trimEnd().split('\n');
    expect(lines.at(-1)).toBe('✔ etcd           1/1      1.2 s');
    expect(stream.text).toContain('! look here\n');
    expect(stream.text.trimEnd().endsWith('\u001b[?25h')).toBe(true);
  });

  it('breaks a warning where the terminal ends, and cuts nothing of it', async () => {
    const stream = { ...terminal(), columns: 40 };
    const view = await createView({
      json: false,
      verbose: false,
      stream,
      theme: { ...PLAIN, columns: 40, color: true },
    });
    const message = 'has docker, which mcpk did not install';
    view.emit({ at: 2, type: 'warning', host: 'box', message, hint: 'Remove it first, or take a fresh host.' });
    await view.end();
    expect(stripVTControlCharacters(stream.text)).toContain(
      '! box: has docker, which mcpk did not\n  install. Remove it first, or take a\n  fresh host.\n',
    );
  });

  const end = { status: 'changed' as const, ms: 1 };
  const three = [{ name: 'nodes', title: 'Nodes', hosts: ['m1', 'm2', 'w1'] }];
  const start: Event = { at: 0, type: 'run-start', command: 'apply', cluster: 'lab', hosts: ['m1'], stages: three };
  const begin: Event = { at: 1, type: 'stage-start', stage: 'nodes', hosts: ['w1'] };
  const changes: Event = { at: 2, type: 'host-start', stage: 'nodes', host: 'w1', changes: 2 };

  it.each<[string, Event[], RegExp]>([
    [
      'names a host that was reached, of a command that tells none',
      [{ at: 1, type: 'connected', host: 'm1', ms: 1 }],
      /working on m1\n/,
    ],
    [
      'names the hosts that are waited for still',
      [
        { ...start, hosts: ['m1', 'm2', 'w1'] },
        { at: 1, type: 'phase', name: 'wait', state: 'start' },
        { at: 2, type: 'awaited', host: 'm2' },
        { at: 2, type: 'awaited', host: 'w1' },
        { at: 3, type: 'awaited', host: 'w1', why: 'w1: no route' },
      ],
      /waiting for m1, w1\n/,
    ],
    [
      'connects anew to those that were waited for',
      [
        { ...start, hosts: ['m1', 'm2'] },
        { at: 2, type: 'awaited', host: 'm2' },
        { at: 3, type: 'phase', name: 'connect', state: 'start' },
      ],
      /connecting to m1, m2\n/,
    ],
    ['names no host before one is known', [{ at: 1, type: 'warning', message: 'x' }], / working\n/],
    [
      'counts hosts with nothing to do as done',
      [start, begin, changes],
      /nodes {10}2\/3 +\d\.\d s {3}w1 0\/2 {2}m1 m2 ✔\n/,
    ],
  ])('%s', async (_, events, text) => {
    const stream = terminal();
    const view = await createView({ json: false, verbose: false, stream, theme: { ...PLAIN, columns: 70 } });
    for (const event of events) view.emit(event);
    await vi.waitFor(() => expect(stripVTControlCharacters(stream.text)).toMatch(text));
    await view.end();
  });

  it.each<[string, Event[]]>([
    ['one that changed', [changes, { at: 3, type: 'host-end', stage: 'nodes', host: 'w1', ...end }]],
    ['one on which only a step was taken', []],
  ])('has all hosts done where a stage is: %s', async (_, events) => {
    const stream = terminal();
    const view = await createView({ json: false, verbose: false, stream, theme: { ...PLAIN, columns: 70 } });
    for (const event of [start, begin, ...events]) view.emit(event);
    view.emit({ at: 4, type: 'stage-end', stage: 'nodes', changed: 1, ...end });
    await view.end();
    expect(stripVTControlCharacters(stream.text)).toContain('✔ nodes          3/3      0.0 s   1 changed\n');
  });

  it('draws nothing while a question is asked', async () => {
    const stream = terminal();
    const view = await createView({ json: false, verbose: false, stream, theme: { ...PLAIN, columns: 70 } });
    view.emit({ at: 0, type: 'run-start', command: 'apply', cluster: 'lab', hosts: ['m1'], stages: [] });
    view.pause();
    const before = stream.text;
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(stream.text).toBe(before);
    view.resume();
    await view.end();
  });
});
