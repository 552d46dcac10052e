import { globSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { parse } from 'ssh-config';
import { readFileAtMost } from '../core/read-file.ts';
import { untilChanged } from '../core/until-changed.ts';

const MOST_BYTES = 16 * 2 ** 20;

/** What ssh_config(5) says about one host; only what mcpk heeds. Tokens and `~` are expanded. */
export interface ConfigEntry {
  hostName?: string;
  user?: string;
  port?: number;
  hostKeyAlias?: string;
  identityFiles: string[];
  knownHostsFiles: string[];
  /** `none` was said, or hops: nearest first. Absent: nothing was said. */
  proxyJump?: { user?: string; address: string; port?: number }[];
}

/**
 * Reads an OpenSSH client config for `host`, as `ssh -F FILE host` would, `Include`s too. `Match exec` is not run.
 * Throws Error for a file that can't be read or has no sense.
 */
export function readSshConfig(file: string, host: string): ConfigEntry {
  const text = withIncludes(readText(expandHome(file)), dirname(expandHome(file)), 0);
  const found = parse(text).compute(host, { ignoreCase: true, matchExec: false });
  const one = (key: string): string | undefined => {
    const value = found[key];
    return Array.isArray(value) ? value[0] : value;
  };
  const hostName = one('hostname')?.replace(/%([h%])/g, (_, token: string) => (token === 'h' ? host : '%'));
  const [user, port] = [one('user'), one('port')];
  const expand = (path: string): string =>
    expandTokens(path, { h: hostName ?? host, n: host, p: port ?? '22', r: user ?? userInfo().username });
  const jump = one('proxyjump');
  const alias = one('hostkeyalias');
  return {
    ...(hostName === undefined ? {} : { hostName }),
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port: portOf(port) }),
    ...(alias === undefined ? {} : { hostKeyAlias: alias }),
    ...(jump === undefined ? {} : { proxyJump: parseJumps(jump) }),
    identityFiles: words(found['identityfile'])
      .filter((path) => path !== 'none')
      .map(expand),
    knownHostsFiles: words(found['userknownhostsfile'])
      .filter((path) => path !== 'none')
      .map(expand),
  };
}

/** `none`, or `[user@]host[:port],…` with IPv6 addresses in brackets. */
export function parseJumps(text: string): { user?: string; address: string; port?: number }[] {
  if (text.toLowerCase() === 'none') return [];
  return text.split(',').map((hop) => {
    const parts = /^(?:ssh:\/\/)?(?:(?<user>[^@]+)@)?(?:\[(?<six>[^\]]+)\]|(?<name>[^:]+))(?::(?<port>\d+))?$/.exec(
      hop.trim(),
    )?.groups;
    const address = parts?.['six'] ?? parts?.['name'];
    if (!parts || address === undefined) throw new Error(`ProxyJump ${text}: [user@]host[:port] expected`);
    return {
      address,
      ...(parts['user'] === undefined ? {} : { user: parts['user'] }),
      ...(parts['port'] === undefined ? {} : { port: portOf(parts['port']) }),
    };
  });
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65535) return port;
  throw new Error(`Port ${text}: a number from 1 to 65535 expected`);
}

/** `~/x` of the user who runs mcpk. */
export function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}

const readText = untilChanged((file) => readFileAtMost(file, MOST_BYTES).toString('utf8'));

function expandTokens(path: string, tokens: Record<string, string>): string {
  const all: Record<string, string> = { ...tokens, d: homedir(), u: userInfo().username, '%': '%' };
  return expandHome(path).replace(/%(.)/g, (whole, token: string) => all[token] ?? whole);
}

function words(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return (Array.isArray(value) ? value : value.split(/\s+/)).filter((word) => word !== '');
}

/**
 * Puts included files in place. A `Host` in an included file ends with that file: the block around the
 * `Include` is opened again behind it.
 */
function withIncludes(text: string, folder: string, depth: number): string {
  if (depth > 16) throw new Error('Include: files include each other');
  let block = 'Host *';
  return text
    .split('\n')
    .map((line) => {
      if (/^\s*(host|match)[\s=]/i.test(line)) block = line.trim();
      const patterns = /^\s*include[\s=]+(.+)$/i.exec(line)?.[1];
      if (patterns === undefined) return line;
      const files = patterns
        .trim()
        .split(/\s+/)
        .flatMap((pattern) => includedFiles(pattern.replace(/^"|"$/g, ''), folder));
      return [...files.map((file) => withIncludes(readText(file), dirname(file), depth + 1)), block].join('\n');
    })
    .join('\n');
}

/** Relative ones lie beside the including file, or in ~/.ssh as OpenSSH has it. */
function includedFiles(pattern: string, folder: string): string[] {
  const path = expandHome(pattern);
  if (isAbsolute(path)) return globSync(path).sort();
  const beside = globSync(join(folder, path)).sort();
  return beside.length > 0 ? beside : globSync(join(homedir(), '.ssh', path)).sort();
}
