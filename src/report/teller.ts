import type { Event } from '../engine/types.ts';
import { eventLine, warningLine } from './event-line.ts';
import { causeOf, foldByCause, hostsWithin, LINE, type Roster, type Told } from './fold.ts';
import { clean, type Theme } from './theme.ts';

export interface Teller {
  tell(event: Event): void;
  /** Says what was held back to be said of several hosts at once. */
  flush(): void;
}

/**
 * Writes the lines that events are worth beside those of the stages; what is so on many hosts it writes once. `isWhole`
 * are lines to be read to their end, as nothing says them again.
 */
export function createTeller(
  write: (line: string, isWhole?: boolean) => void,
  theme: () => Theme,
  { verbose, roster }: { verbose: boolean; roster?: Roster | undefined },
): Teller {
  let lost: Told[] = [];
  let held: Held[] = [];
  const failed = new Set<string>();
  const warn = (all: readonly Told[]): void => {
    for (const { hosts, message, hint } of foldByCause(all, roster)) {
      const names = hostsWithin(verbose ? Infinity : LINE / 3, hosts, roster);
      write(warningLine(message(names), hint, theme()), true);
    }
  };
  const flush = (): void => {
    const all = held;
    held = [];
    warn(all.filter((each) => each.type === 'warning'));
    for (const { hosts, message } of foldByCause(all.flatMap(toldOfWaiting), roster))
      write(clean(message(hostsWithin(verbose ? Infinity : LINE / 3, hosts, roster))), true);
  };
  return {
    flush,
    tell(event) {
      const own = heldOf(event);
      if (own) {
        // Those of one turn belong together; none waits for what comes next.
        if (held.length === 0) setImmediate(flush);
        held.push(own);
        return;
      }
      flush();
      // The end of a run that stops for it says what to do.
      if (event.type === 'unreachable') lost.push(withoutHint(event.error));
      // A run that goes on without them says so; one that does not ends with them.
      if (event.type === 'phase' && event.name === 'gather' && event.state === 'start') {
        warn(lost);
        lost = [];
      }
      if (event.type === 'resource' && event.status === 'failed' && !verbose) {
        const { stage, host, ref, message = '' } = event;
        const { key } = causeOf({ host, message: `${stage} ${ref}: ${message}` }, roster);
        if (failed.has(key)) return;
        failed.add(key);
      }
      const line = eventLine(event, theme(), verbose);
      if (line !== undefined) write(line, event.type === 'warning');
    },
  };
}

type Held = Extract<Event, { type: 'warning' | 'awaited' }>;

/** What is so of one host, and may be so of others. */
function heldOf(event: Event): Held | undefined {
  if (event.type === 'warning') return event.host === undefined ? undefined : event;
  return event.type === 'awaited' ? event : undefined;
}

function toldOfWaiting(event: Held): Told[] {
  if (event.type !== 'awaited') return [];
  const { host, why } = event;
  return [{ host, message: why === undefined ? `${host}: is up` : `waiting for ${why}` }];
}

function withoutHint({ host, message, code }: Told): Told {
  return { host, message, ...(code === undefined ? {} : { code }) };
}
