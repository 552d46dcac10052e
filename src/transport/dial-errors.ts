import { McpkError } from '../core/errors.ts';
import type { Identities } from './identities.ts';
import { JUMP, type Hop } from './route.ts';

/** An ssh2 or socket error. */
export interface DialFailure extends Error {
  code?: string;
  level?: string;
}

/** An error of ssh2 before the login says that the other end closed, but for what the two have in common. */
export function beforeLogin(error: DialFailure): DialFailure {
  return /no matching/.test(error.message) ? error : dropped(error.message);
}

/**
 * Seconds between two tries at a host that is waited for. Who has not logged in yet may come at any time; a login that
 * was refused counts against us: sshd keeps an address out that fails too often (PerSourcePenalties, 5 s for each).
 */
export const AGAIN = { unreached: 1, otherKey: 5, refused: 10 } as const;

export function dropped(why: string): DialFailure {
  return Object.assign(new Error(why), { code: 'DROPPED' });
}

/** Turns what ssh2 or the socket said into what, where, why and what now (exit 11). */
export function dialError(hop: Hop, failure: DialFailure, identities: Identities | undefined): McpkError {
  const where = `${hop.address}:${hop.port}`;
  const make = (message: string, hint: string, details: string[] = []): McpkError =>
    new McpkError('unreachable', `${hop.label}: ${message}`, {
      host: hop.name,
      hint,
      details,
      cause: failure,
      again: AGAIN.unreached,
    });
  if (failure.level === 'client-authentication') return refusedLogin(hop, failure, identities);
  if (/no matching key exchange/.test(failure.message))
    return make(
      `${where} and mcpk have no key exchange in common`,
      'Allow curve25519-sha256 in KexAlgorithms of its sshd_config: mcpk has no post-quantum key exchange yet.',
    );
  if (/no matching/.test(failure.message))
    return make(
      `${where} and mcpk have no algorithm in common (${failure.message})`,
      'Allow aes128-gcm@openssh.com or chacha20-poly1305@openssh.com in its sshd_config.',
    );
  switch (failure.code) {
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return make(
        `the name ${hop.address} does not resolve`,
        `Mend ${hop.addressIn === undefined ? 'the address in the inventory' : `the name in ${hop.addressIn}`}, or the resolver of this machine.`,
      );
    case 'ECONNREFUSED':
      return make(`nothing listens on ${where} (connection refused)`, `Start sshd there, or mend ${portOf(hop)}.`);
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return make(
        `no route to ${where} (${failure.code})`,
        'Is the host switched on, and does this machine reach its network?',
      );
    case 'ETIMEDOUT':
      return make(
        `no answer from ${where} within ${hop.connectTimeout} s`,
        `Is the host switched on, and does a firewall let port ${hop.port} through? ssh.connectTimeout sets how long to wait.`,
      );
    case 'DROPPED':
      return make(
        `${where} closed the connection before the login (${failure.message})`,
        'Its sshd may be over MaxStartups, or keep this address out for a while (PerSourcePenalties); see its journal.',
      );
    case undefined:
    default:
      return make(
        `cannot connect to ${where}: ${failure.message}`,
        `Try by hand: ssh -p ${hop.port} ${hop.user}@${hop.address}`,
      );
  }
}

/** Where its port is written. */
function portOf({ addressIn, label }: Hop): string {
  if (addressIn !== undefined) return `the port in ${addressIn}`;
  return label.startsWith(JUMP) ? 'its port in ssh.jump' : 'ssh.port in the inventory';
}

function refusedLogin(hop: Hop, failure: DialFailure, identities: Identities | undefined): McpkError {
  const { tried, skipped } = identities ?? { tried: [], skipped: [] };
  return new McpkError('unreachable', `${hop.label}: ${hop.address}:${hop.port} refused the login of ${hop.user}`, {
    host: hop.name,
    cause: failure,
    again: AGAIN.refused,
    details: [...tried.map((key) => `refused  ${key}`), ...skipped.map((key) => `skipped  ${key}`)],
    hint:
      /not supported/.test(skipped.join('\n')) && tried.length === 0
        ? `mcpk logs in with plain keys only (ed25519, ecdsa, rsa): put one's public half into ~${hop.user}/.ssh/authorized_keys there, and name it in ssh.identityFiles or load it into the agent.`
        : `Put the public key into ~${hop.user}/.ssh/authorized_keys there, or name another one in ssh.identityFiles. The login was tried once only, as sshd bans who fails too often.`,
  });
}
