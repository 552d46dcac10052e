import { EXIT_CODES } from '../../core/errors.ts';

/** A line of the table of exit codes, by its name. */
export type Ending = keyof typeof EXIT_CODES;

/** How any command may end. */
const ANY: readonly Ending[] = ['done', 'unexpected', 'usage', 'interrupted'];

/** … one that has this flag: it reads an inventory, names hosts, talks to them, takes their lock, fetches binaries. */
const BY_FLAG: Readonly<Record<string, readonly Ending[]>> = {
  inventory: ['invalid'],
  limit: ['refused'],
  concurrency: ['unreachable', 'hostKey'],
  'wait-lock': ['locked'],
  'update-lock': ['fetch'],
  'plan-only': ['pending'],
};

/** What decides how a command may end: its flags, and what it says of itself beside them. */
interface Ends {
  flags?: Readonly<Record<string, unknown>>;
  endings?: readonly Ending[];
}

/** How a command may end, in the order of the table. */
export function endingsOf({ flags = {}, endings = [] }: Ends): Ending[] {
  const all = new Set([...ANY, ...endings, ...Object.keys(flags).flatMap((name) => BY_FLAG[name] ?? [])]);
  return (Object.keys(EXIT_CODES) as Ending[]).filter((name) => all.has(name));
}

/** The rows of the table of exit codes as help shows it, all of them or some. */
export function exitCodeTable(
  endings: readonly Ending[] = Object.keys(EXIT_CODES) as Ending[],
): { name: string; description: string }[] {
  return endings
    .map((name) => EXIT_CODES[name])
    .map(([code, meaning]) => ({ name: String(code), description: meaning }));
}
