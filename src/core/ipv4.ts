/** IPv4 arithmetic on the few things that an inventory names: addresses and CIDRs. */

import { isIP } from 'node:net';

/** `10.0.0.1` as an unsigned number; undefined when it is not an IPv4 address. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || parts.some((part) => !/^\d{1,3}$/.test(part) || Number(part) > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

export function formatIpv4(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

export function isIpv4(text: string): boolean {
  return parseIpv4(text) !== undefined;
}

/** For whoever wrote an IPv6 address where a cluster needs another one. */
export const IPV4_ONLY = 'IPv6 is not supported, the cluster is IPv4 only';

/** Whether it is an IPv6 address or network, or a list with one: `10.0.0.0/16,fd00::/64`. */
export function namesIpv6(text: string): boolean {
  return text.split(',').some((each) => isIP(each.trim().replace(/\/.*$/, '')) === 6);
}

/** First address and size of `10.254.0.0/16`. */
export function parseCidr(text: string): { base: number; size: number; prefix: number } | undefined {
  const [address = '', prefixText = ''] = text.split('/');
  const value = parseIpv4(address);
  const prefix = Number(prefixText);
  if (value === undefined || !/^\d{1,2}$/.test(prefixText) || prefix > 32) return undefined;
  const size = 2 ** (32 - prefix);
  return { base: Math.floor(value / size) * size, size, prefix };
}

/** Whether `address` lies in `cidr`; false for anything that is not IPv4. */
export function inCidr(address: string, cidr: string): boolean {
  const value = parseIpv4(address);
  const range = parseCidr(cidr);
  return value !== undefined && range !== undefined && value >= range.base && value < range.base + range.size;
}

/** The n-th address of a CIDR, counted from its base: 1 is the `kubernetes` service's. */
export function nthAddress(cidr: string, n: number): string {
  const range = parseCidr(cidr);
  if (!range || n >= range.size) throw new RangeError(`${cidr} has no address number ${String(n)}`);
  return formatIpv4(range.base + n);
}

export function overlap(a: string, b: string): boolean {
  const first = parseCidr(a);
  const second = parseCidr(b);
  return (
    first !== undefined &&
    second !== undefined &&
    first.base < second.base + second.size &&
    second.base < first.base + first.size
  );
}
