import { isIP, isIPv6 } from 'node:net';

/** Whether text is an address, of IPv4 or IPv6; anything else can only be a name. */
export function isAddress(text: string): boolean {
  return isIP(text) !== 0;
}

/** Neither an address nor a name, which has letters and no colon: `10.0.0.300`, `2001:db8:::1`. */
export function isBrokenAddress(text: string): boolean {
  return (text.includes(':') || /^[\d.]+$/.test(text)) && !isAddress(text);
}

/** What to do with what does not belong to an address: `; its port has a setting of its own`, nothing where there is none. */
export function besideAddress(text: string): string {
  if (text.includes('@')) return '; who logs in has a setting of its own (user)';
  const [, host = ''] = /^([^:]+):\d+$/.exec(text) ?? [];
  if (isAddress(host) || /[a-z]/i.test(host)) return '; its port has a setting of its own (port)';
  const [, prefix] = /^[^/]+(\/\d+)$/.exec(text) ?? [];
  return prefix === undefined ? '' : `; leave ${prefix} out`;
}

/** Name or address with a port, as a URL has it: `[2001:db8::1]:443`. */
export function withPort(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${String(port)}`;
}
