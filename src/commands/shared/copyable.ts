import { FailureList, McpkError } from '../../core/errors.ts';
import { flagWords } from './command-line.ts';
import type { InventoryFlags } from './cluster.ts';

/** Those that take an inventory and that hints tell a user to run. */
const COMMANDS =
  /\bmcpk (?:apply|facts|history|host-key (?:pin|scan|show)|plan|rollback|show|validate|verify)\b(?! -i)/g;

/** A command that is copied out of a hint must find the inventory that this one had: put into all hints, in place. */
export function copyable<E extends Error>(error: E, flags: InventoryFlags): E {
  const words = flagWords({ ...flags }, ['inventory', 'env']);
  if (words.length === 0) return error;
  if (error instanceof McpkError && error.hint !== undefined)
    Object.assign(error, { hint: error.hint.replace(COMMANDS, (command) => [command, ...words].join(' ')) });
  if (error instanceof FailureList) for (const each of error.errors) copyable(each, flags);
  return error;
}
