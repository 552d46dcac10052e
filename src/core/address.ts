import { isIP, isIPv6 } from 'node:net';

/** Whether text is an address, of IPv4 or IPv6; anything else can only be a name. */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0;
}

/** Neither an address nor a name, which has letters and no colon: `10.0.0.300`, `2001:db8:::1`. */
export function isBrokenAddress(text: string): boolean {
  return (text.includes(':') || /^[\d.]+$/.test(text)) && !isAddress(text);
}

/** Name or address with a port, as a URL has it: `[2001:db8::1]:443`. */
export function withPort(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${String(port)}`;
}
