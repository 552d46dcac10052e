const FIRST_BYTES = 256 * 1024;
const LEAST_BYTES = 64 * 1024;
/** A packed part lies in memory, of up to 32 hosts at once. */
const MOST_BYTES = { plain: 16 * 1024 * 1024, gzip: 4 * 1024 * 1024 };
/** A part that takes less could be larger, one that takes more must be smaller. */
const SHORT_MS = 400;
const LONG_MS = 1200;
/** Bytes a second: on a faster link compressing is not worth its processor time, on both sides. */
const FAST = 8_000_000;
/** So many parts after a choice the other way is tried again: what was slow may have been busy. */
const CHOICE_HOLDS = 16;

export type Packing = keyof typeof MOST_BYTES;

/**
 * How bulk data go over one connection: in parts so small that what the session says in between, its signs of life
 * first of all, never waits long behind them; and compressed where the link is slow and it helps. Measured from the
 * host's answers, as the system and the host's sshd take megabytes that have not arrived.
 */
export class Pace {
  readonly #bytes: Record<Packing, number> = { plain: FIRST_BYTES, gzip: FIRST_BYTES };
  /** Bytes of the file a second, as measured last. */
  readonly #rates: Partial<Record<Packing, number>> = {};
  #parts = 0;

  /** How the next part is to go, and its size before it is packed. */
  next(): { how: Packing; bytes: number } {
    const how = this.#choose();
    return { how, bytes: this.#bytes[how] };
  }

  /** A part of so many bytes, before they were packed, was answered after so long. */
  took(how: Packing, bytes: number, ms: number): void {
    this.#parts += 1;
    const rate = (bytes / ms) * 1000;
    const known = this.#rates[how];
    if (ms >= SHORT_MS || bytes >= MOST_BYTES[how]) this.#rates[how] = rate;
    // A short one tells of the way there and back more than of the link, which is as fast as that at least.
    else if (known !== undefined) this.#rates[how] = Math.max(known, rate);
    if (ms > LONG_MS) this.#bytes[how] = Math.max(Math.round((bytes * LONG_MS) / ms / 2), LEAST_BYTES);
    if (ms < SHORT_MS) this.#bytes[how] = Math.min(Math.max(bytes * 2, this.#bytes[how]), MOST_BYTES[how]);
  }

  #choose(): Packing {
    const { plain, gzip } = this.#rates;
    if (plain === undefined || plain >= FAST) return 'plain';
    if (gzip === undefined) return 'gzip';
    const again = this.#parts % CHOICE_HOLDS === 0;
    return gzip > plain === again ? 'plain' : 'gzip';
  }
}
