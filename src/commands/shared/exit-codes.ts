import { EXIT_CODES } from '../../core/errors.ts';

/** A line of the table of exit codes, by its name. */
export type Ending = keyof typeof EXIT_CODES;

/** How any command may end. */
export const ANY_END: readonly Ending[] = ['done', 'unexpected', 'usage', 'interrupted'];
/** … one that reads an inventory. */
export const INVENTORY_END: readonly Ending[] = [...ANY_END, 'invalid'];
/** … one that talks to hosts, those that `--limit` names. */
export const HOSTS_END: readonly Ending[] = [...INVENTORY_END, 'refused', 'unreachable', 'hostKey'];
/** … one that changes hosts under their lock. */
export const CHANGES_END: readonly Ending[] = [...HOSTS_END, 'locked', 'stage', 'gate', 'stale', 'rolledBack'];

/** The table of exit codes as help shows it, all of them or some. */
export function exitCodeTable(endings: readonly Ending[] = Object.keys(EXIT_CODES) as Ending[]): string {
  return Object.entries(EXIT_CODES)
    .filter(([name]) => endings.includes(name as Ending))
    .map(([, [code, meaning]]) => `${String(code).padStart(3)}  ${meaning}`)
    .join('\n');
}
