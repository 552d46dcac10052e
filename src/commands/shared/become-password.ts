import { McpkError } from '../../core/errors.ts';
import { Secret } from '../../core/secret.ts';
import { isTelling } from '../../inventory/conceal.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import { answerUnseen } from './confirm.ts';

const INSTEAD = 'write becomePassword: ${MCPK_SUDO} below ssh in the inventory, and set that variable.';

/**
 * Sudo's password, typed on the terminal, where it is not shown. Throws `usage` where there is none, `interrupted` where
 * nothing is typed.
 */
export async function askBecomePassword(signal: AbortSignal): Promise<Secret> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new McpkError('usage', '--ask-become-pass (-K) asks on a terminal, and there is none', {
      hint: `Instead, ${INSTEAD}`,
    });
  const typed = await answerUnseen("sudo's password on the hosts: ", signal);
  if (typed === undefined || typed === '')
    throw new McpkError('interrupted', 'no password was typed: nothing was done', {
      hint: `To be asked no more, ${INSTEAD}`,
    });
  return new Secret(typed, "<sudo's password>");
}

/** The cluster with the password on each host of which the inventory has none; no text shows it. */
export function withBecomePassword(cluster: Cluster, becomePassword: Secret): Cluster {
  const given = (host: Host): Host => ({ ...host, ssh: { becomePassword, ...host.ssh } });
  return {
    ...cluster,
    hosts: cluster.hosts.map(given),
    leaving: cluster.leaving.map(given),
    ...(isTelling(becomePassword.reveal()) ? { hidden: [...(cluster.hidden ?? []), becomePassword] } : {}),
  };
}
