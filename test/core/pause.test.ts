import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pause } from '../../src/core/pause.ts';

describe('a pause', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('lasts as long as it is asked to', async () => {
    const ended = vi.fn();
    const pausing = pause(1000, new AbortController().signal).then(ended);
    await vi.advanceTimersByTimeAsync(999);
    expect(ended).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await pausing;
    expect(ended).toHaveBeenCalledOnce();
  });

  it('ends with the reason of its signal at once, and leaves no timer behind', async () => {
    const reason = new Error('interrupted');
    const aborting = new AbortController();
    const pausing = pause(1000, aborting.signal);
    aborting.abort(reason);
    await expect(pausing).rejects.toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not begin where the signal is aborted', async () => {
    const reason = new Error('interrupted');
    await expect(pause(1000, AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(vi.getTimerCount()).toBe(0);
  });
});
