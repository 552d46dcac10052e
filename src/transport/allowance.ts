import type { RecordHead } from './frames.ts';
import { RECORD_LIMITS } from './record-limits.ts';
import type { RecordLimit } from './record-limits.ts';
import { notAsked, tooMuch } from './remote-errors.ts';

const MIB = 1024 * 1024;

interface Answer {
  kinds: ReadonlySet<string>;
  /** Of all records together: however many there are, they fit into this process's memory. */
  bytes: number;
}

const answer = (bytes: number, ...kinds: readonly string[]): Answer => ({ bytes, kinds: new Set(kinds) });

/** What each request is answered with. session.sh adds `stderr` and `done`. */
const ANSWERS: ReadonlyMap<string, Answer> = new Map([
  ['exec', answer(32 * MIB, 'exec', 'stderr')],
  ['cat', answer(2 * MIB, 'file', 'stderr')],
  [
    'probe',
    answer(
      32 * MIB,
      ...['paths', 'texts', 'certificates', 'listings', 'binaries', 'units', 'stamps', 'executables', 'packages'],
      ...['modules', 'users', 'groups', 'commands', 'facts', 'network', 'filesystems', 'ports', 'clock', 'stderr'],
    ),
  ],
  ['converge', answer(16 * MIB, 'event', 'restored', 'stale', 'fenced', 'stderr')],
  ['prune', answer(MIB, 'stderr')],
  ['upload', answer(MIB, 'part', 'stored', 'failed')],
  ['download', answer(MIB, 'ended')],
]);

/** Of a script that is not in the table, and of a kind that is not in the other one. */
const OTHER_BYTES = 4 * MIB;
const OTHERS: RecordLimit = { bytes: MIB, records: 1000 };

/** What one request may still be answered with. */
export class Allowance {
  readonly #host: string;
  readonly #op: string;
  /** In the words of an error. */
  readonly #what: string;
  readonly #counts = new Map<string, number>();
  #bytes = 0;

  constructor(host: string, op: string, what = op) {
    this.#host = host;
    this.#op = op;
    this.#what = what;
  }

  /** Throws McpkError `unreachable` when the host may not send this. */
  take({ kind, size }: RecordHead): void {
    const all = ANSWERS.get(this.#op);
    if (all?.kinds.has(kind) === false) throw notAsked(this.#host, kind, this.#what);
    const limit = RECORD_LIMITS.get(kind) ?? OTHERS;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    const most = all?.bytes ?? OTHER_BYTES;
    this.#counts.set(kind, count);
    this.#bytes += size;
    const refused = (more: string): Error => tooMuch({ host: this.#host, kind, what: this.#what, more });
    if (size > limit.bytes) throw refused(`${bytesText(limit.bytes)} in one`);
    if (count > limit.records) throw refused(`${String(limit.records)} of them`);
    if (this.#bytes > most) throw refused(`${bytesText(most)} in all`);
  }
}

function bytesText(bytes: number): string {
  return bytes < MIB ? `${String(Math.ceil(bytes / 1024))} KiB` : `${String(bytes / MIB)} MiB`;
}
