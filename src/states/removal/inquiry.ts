import type { Facts } from '../../cluster/facts.ts';
import type { Leaver } from '../../cluster/leaving.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Inquiry } from '../stage.ts';
import { foreignInquiry } from './foreign.ts';
import { mountInquiry } from './mounts.ts';

/** What is asked of hosts before they are wiped: what stays there, and what must not go. */
export function wipeInquiry(cluster: Cluster, facts: Facts, leavers: readonly Leaver[]): Inquiry | undefined {
  const wholes = leavers.filter(({ whole }) => whole);
  const parts = [foreignInquiry(cluster, facts, wholes), mountInquiry(cluster, leavers)].filter(
    (part) => part !== undefined,
  );
  if (parts.length === 0) return undefined;
  return {
    asks: parts.flatMap(({ asks }) => asks),
    judge(answers) {
      let at = 0;
      return parts.flatMap(({ asks, judge }) => judge(answers.slice(at, (at += asks.length))));
    },
  };
}
