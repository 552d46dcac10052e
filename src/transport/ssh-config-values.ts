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
