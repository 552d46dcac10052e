import { spread } from '../../bench/measure.ts';

/** What there is, line by line, and how often. */
export type Census = ReadonlyMap<string, number>;

/** What there is now and was not then, or not as often. */
export function grown(then: Census, now: Census): string[] {
  return [...now].flatMap(([line, count]) => {
    const before = then.get(line) ?? 0;
    return count > before ? [`${line} (${String(before)} → ${String(count)})`] : [];
  });
}

/** Of the JUnit XML that mcpk writes: `etcd m1`, with what became of it where it did not pass. */
export function casesOf(xml: string): string[] {
  const cases = xml.matchAll(/<testcase classname="([^"]*)" name="([^"]*)" time="[^"]*"(?:\/>|>\s*<(\w+))/g);
  return [...cases].map(([, suite, name, outcome]) => [suite, name, ...(outcome ? [outcome] : [])].join(' '));
}

/** Of seconds of all rounds: medians of rounds 2 to 6 and of the last five, and the second through the first. */
export function mediansOf(seconds: readonly number[]): { early: number; late: number; ratio: number } {
  const [early, late] = [spread(seconds.slice(1, 6)).median, spread(seconds.slice(-5)).median];
  return { early, late, ratio: late / early };
}
