import type { Inspected } from './certificate.ts';
import { inspectCertificate, normalAddress } from './certificate.ts';

/** What a certificate shall be: the parts of a CertificateResource that its bytes must show. */
export interface WantedCertificate {
  subject: { CN: string; O: string[] };
  dns: string[];
  ip: string[];
  /** Addresses that it may have besides. */
  sparedIp?: string[];
  usages: ('server' | 'client')[];
  keyAlgorithm: Inspected['keyAlgorithm'];
  renewBeforeDays: number;
  /** Somebody else renews it: only what makes it useless counts. */
  rotatedBy?: string;
}

interface Case {
  wanted: WantedCertificate;
  seen: Inspected;
  /** PEM of all authorities that may have signed it; undefined while not known. */
  bundle: string | undefined;
  /** PEM of the one that would sign it anew; undefined while not known. */
  issuer?: string | undefined;
  /** The hosts' time. */
  now: Date;
}

interface Rule {
  name: string;
  /** Also when somebody else renews the certificate. */
  always: boolean;
  /** Why it must be issued anew; undefined = it holds. */
  reason(at: Case): string | undefined;
}

const DAY = 86_400_000;

/** Every reason for which a certificate that is there gets replaced. */
export const RENEWAL_RULES: readonly Rule[] = [
  {
    name: 'expired',
    always: true,
    reason: ({ seen, now }) => (seen.notAfter <= now ? `expired on ${dayOf(seen.notAfter)}` : undefined),
  },
  {
    name: 'early',
    always: true,
    reason: ({ seen, now }) =>
      seen.notBefore > now ? `not valid before ${seen.notBefore.toISOString()}, by the hosts' clocks` : undefined,
  },
  {
    name: 'untrusted',
    always: true,
    reason: ({ bundle, seen }) =>
      bundle !== undefined && !seen.isSignedBy(bundle)
        ? `not signed by the present authority, but by "${seen.issuer}"`
        : undefined,
  },
  {
    name: 'due',
    always: false,
    reason: ({ wanted, seen, issuer, now }) => {
      const left = (seen.notAfter.getTime() - now.getTime()) / DAY;
      if (left <= 0 || left > wanted.renewBeforeDays) return undefined;
      // A new one would end with its authority, on the same day, and be due again at the next run.
      const end = issuer === undefined ? undefined : inspectCertificate(issuer)?.notAfter;
      if (end !== undefined && end <= seen.notAfter) return undefined;
      return `expires on ${dayOf(seen.notAfter)}, ${Math.floor(left)} days from now (renewed from ${wanted.renewBeforeDays} days on)`;
    },
  },
  { name: 'CN', always: false, reason: ({ wanted, seen }) => differs('CN', [seen.subject.CN], [wanted.subject.CN]) },
  { name: 'O', always: false, reason: ({ wanted, seen }) => differs('O', seen.subject.O, wanted.subject.O) },
  { name: 'DNS', always: false, reason: ({ wanted, seen }) => differs('DNS names', seen.dns, wanted.dns) },
  {
    name: 'IP',
    always: false,
    reason: ({ wanted: { ip, sparedIp = [] }, seen }) => {
      const counted = seen.ip.filter((address) => ip.includes(address) || !sparedIp.includes(address));
      return differs('IP addresses', counted, ip.map(normalAddress));
    },
  },
  { name: 'usages', always: false, reason: ({ wanted, seen }) => differs('usages', seen.usages, wanted.usages) },
  {
    name: 'key',
    always: false,
    reason: ({ wanted, seen }) => differs('key algorithm', [seen.keyAlgorithm], [wanted.keyAlgorithm]),
  },
];

/** Reasons to issue the certificate anew, one line each; none = it stays. `pem` undefined = there is no file. */
export function renewalReasons(
  wanted: WantedCertificate,
  pem: string | undefined,
  { bundle, issuer, now }: Pick<Case, 'bundle' | 'issuer' | 'now'>,
): string[] {
  if (pem === undefined) return ['absent'];
  const seen = inspectCertificate(pem);
  if (seen === undefined) return ['the file holds no readable certificate'];
  return RENEWAL_RULES.filter((rule) => rule.always || wanted.rotatedBy === undefined).flatMap(
    (rule) => rule.reason({ wanted, seen, bundle, issuer, now }) ?? [],
  );
}

/** Order has no meaning in any of these lists. */
function differs(what: string, seen: readonly string[], wanted: readonly string[]): string | undefined {
  const missing = wanted.filter((value) => !seen.includes(value)).map((value) => `+${value}`);
  const surplus = seen.filter((value) => !wanted.includes(value)).map((value) => `-${value}`);
  return missing.length + surplus.length === 0 ? undefined : `${what}: ${[...missing, ...surplus].join(' ')}`;
}

function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10);
}
