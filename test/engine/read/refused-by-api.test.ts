import { readerOf } from '../../../src/engine/hosts/reader.ts';
import { describe, expect, it } from 'vitest';
import { readNodes } from '../../../src/engine/read/gather.ts';
import type { Opened } from '../../../src/engine/read/open.ts';
import type { EngineInput } from '../../../src/engine/input.ts';
import { leavesRest, whileRefused } from '../../../src/engine/read/refused-by-api.ts';
import type { Event, Selection } from '../../../src/engine/types.ts';
import { labCluster } from '../../states/cluster.ts';
import { fakeApi } from '../support/fake-api.ts';
import { fakeFleet } from '../support/fake-fleet.ts';

const KUBELET = { ref: 'unit:kubelet.service', hash: '', stage: 'nodes' };

/** What a run is narrowed to on a cluster that stands, or has no node yet. */
async function narrowed({
  apiRefuses = 'm2',
  nodes = true,
  selection = {},
}: {
  apiRefuses?: string | null;
  nodes?: boolean;
  selection?: Selection;
}): Promise<{ selection: Selection; events: Event[]; rest: boolean }> {
  const events: Event[] = [];
  const cluster = await labCluster();
  const facts = {
    hosts: new Map([['w1', { owned: nodes ? [KUBELET] : [] }]]),
    ...(apiRefuses === null ? {} : { apiRefuses }),
  };
  const input = { cluster, selection, emit: (event: Event) => events.push(event) } as unknown as EngineInput;
  const opened = { facts, since: () => 0 } as unknown as Opened;
  const done = whileRefused(input, opened);
  return { selection: done.selection, events, rest: leavesRest(input, done) };
}

describe('a run on a cluster whose API lets the administrator do nothing', () => {
  it('sees to that alone, and says so', async () => {
    const { selection, events } = await narrowed({ selection: { limit: new Set(['m1']) } });
    expect(selection).toEqual({ only: new Set(['api-access']), limit: new Set(['m1']) });
    expect(events).toMatchObject([{ type: 'warning', host: 'm2' }]);
    expect(JSON.stringify(events)).toContain('after this apply, run the same command once more');
  });

  it.each<[string, Selection, boolean]>([
    ['all of it', {}, true],
    ['some stages', { only: new Set(['api-access', 'nodes']) }, true],
    ['nothing, where only that was asked for', { only: new Set(['api-access']) }, false],
  ])('leaves the rest for another run: %s', async (_what, selection, rest) => {
    expect((await narrowed({ selection })).rest).toBe(rest);
  });

  it.each<[string, Selection]>([
    ['--only of something else', { only: new Set(['nodes']) }],
    ['--skip of it', { skip: new Set(['api-access']) }],
    ['--limit to workers', { limit: new Set(['w1']) }],
  ])('is refused with %s', async (_what, selection) => {
    await expect(narrowed({ selection })).rejects.toMatchObject({ code: 'refused', host: 'm2' });
  });

  it('goes its way where there are no nodes yet: the first one was cut off before they came', async () => {
    expect(await narrowed({ nodes: false })).toEqual({ selection: {}, events: [], rest: false });
  });

  it('goes its way where the API lets him in, or where none answers', async () => {
    expect(await narrowed({ apiRefuses: null })).toEqual({ selection: {}, events: [], rest: false });
  });
});

describe('the nodes', () => {
  const statuses = async (of: Record<string, number>): ReturnType<typeof readNodes> => {
    const { exec } = fakeApi(({ host }) => ({ status: of[host] ?? 0, body: { items: [] } }));
    const reader = readerOf(fakeFleet({ exec }), new AbortController().signal);
    return readNodes(reader, await labCluster(), ['m1', 'm2', 'm3']);
  };

  it('are told by the first API server that lets us read them', async () => {
    expect(await statuses({ m1: 503, m2: 403, m3: 200 })).toMatchObject({ api: { host: 'm3' } });
  });

  it('are kept from us by the first that does not', async () => {
    expect(await statuses({ m1: 503, m2: 403, m3: 403 })).toEqual({ refusedBy: 'm2' });
  });

  it('are not known where none answers, or none knows who we are', async () => {
    expect(await statuses({ m1: 503, m2: 401 })).toEqual({});
  });
});
