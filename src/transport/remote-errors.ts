import { span } from '../core/duration.ts';
import { McpkError } from '../core/errors.ts';
import { AGAIN } from './dial-errors.ts';
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

const NO_ROOT = /\/run\/mcpk.*(Permission denied|Keine Berechtigung)|Permission denied.*\/run\/mcpk/;

/**
 * Known last words of a shell or sudo → what to do. The first that fits counts. An installer may still be about to mend
 * all of them but one, which is a setting of the inventory.
 */
const CAUSES: readonly [pattern: RegExp, message: (user: string) => string, hint: string][] = [
  [
    /a password is required|askpass/,
    (user) => `sudo wants a password from ${user}`,
    'Let mcpk ask you for it (-K), set ssh.becomePassword (as ${MCPK_SUDO}), or allow it with NOPASSWD in sudoers.',
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
  [NO_ROOT, (user) => `${user} is not root`, 'Set ssh.become: sudo, or log in as root.'],
  [/No space left/, () => 'no space left below /run', 'Look at df /run on the host.'],
];

/** A script ended that should still run: lost, refused by sudo, or ended by the host (exit 11). */
export function scriptEnded({ host, user }: Who, { exit, stderr, preamble, started }: Ending): McpkError {
  const said = lines(stderr).length > 0 ? lines(stderr) : lines(started ? '' : preamble);
  for (const [pattern, message, hint] of CAUSES) {
    if (!pattern.test(stderr)) continue;
    const again = pattern === NO_ROOT ? undefined : AGAIN.refused;
    return new McpkError('unreachable', `${host}: ${message(user)}`, { host, again, hint, details: said });
  }
  if (exit.code === undefined && exit.signal === undefined) {
    return new McpkError('unreachable', `${host}: the connection was lost`, {
      host,
      again: AGAIN.unreached,
      details: said,
      hint: 'The host ends what was running and frees its lock within 15 s. Run the same command again.',
    });
  }
  const how = exit.signal === undefined ? `exit code ${exit.code}` : `signal ${exit.signal}`;
  const cause = exit.signal === undefined ? '' : '; after 8 s without a sign of life the host does that itself';
  return new McpkError('unreachable', `${host}: the session ${started ? 'ended' : 'did not start'} (${how}${cause})`, {
    host,
    again: AGAIN.refused,
    details: said,
    hint: started
      ? 'Run the same command again.'
      : `Does /bin/sh run for ${user}? Its shell must not exit or print without end when it starts.`,
  });
}

export function notStarted({ host, user, startLimit }: Who & { startLimit: number }): McpkError {
  return new McpkError('unreachable', `${host}: logged in, but nothing runs there after ${startLimit} s`, {
    host,
    again: AGAIN.unreached,
    hint: `Try by hand, at its address and port: log in as ${user} and run true. Its shell's profile or sudo may wait for something.`,
  });
}

export function wrongPassword({ host, user }: Who): McpkError {
  return new McpkError('unreachable', `${host}: sudo refused the password of ${user}`, {
    host,
    hint: 'It was tried once only: type it anew (-K), or mend ssh.becomePassword.',
  });
}

/** What our scripts never do. */
const NOT_OURS = "mcpk's scripts never do that: find out what answers there before you trust that host again.";

function suspicious(host: string, what: string, cause?: unknown): McpkError {
  return new McpkError('unreachable', `${host}: ${what}`, { host, hint: NOT_OURS, cause });
}

export function tooMuch(sent: { host: string; kind: string; what: string; more: string }): McpkError {
  return suspicious(sent.host, `it answered ${sent.what} with too much ${sent.kind}: more than ${sent.more}`);
}

export function notAsked(host: string, kind: string, what?: string): McpkError {
  const asked = what === undefined ? 'without being asked for anything' : `in answer to ${what}`;
  return suspicious(host, `it sent ${kind.slice(0, 40)} ${asked}`);
}

export function noRecord(host: string, cause: Error): McpkError {
  return suspicious(host, `the session sent what is no record (${cause.message})`, cause);
}

export function talksOn(host: string, limit: number): McpkError {
  return suspicious(host, `it sent more than ${limit / 1024} KiB on standard error`);
}

export function noProgress({ host, what, silentMs }: { host: string; what: string; silentMs: number }): McpkError {
  return new McpkError('unreachable', `${host}: no sign of life for ${span(silentMs)} while it was asked for ${what}`, {
    host,
    again: AGAIN.unreached,
    hint: 'That host hangs, or its disk does: look at it, then run the same command again.',
  });
}

export function tooSlow({ host, what, limitMs }: { host: string; what: string; limitMs: number }): McpkError {
  return new McpkError('unreachable', `${host}: ${what} did not end within ${span(limitMs)}`, {
    host,
    hint: 'What runs there hangs, though the host lives: look at its processes, then run the same command again.',
  });
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-10);
}
