import { AUTHORITY, parseKnownHosts } from './known-hosts.ts';

/** One host, in lower case: no pattern, no list, no mark, nothing that ends a word or a line. */
const ONE_NAME = /^[a-z0-9_:][a-z0-9_.:%-]{0,254}$/;
/** Options of sshd's authorized_keys, where `restrict TYPE KEY` would be a login. */
const LOGIN_OPTIONS = new Set(
  'agent-forwarding cert-authority no-agent-forwarding no-port-forwarding no-pty no-touch-required no-user-rc no-x11-forwarding port-forwarding pty restrict user-rc verify-required x11-forwarding'.split(
    ' ',
  ),
);

/** What may be written as the name of a host: `m1`, an address, `[m1]:2222`. */
export function isRecordableName(name: string): boolean {
  const bracketed = /^\[([^\]]*)\]:\d{1,5}$/.exec(name)?.[1];
  return ONE_NAME.test(bracketed ?? name) && !LOGIN_OPTIONS.has(name);
}

/**
 * Lines of a file that no known_hosts has, so that it is another kind of file. A line of authorized_keys with options
 * has the same shape; its first word tells.
 */
export function strangeLines(text: string): number[] {
  const { entries, ignored } = parseKnownHosts(text, '');
  return [
    ...entries.filter(({ names }) => !isNames(names)).map(({ line }) => line),
    ...ignored.filter(({ why }) => why !== AUTHORITY).map(({ line }) => line),
  ].toSorted((a, b) => a - b);
}

function isNames(names: string): boolean {
  if (names.startsWith('|')) return /^\|1\|[A-Za-z0-9+/=]+\|[A-Za-z0-9+/=]+$/.test(names);
  const all = names.toLowerCase().split(',');
  return all.every((name) => /^!?[a-z0-9_:%.*?[\]-]+$/.test(name)) && !all.every((name) => LOGIN_OPTIONS.has(name));
}
