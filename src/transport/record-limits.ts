export interface RecordLimit {
  /** Of one record. */
  bytes: number;
  /** Of this kind in the answer to one request. */
  records: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

const SMALL: RecordLimit = { bytes: 64 * KIB, records: 1 };
const LIST: RecordLimit = { bytes: MIB, records: 1 };
const NOTHING: RecordLimit = { bytes: 0, records: 1 };

/**
 * Every kind of record that our scripts send, and how large it may be: some times more than a right answer has, and
 * little enough that reading it never holds the event loop up (test/hostile/worst-answers.test.ts). A kind that is not
 * here is none of ours. A Map, as the kind is the host's word.
 */
export const RECORD_LIMITS: ReadonlyMap<string, RecordLimit> = new Map<string, RecordLimit>([
  // session.sh
  ['ready', NOTHING],
  ['locked', SMALL],
  ['done', NOTHING],
  // The last 64 KiB of it are sent.
  ['stderr', SMALL],
  // One a command. All nodes of 1000, or both files of a journal, have less.
  ['exec', { bytes: 16 * MIB, records: 10_000 }],
  ['file', LIST],
  // upload.sh
  ['part', { bytes: 0, records: 1_000_000 }],
  ['stored', NOTHING],
  ['failed', SMALL],
  // download.sh; `data` is counted as it comes (download.ts).
  ['ended', SMALL],
  // probe.sh: what a host has. `texts` are files of configuration and kernel settings, of each 1 MiB at most.
  ['paths', { bytes: 2 * MIB, records: 1 }],
  ['texts', { bytes: 8 * MIB, records: 2 }],
  ['certificates', { bytes: 4 * MIB, records: 1 }],
  ['listings', LIST],
  ['binaries', LIST],
  ['units', LIST],
  // A line a unit of ours.
  ['stamps', SMALL],
  ['executables', SMALL],
  ['packages', LIST],
  ['modules', LIST],
  ['users', LIST],
  // Also those of a directory server.
  ['groups', { bytes: 2 * MIB, records: 1 }],
  ['commands', LIST],
  // probe.sh: what a host is.
  ['facts', LIST],
  ['network', LIST],
  ['filesystems', SMALL],
  ['ports', LIST],
  ['clock', SMALL],
  // converge: one event a resource; the last 6000 bytes of a failure.
  ['event', { bytes: 64 * KIB, records: 100_000 }],
  ['restored', { bytes: MIB, records: 1000 }],
  ['stale', { bytes: 2 * MIB, records: 1 }],
  ['fenced', SMALL],
]);
