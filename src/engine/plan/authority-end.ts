import { inspectCertificate } from '../../core/certificate.ts';
import type { SharedState } from '../../resources/types.ts';

const DAY = 86_400_000;
/** As long as there is to plan for it: a new authority goes round before the old one may leave. */
const WARNED_DAYS = 90;

/**
 * One line for all authorities that end within 90 days by the hosts' time; undefined = none does. Their leaves are not
 * issued anew for that (core/renewal.ts), as a new one would end on the same day.
 */
export function authorityWarning(shared: ReadonlyMap<string, SharedState>, now: Date): string | undefined {
  const ending = [...shared].flatMap(([id, { texts }]) => {
    const certificate = texts['cert'] === undefined ? undefined : inspectCertificate(texts['cert']);
    const days = certificate ? Math.floor((certificate.notAfter.getTime() - now.getTime()) / DAY) : Infinity;
    return certificate && days <= WARNED_DAYS
      ? [{ id, days, day: certificate.notAfter.toISOString().slice(0, 10) }]
      : [];
  });
  if (ending.length === 0) return undefined;
  const each = [...Map.groupBy(ending, ({ day }) => day)].map(([day, all]) => {
    const days = all[0]?.days ?? 0;
    const when = days < 0 ? `ended on ${day}` : `${all.length > 1 ? 'end' : 'ends'} on ${day}, ${days} days from now`;
    return `${all.map(({ id }) => id).join(', ')} ${when}`;
  });
  return `${each.join('; ')}: no certificate lives longer than what signed it, so put a new one in place before`;
}
