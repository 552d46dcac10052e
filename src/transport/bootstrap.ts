import { randomBytes } from 'node:crypto';
import { packageText } from '../core/package-files.ts';
import type { Target } from './types.ts';

/** How a script becomes root: not at all, by `sudo -n`, or by sudo with a password. */
export type Become = 'none' | 'sudo' | 'password';

/**
 * The command that every channel runs. It is tiny and fixed: neither script nor data is ever in an argument list.
 * It prints the marker, skips lines until its own header (a password that sudo did not want, for one), saves SIZE
 * bytes as a file of its own directory and sources them; what follows on standard input belongs to the script.
 */
const BOOTSTRAP =
  'umask 077; printf "\\n%s\\n" "$1"; ' +
  'while IFS= read -r line; do case $line in "mcpk "*) set -- $line; ' +
  'mkdir -p "/run/mcpk/$2" && dd bs="$3" count=1 iflag=fullblock status=none of="/run/mcpk/$2/session" && . "/run/mcpk/$2/session"; ' +
  'exit;; esac; done; exit 1';

export interface Start {
  /** What sshd is asked to run. */
  command: string;
  /** The line that the host prints first. */
  marker: string;
  /**
   * Sudo's on standard error: the password is sent when it is asked for, and asked twice it was wrong. Random, as a
   * profile or another program on the host that knew it could ask for the password itself.
   */
  prompt: string;
  /** Header and script; the script's own input follows. */
  input: Buffer;
}

/** `args` are words without blanks: they become $4, $5 … of the script. */
export function startOf(script: string, args: readonly (string | number)[], become: Become): Start {
  const id = randomBytes(9).toString('hex');
  const marker = `mcpk-${id}`;
  const size = Buffer.byteLength(script);
  const prompt = `[mcpk-${randomBytes(12).toString('hex')}]`;
  const shell = `/bin/sh -c '${BOOTSTRAP}' mcpk ${marker}`;
  return {
    command: `exec ${prefix(become, prompt)}${shell}`,
    marker,
    prompt,
    input: Buffer.from(`mcpk session.${id} ${size} ${args.join(' ')}\n${script}`),
  };
}

function prefix(become: Become, prompt: string): string {
  switch (become) {
    case 'none':
      return '';
    case 'sudo':
      return 'sudo -n -- ';
    case 'password':
      return `sudo -S -p '${prompt}' -- `;
  }
}

/** `user` is the one that logs in, after ssh_config. */
export function becomeOf(target: Target, user: string): Become {
  if (target.become === 'none' || (target.become === 'auto' && user === 'root')) return 'none';
  return target.becomePassword === undefined ? 'sudo' : 'password';
}

/** The scripts beside this file. */
export function remoteScript(name: 'session' | 'upload' | 'download'): string {
  return packageText(`src/transport/${name}.sh`);
}
