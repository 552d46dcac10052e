import { FailureList, McpkError } from '../../core/errors.ts';
import { flagWords, FOUND_BY, REACHED_BY } from './command-line.ts';
import type { InventoryFlags } from './cluster.ts';

/** Those that take an inventory and that hints tell a user to run. */
const COMMANDS =
  /\bmcpk (?:apply|artifacts (?:bundle|fetch|list|verify)|etcd (?:defrag|recover|rehearse|restore|status)|exec|facts|history|host-key (?:pin|scan|show)|kubeconfig|node (?:drain|reboot|remove|replace|uncordon|upgrade-packages)|plan|reset|rollback|show|validate|verify)\b(?! -i| --help)/g;

const LOGS_IN = /^mcpk (?!artifacts|host-key|validate)/;

/** A command that is copied out of a hint must find the inventory that this one had: put into all hints, in place. */
export function copyable<E extends Error>(error: E, flags: InventoryFlags): E {
  const given = flagWords({ ...flags }, REACHED_BY);
  if (given.length === 0) return error;
  const withFlags = (command: string): string =>
    [command, ...(LOGS_IN.test(command) ? given : flagWords({ ...flags }, FOUND_BY))].join(' ');
  if (error instanceof McpkError && error.hint !== undefined)
    Object.assign(error, { hint: error.hint.replace(COMMANDS, withFlags) });
  if (error instanceof FailureList) for (const each of error.errors) copyable(each, flags);
  return error;
}
