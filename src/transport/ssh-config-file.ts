import { userInfo } from 'node:os';
import { addressOf, aliasOf, expandTokens, familyOf, loginOf, parseJumps, portOf, yesOf } from './ssh-config-values.ts';
import type { Jump } from './ssh-config-values.ts';
import { expandHome } from './ssh-config-include.ts';
import { ConfigMistake, readLines, wordsOf } from './ssh-config-lines.ts';
import type { Block, Line } from './ssh-config-lines.ts';
import { holds } from './ssh-config-match.ts';
import { meaningOf } from './ssh-config-words.ts';
import type { Understood } from './ssh-config-words.ts';

/** What ssh_config(5) says about one host; only what mcpk heeds. Tokens and `~` are expanded. */
export interface ConfigEntry {
  hostName?: string;
  user?: string;
  port?: number;
  addressFamily?: 4 | 6;
  hostKeyAlias?: string;
  identityFiles: string[];
  /** Of an agent, only keys that identityFiles name. */
  identitiesOnly?: boolean;
  /** `none`, `SSH_AUTH_SOCK`, or the path of the agent's socket. */
  identityAgent?: string;
  knownHostsFiles: string[];
  globalKnownHostsFiles?: string[];
  revokedHostKeys?: string;
  /** `none` was said, or hops: nearest first. Absent: nothing was said. */
  proxyJump?: Jump[];
}

/** What was said first of each option (all of IdentityFile), and where. */
type Said = Partial<Record<Understood, { line: Line; words: string[] }>>;

/** As ssh has them. */
const MOST_IDENTITIES = 100;
const MOST_FILES = 32;

/**
 * Reads an OpenSSH client config for `host`, as `ssh -F FILE host` would, `Include`s too; `user` is the one that the
 * inventory wants, if it does. Options that mcpk can't heed are refused where they apply to the host (see
 * ssh-config-words.ts), `Match exec` anywhere. Throws {@link ConfigMistake}.
 */
export function readSshConfig(file: string, host: string, user?: string): ConfigEntry {
  const said: Said = {};
  const verdicts = new Map<Block, boolean>();
  for (const line of readLines(expandHome(file))) {
    const block = line.blocks.at(-1);
    if (block?.file === line.file && block.line === line.line) {
      verdicts.set(block, holds(block, asked(said, host, user)));
    } else if (line.blocks.every((outer) => verdicts.get(outer))) take(said, line);
  }
  return entryOf(said, host);
}

function asked(said: Said, host: string, user: string | undefined): Parameters<typeof holds>[1] {
  const login = user ?? said.User?.words[0] ?? 'root';
  return { host, hostName: said.HostName ? hostNameOf(said.HostName, host) : host, user: login };
}

/** The first one counts; identities add up. */
function take(said: Said, line: Line): void {
  const meaning = meaningOf(line.option);
  if (meaning.is === 'ignored') return;
  if (meaning.is === 'refused') throw refused(line, meaning.word);
  const words = wordsOf(line);
  const [first] = words;
  if (first === undefined) throw new ConfigMistake(line, `${line.option}: a value is missing`);
  if (meaning.is === 'by value') {
    // Of a command all that follows counts, as it stands: `none x` would be run.
    const value = meaning.word.endsWith('Command') ? line.rest : words.length === 1 ? first : '';
    if (!meaning.values.includes(value.toLowerCase()))
      throw new ConfigMistake(line, `${meaning.word} is refused: ${meaning.reason}`);
    // Of ProxyCommand and ProxyJump the first counts.
    if (meaning.word === 'ProxyCommand') said.ProxyJump ??= { line, words: ['none'] };
    return;
  }
  const { word } = meaning;
  const most = word === 'UserKnownHostsFile' || word === 'GlobalKnownHostsFile' ? MOST_FILES : 1;
  if (words.length > most)
    throw new ConfigMistake(line, `${word}: ${most === 1 ? 'one value' : `at most ${most} files`} expected`);
  if (word === 'IdentityFile') addIdentity(said, line, first);
  else said[word] ??= { line, words };
}

function addIdentity(said: Said, line: Line, file: string): void {
  const { words } = (said.IdentityFile ??= { line, words: [] });
  if (words.includes(file)) return;
  if (words.length === MOST_IDENTITIES)
    throw new ConfigMistake(line, `IdentityFile: more than ${MOST_IDENTITIES} of them`);
  words.push(file);
}

/** A word of a file that may be no ssh_config at all (a token, a password) is not shown, but where it is one of ssh's. */
function refused(line: Line, word: string | undefined): ConfigMistake {
  return new ConfigMistake(
    line,
    `${word ?? 'what stands here'} is no option that mcpk understands, and it is refused as it may change how hosts are reached`,
  );
}

function entryOf(said: Said, host: string): ConfigEntry {
  const hostName = said.HostName && hostNameOf(said.HostName, host);
  const user = one(said.User, loginOf);
  const port = one(said.Port, portOf);
  const tokens = { h: hostName ?? host, n: host, p: String(port ?? 22), r: user ?? userInfo().username };
  const path = (text: string): string => expandHome(expandTokens(text, tokens));
  const files = (option: Said[Understood]): string[] =>
    one(option, () => option?.words.filter((word) => word !== 'none').map(path)) ?? [];
  const global = said.GlobalKnownHostsFile && files(said.GlobalKnownHostsFile);
  const given = {
    hostName,
    user,
    port,
    addressFamily: one(said.AddressFamily, familyOf),
    hostKeyAlias: one(said.HostKeyAlias, aliasOf),
    identitiesOnly: one(said.IdentitiesOnly, yesOf),
    identityAgent: one(said.IdentityAgent, (text) => (/^(none|SSH_AUTH_SOCK)$/.test(text) ? text : path(text))),
    globalKnownHostsFiles: global,
    revokedHostKeys: one(said.RevokedHostKeys, (text) => (text === 'none' ? undefined : path(text))),
    proxyJump: one(said.ProxyJump, (text) => parseJumps(expandTokens(text, tokens))),
  };
  const known = Object.entries(given).filter(([, value]) => value !== undefined);
  return {
    ...(Object.fromEntries(known) as { [K in keyof typeof given]?: Exclude<(typeof given)[K], undefined> }),
    identityFiles: files(said.IdentityFile),
    knownHostsFiles: files(said.UserKnownHostsFile),
  };
}

/** What `read` makes of the value; what it throws is told with the option and its place. */
function one<T>(option: Said[Understood], read: (text: string) => T): T | undefined {
  if (!option) return undefined;
  try {
    return read(option.words[0] ?? '');
  } catch (error) {
    throw new ConfigMistake(option.line, `${option.line.option}: ${(error as Error).message}`, error);
  }
}

function hostNameOf(option: NonNullable<Said['HostName']>, host: string): string {
  return one(option, (text) => addressOf(expandTokens(text, { h: host }))) ?? host;
}
