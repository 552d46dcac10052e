import { lstatSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { McpkError } from '../core/errors.ts';
import { isRecordableName, strangeLines } from './known-hosts-shape.ts';
import { parseKnownHosts } from './known-hosts.ts';

/**
 * What keeps a line of ours out of a file that is no known_hosts: an inventory, or its ssh_config, names the file and
 * may come from a stranger, who would have a key of his in authorized_keys, or a word in a file that a shell reads.
 */
export function refuseName(file: string, name: string): void {
  if (isRecordableName(name)) return;
  throw refusal(
    file,
    `${JSON.stringify(name)} is no name of a host`,
    'Mend the address, or HostKeyAlias in the ssh_config.',
  );
}

/**
 * Where links are followed: what is above, in or below the user's own ~/.ssh (a known_hosts that lies elsewhere is the
 * user's business), and above the folder that the file and the inventory have in common. Below that a link may be part
 * of somebody's repository. Gives the real path; `inventoryFolder` absent: none is common but the root.
 */
export function withoutLinks(file: string, inventoryFolder?: string): string {
  const path = resolve(file);
  const own = join(homedir(), '.ssh');
  const trusted = inventoryFolder === undefined ? sep : commonFolder(path, resolve(inventoryFolder));
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    const mine = isWithin(own, at) || isWithin(at, own) || isWithin(trusted, at) || dirname(at) === sep;
    if (mine || !isLink(at)) continue;
    throw refusal(file, `is reached over the link ${at}`, `Name the file that is meant itself, or one in ~/.ssh.`);
  }
  return realPath(path);
}

/** `text`: what is in the file so far. */
export function refuseOtherKind(file: string, real: string, text: string): void {
  const [strange] = strangeLines(text);
  if (strange !== undefined)
    throw refusal(
      file,
      `is another kind of file: its line ${String(strange)} is none of known_hosts`,
      'Name a file of its own in ssh.knownHostsFiles (UserKnownHostsFile in the ssh_config comes first), or mend that line.',
    );
  const fresh = parseKnownHosts(text, file).entries.length === 0;
  if (fresh && ![resolve(file), real].every(mayBeNew))
    throw refusal(
      file,
      'may be meant for other things: no host key is in it, and its name or folder is not one for host keys',
      'Name it known_hosts, as in ~/.ssh/known_hosts_lab.',
    );
}

/** By name and place it is nothing that a shell, sshd or another program reads for its own ends. */
function mayBeNew(path: string): boolean {
  const name = basename(path);
  const folders = dirname(path).split(sep);
  if (folders.some((folder) => folder.endsWith('.d') && !/known/i.test(folder))) return false;
  if (/^\w[\w.-]*$/.test(name) && /known[-_]?hosts/i.test(name)) return !/\.(?:(?:ba|z|c|fi)?sh|conf)$/i.test(name);
  const hidden = folders.some((folder) => folder.startsWith('.'));
  return !hidden && !name.includes('.') && !/^authorized/i.test(name) && !path.startsWith('/etc/');
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

/** `inner` is `outer` or lies below. */
function isWithin(inner: string, outer: string): boolean {
  const way = relative(outer, inner);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function commonFolder(one: string, other: string): string {
  let folder = other;
  while (!isWithin(one, folder)) folder = dirname(folder);
  return folder;
}

/** Of a file that need not be there yet, nor its folders. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || isLink(path)) return path;
    return join(realPath(dirname(path)), basename(path));
  }
}

function refusal(file: string, why: string, hint: string): McpkError {
  return new McpkError('invalid', `known_hosts ${file}: ${why}; nothing was written`, { hint });
}
