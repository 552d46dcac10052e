const KIB = 1024;
const MIB = 1024 * KIB;

/** The most that one request may be answered with, of one kind of record. */
export interface RecordLimit {
  /** Of all of them together. */
  bytes: number;
  records: number;
}

/** Kind of record → the most of it; what is not here is refused. */
export type Kinds = ReadonlyMap<string, RecordLimit>;

const once = (bytes: number): RecordLimit => ({ bytes, records: 1 });
const kinds = (limits: Readonly<Record<string, RecordLimit>>): Kinds => new Map(Object.entries(limits));
const each = (names: readonly string[], limit: RecordLimit): Record<string, RecordLimit> =>
  Object.fromEntries(names.map((name) => [name, limit]));

/** What session.sh adds to each answer: the end of what the script said on standard error. */
const STDERR = { stderr: once(64 * KIB) };

/** By request. */
export const RECORD_LIMITS: ReadonlyMap<string, Kinds> = new Map([
  ['exec', kinds({ ...STDERR, exec: { bytes: 16 * MIB, records: 4096 } })],
  ['cat', kinds({ ...STDERR, file: once(16 * MIB) })],
  ['prune', kinds(STDERR)],
  [
    'probe',
    kinds({
      ...STDERR,
      texts: once(16 * MIB),
      ...each(['paths', 'certificates', 'listings', 'units', 'packages', 'users', 'groups'], once(4 * MIB)),
      ...each(['binaries', 'stamps', 'executables', 'modules', 'commands', 'facts'], once(MIB)),
      ...each(['addresses', 'filesystems', 'ports'], once(MIB)),
      clock: once(KIB),
    }),
  ],
  [
    'converge',
    kinds({
      ...STDERR,
      event: { bytes: 4 * MIB, records: 10_000 },
      stale: once(4 * MIB),
      restored: { bytes: 4 * MIB, records: 100 },
      fenced: once(KIB),
    }),
  ],
]);

/** Of each kind, of scripts that are not in the table. */
export const OTHERS: RecordLimit = { bytes: 4 * MIB, records: 1000 };

/** What upload.sh says at the end. */
export const UPLOAD_LIMITS = kinds({ stored: once(0), failed: once(64 * KIB) });
