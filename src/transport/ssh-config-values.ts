import { homedir, userInfo } from 'node:os';
import { isRecordableName } from './known-hosts-shape.ts';

/** A hop as ProxyJump writes it. */
export interface Jump {
  user?: string;
  address: string;
  port?: number;
}

/** `none`, or `[user@]host[:port],…` with IPv6 addresses in brackets. */
export function parseJumps(text: string): Jump[] {
  if (text.toLowerCase() === 'none') return [];
  return text.split(',').map((hop) => {
    const parts = /^(?:ssh:\/\/)?(?:(?<user>[^@]+)@)?(?:\[(?<six>[^\]]+)\]|(?<name>[^:]+))(?::(?<port>\d+))?$/.exec(
      hop.trim(),
    )?.groups;
    const address = parts?.['six'] ?? parts?.['name'];
    if (!parts || address === undefined) throw new Error(`ProxyJump ${text}: [user@]host[:port] expected`);
    return {
      address: addressOf('ProxyJump', address),
      ...(parts['user'] === undefined ? {} : { user: loginOf(parts['user']) }),
      ...(parts['port'] === undefined ? {} : { port: portOf(parts['port']) }),
    };
  });
}

export function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65535) return port;
  throw new Error(`Port ${text}: a number from 1 to 65535 expected`);
}

/** What an address or a name is made of: it goes to the resolver, into messages, into known_hosts. */
export function addressOf(option: string, text: string): string {
  if (/^[A-Za-z0-9_:][A-Za-z0-9_.:%-]{0,254}$/.test(text)) return text;
  throw new Error(`${option}: an address or a name expected`);
}

/** As the inventory has it for ssh.user. */
export function loginOf(text: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.+$\\-]{0,63}$/.test(text)) return text;
  throw new Error('User: a login name expected');
}

/** HostKeyAlias: it becomes the first word of a line of known_hosts. */
export function aliasOf(text: string): string {
  const name = text.toLowerCase();
  if (isRecordableName(name)) return name;
  throw new Error('HostKeyAlias: one name or address expected, of letters, digits and . _ - :');
}

/** Undefined: any. */
export function familyOf(text: string): 4 | 6 | undefined {
  switch (text.toLowerCase()) {
    case 'any':
      return undefined;
    case 'inet':
      return 4;
    case 'inet6':
      return 6;
    default:
      throw new Error('AddressFamily: any, inet or inet6 expected');
  }
}

/** IdentitiesOnly. */
export function yesOf(text: string): boolean {
  if (/^(yes|true)$/i.test(text)) return true;
  if (/^(no|false)$/i.test(text)) return false;
  throw new Error('IdentitiesOnly: yes or no expected');
}

/** `%h` and its like by the given ones, `%d`, `%u` and `%%` by what they are. */
export function expandTokens(text: string, tokens: Record<string, string>): string {
  // A repository must not get at what stands in the environment, and mcpk would show it in messages.
  if (/\$\{|^\$/.test(text)) throw new Error(`${text}: variables of the environment are not read here`);
  const all: Record<string, string> = { ...tokens, d: homedir(), u: userInfo().username, '%': '%' };
  return text.replace(/%(.)/g, (whole, token: string) => all[token] ?? whole);
}
