import type { Event } from '../engine/types.ts';
import { eventLine } from './event-line.ts';
import { causeOf, foldByCause, hostsWithin, LINE, type Roster, type Told } from './fold.ts';
import { clean, paint, symbol, type Theme } from './theme.ts';

export interface Teller {
  tell(event: Event): void;
  /** Says what was held back to be said of several hosts at once. */
  flush(): void;
}

/** Writes the lines that events are worth beside those of the stages; what is so on many hosts it writes once. */
export function createTeller(
  write: (line: string) => void,
  theme: () => Theme,
  { verbose, roster }: { verbose: boolean; roster?: Roster | undefined },
): Teller {
  let lost: Told[] = [];
  let warnings: Told[] = [];
  const failed = new Set<string>();
  const warn = (all: readonly Told[]): void => {
    for (const { hosts, message } of foldByCause(all, roster)) {
      const names = hostsWithin(verbose ? Infinity : LINE / 3, hosts, roster);
      write(`${paint(theme(), 'yellow', symbol(theme(), 'warning'))} ${clean(message(names))}`);
    }
  };
  const flush = (): void => {
    const held = warnings;
    warnings = [];
    warn(held);
  };
  return {
    flush,
    tell(event) {
      if (event.type === 'warning' && event.host !== undefined) {
        // Those of one turn belong together; none waits for what comes next.
        if (warnings.length === 0) setImmediate(flush);
        warnings.push(event);
        return;
      }
      flush();
      if (event.type === 'unreachable') lost.push(event.error);
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
      if (line !== undefined) write(line);
    },
  };
}
