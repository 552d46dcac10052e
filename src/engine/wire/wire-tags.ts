/**
 * What a request to a host is written in: lines of a letter, a blank and the rest. No letter has two meanings, so that
 * both scripts speak one language; a test compares this table with the scripts.
 */

/** An argument, its further lines, and the end of a command or operation. */
const BOTH = { argument: 'a', goesOn: '+', end: '.' } as const;

/** What probe.sh reads. */
export const PROBE_TAGS = {
  ...BOTH,
  /** The separator of lists. */
  separator: '=',
  paths: 'p',
  /** `SHA256  PATH`: the text is wanted where the hash is another one. */
  differing: 'd',
  texts: 't',
  certificates: 'C',
  listings: 'l',
  binaries: 'b',
  units: 'u',
  /** `UNIT PATH…` */
  executables: 'X',
  packages: 'k',
  sysctls: 's',
  /** `NAME:EVIDENCE` */
  modules: 'm',
  users: 'g',
  /** The id of a command, whose arguments follow. */
  command: 'c',
  /** Files that tell about the host, and the folder of etcd's log: facts are asked for. */
  facts: 'F',
  etcdLog: 'E',
  /** Folders whose filesystems are asked for, with the facts. */
  disks: 'D',
  /** Services whose running versions are asked for, with the facts. */
  services: 'V',
} as const;

/** What converge reads (scripts/converge/main.sh). */
export const CONVERGE_TAGS = {
  ...BOTH,
  /** Who runs mcpk, for the journal, and further lines for it. */
  caller: 'R',
  note: 'j',
  /** Paths, and what the plan saw there, a line each. */
  before: 'P',
  expected: 'x',
  /** The request has said what must hold: now it is looked at, before the first change. */
  begin: '!',
  /** `NUMBER REF`: what follows prepares that step, or is that step, until `stepEnd`. */
  prepare: 'w',
  step: 'S',
  stepEnd: 'e',
  /** Steps that have ended so far are synced to the disk, then told to be done. */
  settle: 'f',
  /** The name of an operation, whose arguments follow. */
  operation: 'o',
  stageEnd: 'Z',
  /** In place of a stage: only the notes are written; with `close` also that the run is over on this host. */
  notesOnly: 'n',
  close: 'Q',
} as const;

export type Tag = (typeof PROBE_TAGS)[keyof typeof PROBE_TAGS] | (typeof CONVERGE_TAGS)[keyof typeof CONVERGE_TAGS];

/** The operations of converge. */
export const OPERATIONS = [
  'cut',
  'chown',
  'chmod',
  'sync',
  'save',
  'check',
  'rename',
  'access',
  'mkdir',
  'link',
  'remove',
  'destroy',
  'rmdir',
  'install',
  'sysctl',
  'modprobe',
  'user',
  'run',
  'daemon-reload',
  'unit',
  'stamp',
  'units',
  'restore',
  'arm',
] as const;

export type Operation = (typeof OPERATIONS)[number];
