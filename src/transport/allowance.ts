import type { RecordHead } from './frames.ts';
import { OTHERS, RECORD_LIMITS } from './record-limits.ts';
import type { Kinds, RecordLimit } from './record-limits.ts';
import { notAsked, tooMuch } from './remote-errors.ts';

/** What one request may still be answered with. */
export class Allowance {
  readonly #host: string;
  /** In the words of an error. */
  readonly #what: string;
  readonly #limits: Kinds | undefined;
  readonly #taken = new Map<string, RecordLimit>();

  constructor(host: string, op: string, limits: Kinds | undefined = RECORD_LIMITS.get(op)) {
    this.#host = host;
    this.#what = op;
    this.#limits = limits;
  }

  /** Throws McpkError `unreachable` when the host may not send this. */
  take({ kind, size }: RecordHead): void {
    const limit = this.#limits ? this.#limits.get(kind) : OTHERS;
    if (!limit) throw notAsked(this.#host, kind, this.#what);
    const { bytes, records } = this.#taken.get(kind) ?? { bytes: 0, records: 0 };
    const sum = { bytes: bytes + size, records: records + 1 };
    if (sum.bytes > limit.bytes || sum.records > limit.records)
      throw tooMuch({ host: this.#host, what: `${this.#what} (${kind})`, limit });
    this.#taken.set(kind, sum);
  }
}
