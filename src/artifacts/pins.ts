import { McpkError } from '../core/errors.ts';
import { redact } from '../core/redact.ts';
import type { Cluster } from '../inventory/types.ts';
import { checkSum, type Expected } from './checksums.ts';
import { openLockFile, type LockFile } from './lock-file.ts';

const HINTS = {
  inventory: 'look at what changed before you write the new sha256 into artifacts.sha256',
  lock: 'look at what changed; if it is meant, --update-lock takes the new one, else delete the file and get it again',
  meanwhile:
    'another mcpk wrote that line meanwhile: look at what changed; if this one is meant, --update-lock takes it',
};

/** What becomes of what is not pinned, or pinned otherwise. */
export interface PinsOptions {
  /** What the lock file says is not held to, but replaced. */
  update: boolean;
  /** Nothing is used that has no pin. */
  locked?: boolean;
}

/** Reads the inventory's sums and its lock file. */
export async function openPins(
  { artifacts, files, hidden = [] }: Cluster,
  { update, locked = false }: PinsOptions,
): Promise<Pins> {
  const written = Object.entries(artifacts.sha256).map(([key, sum]) => [key, sum.toLowerCase()] as const);
  // Everybody reads the lock file: of a URL it shows no more than messages do, `https://x/${TOKEN}`.
  const shown: Shown = (key) => (key.includes('://') ? redact(key, hidden) : key);
  return new Pins(new Map(written), await openLockFile(files), { update, locked, shown });
}

type Shown = (key: string) => string;

/**
 * Which sha256 the files of a run must have. Keys are COMPONENT/VERSION/linux-ARCH/FILE, or a manifest's URL. What the
 * inventory does not pin is trusted the first time it is fetched, written into the lock file, and held to afterwards.
 */
export class Pins {
  readonly #inventory: ReadonlyMap<string, string>;
  readonly #lock: LockFile | undefined;
  readonly #locked: ReadonlyMap<string, string>;
  readonly #shown: Shown;
  readonly #used = new Map<string, string>();
  readonly update: boolean;
  readonly #isLocked: boolean;
  #writes: boolean;
  #probed: Promise<void> | undefined;

  constructor(
    inventory: ReadonlyMap<string, string>,
    lock: LockFile | undefined,
    { update, locked = false, shown = (key) => key }: PinsOptions & { shown?: Shown },
  ) {
    this.#inventory = inventory;
    this.#lock = lock;
    this.#locked = new Map([...(lock?.sums ?? [])].map(([key, sum]) => [shown(key), sum]));
    this.#shown = shown;
    this.update = update;
    this.#isLocked = locked;
    // A lock that is there is kept complete; a first one is written when something is fetched.
    this.#writes = update || lock?.sums !== undefined;
  }

  expected(key: string): Expected | undefined {
    const written = this.#inventory.get(key);
    if (written !== undefined) return { sha256: written, by: 'artifacts.sha256', hint: HINTS.inventory };
    const locked = this.update ? undefined : this.#locked.get(this.#shown(key));
    return locked === undefined || this.#lock === undefined
      ? undefined
      : { sha256: locked, by: this.#lock.path, hint: HINTS.lock };
  }

  /** Before `url` is fetched as `key`: what it must be, or that it may be trusted this once. Throws `invalid`. */
  async admit(key: string, url: string): Promise<Expected | undefined> {
    const expected = this.pinned(key);
    if (expected === undefined && url.startsWith('http:')) throw unpinned(key, url);
    if (expected === undefined) await (this.#probed ??= this.#lock?.probe());
    return expected;
  }

  /** As {@link expected}. Throws `invalid` where nothing may be used without. */
  private pinned(key: string): Expected | undefined {
    const expected = this.expected(key);
    if (expected === undefined && this.#isLocked) throw notLocked(this.#shown(key), this.#lock);
    return expected;
  }

  /** Holds what is used to its pin, and remembers it for the lock file. Throws `fetch`, and what {@link admit} throws. */
  hold(key: string, what: string, sha256: string): void {
    const expected = this.pinned(key);
    if (expected !== undefined) checkSum(what, expected, sha256);
    if (!this.#inventory.has(key)) this.#used.set(this.#shown(key), sha256);
  }

  /** As {@link hold}, of what came by the network. */
  fetched(key: string, what: string, sha256: string): void {
    this.hold(key, what, sha256);
    this.#writes ||= !this.#inventory.has(key);
  }

  /**
   * Writes the lock file when it has to say something new; lines that another mcpk wrote meanwhile stay. Throws
   * `invalid`, and `fetch` where such a line is another one than what was used.
   */
  async save(): Promise<void> {
    const learned = [...this.#used].filter(([key, sum]) => this.#locked.get(key) !== sum);
    // An earlier mcpk wrote URLs as they are.
    const isOld = [...this.#locked.keys()].some((key) => !this.#lock?.sums?.has(key));
    if (this.#writes && (learned.length > 0 || isOld))
      await this.#lock?.update((sums) => this.#merged(sums, new Map(learned)));
  }

  #merged(sums: ReadonlyMap<string, string>, learned: ReadonlyMap<string, string>): Map<string, string> {
    const there = new Map([...sums].map(([key, sum]) => [this.#shown(key), sum]));
    for (const [key, sum] of this.update ? [] : learned)
      checkSum(key, { sha256: there.get(key) ?? sum, by: this.#lock?.path ?? '', hint: HINTS.meanwhile }, sum);
    return new Map([...this.#used, ...there, ...learned]);
  }
}

function notLocked(key: string, lock: LockFile | undefined): McpkError {
  const where =
    lock === undefined ? 'there is no lock file' : lock.sums ? `${lock.path} lacks it` : `there is no ${lock.path}`;
  return new McpkError('invalid', `${key} is not locked: ${where} (--locked)`, {
    hint: 'Run mcpk artifacts fetch once without --locked where the file can be written, look at what it wrote, and commit that.',
  });
}

function unpinned(key: string, url: string): McpkError {
  return new McpkError('invalid', `${url} is not fetched: over http:// only what has a sha256 in the inventory is`, {
    details: [key.startsWith('http:') ? `  sha256: SUM` : `  artifacts: { sha256: { ${key}: SUM } }`],
    hint: 'Write the sum that you got from elsewhere into the inventory, or name a mirror with https://.',
  });
}
