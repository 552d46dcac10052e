import { describe, expect, it } from 'vitest';
import { FULL } from '../support/tier.ts';
import { startFrom } from '../e2e/support/start-from.ts';
import { keepalivedStopped, LOADS, loaded, observed, paused, withoutPower } from './support/stalls.ts';

startFrom('ready', { leaves: 'ready' });

describe.runIf(FULL)('a master that holds the VIP', () => {
  it.each([
    ['the whole host', paused, 0.3],
    ['the whole host', paused, 0.95],
    ['Keepalived alone', keepalivedStopped, 0.95],
  ])('keeps it, and resets nothing, while %s stops for less than a second', async (what, begin, seconds) => {
    const { moves, resets } = await observed({ what, begin, seconds });
    expect({ moves, resets: Math.max(...resets) }).toEqual({ moves: 0, resets: 0 });
  });

  it.each([
    ['the whole host', paused, 2],
    ['the whole host', paused, 3],
    ['Keepalived alone', keepalivedStopped, 2],
  ])('loses it once, and each connection once at most, where %s stops for longer', async (what, begin, seconds) => {
    const { moves, resets } = await observed({ what, begin, seconds });
    expect(moves).toBe(1);
    expect(Math.max(...resets)).toBeLessThanOrEqual(1);
  });

  it('keeps it with processors that are saturated', async () => {
    const begin = (holder: string): Promise<() => Promise<unknown>> => loaded(holder, LOADS.processors, 60);
    const { moves, resets } = await observed({ what: 'load', begin, seconds: 60 });
    expect({ moves, resets: Math.max(...resets) }).toEqual({ moves: 0, resets: 0 });
  });

  // 1.5 s, and an election more, on an idle machine (docs/reliability.md); this one has five hosts on two processors.
  it.each([
    ['another leads etcd', false, 2500],
    ['it led etcd', true, 4500],
  ])('that loses its power is followed by another soon, where %s', async (what, leads, longest) => {
    const { moves, silentMs } = await observed({ what, leads, begin: withoutPower, seconds: 10 });
    expect(moves).toBe(1);
    expect(silentMs).toBeLessThan(longest);
  });
});
