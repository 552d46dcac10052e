import { McpkError } from '../core/errors.ts';
import type { Exit } from './remote-script.ts';

interface Who {
  readonly host: string;
  readonly user: string;
}

export interface Ending {
  exit: Exit;
  stderr: string;
  /** What a login shell printed before the script. */
  preamble: string;
  started: boolean;
}

/** Known last words of a shell or sudo → what to do. The first that fits counts. */
const CAUSES: readonly [pattern: RegExp, message: (user: string) => string, hint: string][] = [
  [
    /a password is required|askpass/,
    (user) => `sudo wants a password from ${user}`,
    'Set ssh.becomePassword (as ${ENV}), or allow it with NOPASSWD in sudoers.',
  ],
  [
    /not in the sudoers|may not run sudo|not allowed to execute/,
    (user) => `sudo does not allow ${user} to become root`,
    'Give the user the right in sudoers: USER ALL=(ALL) ALL.',
  ],
  [/must have a tty/, () => 'sudo wants a terminal (requiretty)', 'Remove `Defaults requiretty` from sudoers.'],
  [
    /sudo: (command )?not found|not found: sudo|exec: sudo/,
    () => 'there is no sudo',
    'Install sudo, or log in as root (ssh.user: root).',
  ],
  [
    /\/run\/mcpk.*(Permission denied|Keine Berechtigung)|Permission denied.*\/run\/mcpk/,
    (user) => `${user} is not root`,
    'Set ssh.become: sudo, or log in as root.',
  ],
  [/No space left/, () => 'no space left below /run', 'Look at df /run on the host.'],
];

/** A script ended that should still run: lost, refused by sudo, or ended by the host (exit 11). */
export function scriptEnded({ host, user }: Who, { exit, stderr, preamble, started }: Ending): McpkError {
  const said = lines(stderr).length > 0 ? lines(stderr) : lines(started ? '' : preamble);
  for (const [pattern, message, hint] of CAUSES) {
    if (pattern.test(stderr))
      return new McpkError('unreachable', `${host}: ${message(user)}`, { host, hint, details: said });
  }
  if (exit.code === undefined && exit.signal === undefined) {
    return new McpkError('unreachable', `${host}: the connection was lost`, {
      host,
      details: said,
      hint: 'The host ends what was running and frees its lock within 15 s. Run the same command again.',
    });
  }
  const how = exit.signal === undefined ? `exit code ${exit.code}` : `signal ${exit.signal}`;
  const cause = exit.signal === undefined ? '' : '; after 8 s without a sign of life the host does that itself';
  return new McpkError('unreachable', `${host}: the session ${started ? 'ended' : 'did not start'} (${how}${cause})`, {
    host,
    details: said,
    hint: started
      ? 'Run the same command again.'
      : `Does /bin/sh run for ${user}? Its shell must not exit or print without end when it starts.`,
  });
}

export function notStarted({ host, user, startLimit }: Who & { startLimit: number }): McpkError {
  return new McpkError('unreachable', `${host}: logged in, but nothing runs there after ${startLimit} s`, {
    host,
    hint: `Try by hand: ssh ${user}@${host} true. Its shell's profile or sudo may wait for something.`,
  });
}

export function wrongPassword({ host, user }: Who): McpkError {
  return new McpkError('unreachable', `${host}: sudo refused the password of ${user}`, {
    host,
    hint: 'Mend ssh.becomePassword; it was tried once only.',
  });
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-10);
}
