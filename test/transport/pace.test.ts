import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { Pace, type Packing } from '../../src/transport/pace.ts';

const MB = 1_000_000;

/** A connection as a model: bytes a second of the link, ms to and fro, bytes a second that gzip packs to a third. */
interface Link {
  rate: number;
  delay: number;
  packs: number;
}

interface Sent {
  how: Packing;
  bytes: number;
  ms: number;
}

/** Parts one after the other over a link that may change with the number of the part. */
function send(pace: Pace, parts: number, linkAt: (part: number) => Link): Sent[] {
  return Array.from({ length: parts }, (_, part) => {
    const { how, bytes } = pace.next();
    const { rate, delay, packs } = linkAt(part);
    const seconds = how === 'plain' ? bytes / rate : Math.max(bytes / packs, bytes / 3 / rate);
    const ms = delay + seconds * 1000;
    pace.took(how, bytes, ms);
    return { how, bytes, ms };
  });
}

const shareOf = (sent: readonly Sent[], how: Packing): number =>
  sent.filter((part) => part.how === how).reduce((sum, { bytes }) => sum + bytes, 0) /
  sent.reduce((sum, { bytes }) => sum + bytes, 0);

describe('what goes over a link', () => {
  it.each<[string, Link, 'plain' | 'gzip']>([
    ['in one machine', { rate: 100 * MB, delay: 3, packs: 80 * MB }, 'plain'],
    ['of a data centre, five hosts at once', { rate: 20 * MB, delay: 10, packs: 80 * MB }, 'plain'],
    ['far away and wide', { rate: 50 * MB, delay: 250, packs: 80 * MB }, 'plain'],
    ['of an office', { rate: 2 * MB, delay: 20, packs: 80 * MB }, 'gzip'],
    ['of a village', { rate: MB / 8, delay: 60, packs: 80 * MB }, 'gzip'],
    ['that is slow, to a host that is slower', { rate: 5 * MB, delay: 20, packs: 2 * MB }, 'plain'],
  ])('%s goes %3$s', (_link, link, how) => {
    const pace = new Pace();
    send(pace, 30, () => link);
    const sent = send(pace, 100, () => link);
    expect(shareOf(sent, how)).toBeGreaterThan(0.85);
  });

  it('goes plain again when a host was only busy', () => {
    const pace = new Pace();
    const busy = send(pace, 40, () => ({ rate: MB, delay: 300, packs: 10 * MB }));
    expect(shareOf(busy, 'gzip')).toBeGreaterThan(0.5);
    const idle = (): Link => ({ rate: 40 * MB, delay: 10, packs: 30 * MB });
    send(pace, 20, idle);
    const later = send(pace, 50, idle);
    expect(shareOf(later, 'plain')).toBe(1);
  });
});

test('a link that gets slow is sent small parts soon', () => {
  const pace = new Pace();
  send(pace, 30, () => ({ rate: 60 * MB, delay: 5, packs: 80 * MB }));
  const later = send(pace, 20, () => ({ rate: MB / 5, delay: 50, packs: 80 * MB }));
  for (const { ms } of later.slice(10)) expect(ms).toBeLessThan(3000);
});

test('a part keeps the session waiting for seconds at most, whatever the link', () => {
  const link = fc.record({
    rate: fc.integer({ min: 100_000, max: 200 * MB }),
    delay: fc.integer({ min: 0, max: 400 }),
    packs: fc.integer({ min: 10 * MB, max: 100 * MB }),
  });
  fc.assert(
    fc.property(link, (given) => {
      const sent = send(new Pace(), 60, () => given);
      for (const { ms, bytes } of sent) {
        expect(ms).toBeLessThan(3000 + given.delay);
        expect(bytes).toBeGreaterThanOrEqual(64 * 1024);
        expect(bytes).toBeLessThanOrEqual(16 * 1024 * 1024);
      }
    }),
  );
});
