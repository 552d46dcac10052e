import { randomBytes } from 'node:crypto';

const MINUTE = 60_000;
const DAY = 86_400_000;

/** Hosts whose clocks are a little behind ours shall take a new certificate at once. */
const BACKDATED = 5 * MINUTE;

/** X.509 counts in whole seconds. */
export function validity(days: number, now: Date, notLaterThan?: Date): { notBefore: Date; notAfter: Date } {
  const end = now.getTime() + days * DAY;
  return {
    notBefore: wholeSecond(now.getTime() - BACKDATED),
    // Past its issuer's end a certificate is worth nothing, and would hide that it must be renewed.
    notAfter: wholeSecond(Math.min(end, notLaterThan?.getTime() ?? end)),
  };
}

function wholeSecond(time: number): Date {
  return new Date(Math.floor(time / 1000) * 1000);
}

/** 128 bits in hex, 126 of them random: positive in DER and never shorter. */
export function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}
