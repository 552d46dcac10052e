import { span } from '../core/duration.ts';
import type { Facts } from './facts.ts';

/** An operator's clock that is further off is told of. */
const TOLD_FROM_MS = 5 * 60_000;

/**
 * The hosts' time: what they date and judge certificates by, whatever the operator's clock says. The middle one of
 * their clocks: hosts that are apart fail preflight, and where that is skipped a wild one shall not decide.
 */
export function hostsNow(facts: Pick<Facts, 'hosts'>, own: number = Date.now()): Date {
  return new Date(own + skewOf(facts));
}

/** Says by how much the operator's clock is off; undefined when it is not. */
export function clockWarning(facts: Pick<Facts, 'hosts'>): string | undefined {
  const skew = skewOf(facts);
  if (Math.abs(skew) <= TOLD_FROM_MS) return undefined;
  return `the clock of this machine is ${span(Math.abs(skew))} ${skew < 0 ? 'ahead of' : 'behind'} the hosts'. Certificates are dated by theirs; set this one`;
}

function skewOf({ hosts }: Pick<Facts, 'hosts'>): number {
  const skews = [...hosts.values()].map(({ clockSkewMs }) => clockSkewMs).sort((a, b) => a - b);
  return skews[Math.floor((skews.length - 1) / 2)] ?? 0;
}
