import type { RemoteAnswer, RemoteCommand } from './commands.ts';
import type { ConnectionPool } from './hops.ts';
import type { GivenKeys } from './known-hosts.ts';
import type { Limit } from '../core/limit.ts';
import type { Patience } from './patience.ts';

/** A host as the transport sees it; src/inventory gives these settings. */
export interface Target {
  name: string;
  address: string;
  user: string;
  port: number;
  identityFiles: readonly string[];
  agent: boolean;
  knownHostsFiles: readonly string[];
  /** Without a user: the one of its ssh_config, else that of the host. */
  jump: readonly { user?: string; address: string; port: number }[];
  become: 'auto' | 'sudo' | 'none';
  becomePassword?: { reveal(): string };
  connectTimeout: number; // seconds
  configFile?: string;
  /** `inventories/lab.yaml:14`, where the host is described. */
  source?: string;
  /** trust on first use: record unknown keys, still refuse changed ones. */
  acceptNewHostKeys: boolean;
  /** Of a host that is named there no other key is taken; it is recorded in the place of others. */
  givenKeys?: GivenKeys;
}

/** Counted per host, asserted in tests: a no-op is at most two round trips after the handshake. */
export interface Traffic {
  roundTrips: number;
  bytesSent: number;
  bytesReceived: number;
  connections: number;
}

/**
 * The one long-lived remote session of a host, as root. One request at a time; a heartbeat runs beside it.
 * After 8 to 12 s without one, the host ends the work's process group (2 s) and lets go of the lock.
 */
export interface Session {
  readonly host: string;
  readonly traffic: Traffic;
  /**
   * Send one request: `op` selects code that the session already holds, `body` is its data.
   * Requests made at the same time, or while another runs, travel together: one round trip for all of them.
   * Records arrive through `onRecord` as the host writes them; resolves when the request is done.
   * Rejects with McpkError `unreachable` when the connection dies, and ends it when the host gives no sign of
   * progress, takes too long (docs/reliability.md), or sends what it was not asked for.
   */
  request(
    op: string,
    body: Buffer,
    onRecord: (record: SessionRecord) => void,
    signal?: AbortSignal,
  ): Promise<{ exitCode: number }>;
  /** Bulk bytes over a second channel: lands as `path` (mode 0755, root) only when the sha256 agrees. */
  upload(
    source: Source,
    path: string,
    sha256: string,
    onBytes: (n: number) => void,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Bulk bytes the other way: what a command prints, piece by piece; see src/transport/download.ts for what it throws. */
  download(request: DownloadRequest, signal?: AbortSignal): Promise<Downloaded>;
  /** Runs commands (argv byte for byte), in one request; answers in their order. */
  exec(commands: readonly RemoteCommand[], signal?: AbortSignal): Promise<RemoteAnswer[]>;
  /** Bytes of a file that only root may read (an authority's key). */
  read(path: string, signal?: AbortSignal): Promise<Buffer>;
  /**
   * What the host said to the last try at the lock, the first one being made with the start: undefined when it is
   * ours (or none was wanted), else who has it. Requests fail with McpkError `locked` until a later try succeeds.
   */
  lockHolder(): Promise<LockHolder | undefined>;
  /** Tries once more. */
  takeLock(): Promise<LockHolder | undefined>;
  /** Gives the lock back, or waits for it no more. The session stays. */
  giveLock(): void;
  close(): Promise<void>;
}

export interface DownloadRequest {
  argv: readonly string[];
  /** Bytes that it may print; a host that sends more is given up. */
  most: number;
  /**
   * The next piece, of 4 MiB at most, which is not kept: its bytes are others' afterwards. While it is not done nothing
   * more is taken; what it throws ends the download.
   */
  onData(piece: Buffer): Promise<void> | void;
}

export interface Downloaded {
  /** Of the command; what it printed may be less than wanted when it is not 0. */
  exitCode: number;
  /** The end of what it said on standard error. */
  stderr: string;
  bytes: number;
}

/** A file on this machine, or a part of one: what lies in an archive is sent from there. */
export type Source = string | { file: string; from: number; size: number };

export interface LockHolder {
  /** As its run announced itself; '' when it said nothing. */
  who: string;
  forMs: number;
  /** What it was last seen to work on. */
  stage?: string;
}

/** What src/transport/connect.ts `connect(target, options)` takes. */
export interface ConnectOptions {
  signal: AbortSignal;
  /** `who`: one line for the next run that finds the lock taken. */
  lock: { kind: 'exclusive' | 'none'; who: string };
  /** Scripts that requests name by `op`; sent with the first request that needs them. */
  code: Readonly<Record<string, string>>;
  /** Names of `code` that inherit the lock as fd 9, to hand it to a transient unit; all others get it closed. */
  keepsLock?: readonly string[];
  /** Shared by the connections of a run: logins at once per sshd, connections to jump hosts. */
  pool?: ConnectionPool;
  /** Shared by the connections of a run: a round with one of these `ops` waits until the limit lets it. */
  inLine?: { ops: readonly string[]; limit: Limit };
  /** Ours: see src/transport/patience.ts. */
  patience?: Patience;
  /** The host's patience: it ends the session after so many ticks without a frame. By default 2 × 4 s. */
  silence?: { tickSeconds: number; ticks: number };
}

/** `KIND ARGS… SIZE\n` followed by SIZE bytes. */
export interface SessionRecord {
  kind: string;
  args: string[];
  body: Buffer;
}
