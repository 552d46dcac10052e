import { McpkError } from '../../core/errors.ts';
import type { Host } from '../../inventory/types.ts';
import { connect } from '../../transport/connect.ts';
import { ConnectionPool } from '../../transport/hops.ts';
import { Limit } from '../../transport/limits.ts';
import type { Session, SessionRecord, Target } from '../../transport/types.ts';
import type { Emit } from '../types.ts';
import { loadScripts } from '../wire/scripts.ts';

export interface FleetOptions {
  concurrency: number;
  acceptNewHostKeys: boolean;
  /** `plan` and `verify` take no lock. */
  lock: 'exclusive' | 'none';
  /** Who holds it, for the next one who asks: one line. */
  lockNote: string;
  signal: AbortSignal;
  emit: Emit;
  since: () => number;
}

/** One command for {@link Fleet.exec}. */
export interface Command {
  argv: string[];
  stdin?: string;
  /** Its standard input and output are bytes, a character each (latin1). */
  binary?: boolean;
  /** Waited for as long as for what installs packages. */
  long?: boolean;
}

export interface CommandResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** All hosts of a run, each behind its one session. */
export interface Fleet {
  readonly sessions: ReadonlyMap<string, Session>;
  readonly unreachable: ReadonlyMap<string, McpkError>;
  request(
    host: string,
    op: string,
    body: Buffer,
    onRecord: (record: SessionRecord) => void,
    signal: AbortSignal,
  ): Promise<number>;
  /** Runs commands on a host in one request; answers in their order. */
  exec(host: string, commands: readonly Command[], signal: AbortSignal): Promise<CommandResult[]>;
  /** Bytes of a file that only root may read. */
  read(host: string, path: string, signal: AbortSignal): Promise<Buffer>;
  upload(
    host: string,
    upload: { source: string; path: string; sha256: string; onBytes: (n: number) => void },
    signal: AbortSignal,
  ): Promise<void>;
  /** A connection of its own to the host, without the lock. The caller closes it. */
  reach(host: string, signal: AbortSignal): Promise<Pick<Session, 'exec' | 'close'>>;
  close(): Promise<void>;
}

/** Connects to all hosts side by side. Hosts that fail are listed, not thrown. */
export async function openFleet(hosts: readonly Host[], options: FleetOptions): Promise<Fleet> {
  const sessions = new Map<string, Session>();
  const unreachable = new Map<string, McpkError>();
  const scripts = loadScripts();
  const pool = new ConnectionPool();
  // Reading hundreds of answers at once would keep this process from sending the signs of life that its locks rest on.
  const inLine = { ops: ['probe'], limit: new Limit(options.concurrency) };
  await eachLimited(hosts, options.concurrency, async (host) => {
    const started = performance.now();
    try {
      const session = await connect(targetOf(host, options), {
        signal: options.signal,
        lock: { kind: options.lock, who: options.lockNote },
        code: scripts,
        // dpkg must not be cut short: it goes on under the same lock when the session dies.
        keepsLock: ['converge'],
        pool,
        inLine,
      });
      sessions.set(host.name, session);
      options.emit({ at: options.since(), type: 'connected', host: host.name, ms: performance.now() - started });
    } catch (error) {
      const failure =
        error instanceof McpkError
          ? error
          : new McpkError('unreachable', String(error), { host: host.name, cause: error });
      unreachable.set(host.name, failure);
      options.emit({ at: options.since(), type: 'unreachable', host: host.name, error: failure });
    }
  });
  const reach: Fleet['reach'] = (name, signal) => {
    const host = hosts.find((each) => each.name === name);
    if (!host) throw new McpkError('unexpected', `${name}: no host of this run`);
    return connect(targetOf(host, options), { signal, lock: { kind: 'none', who: '' }, code: {} });
  };
  return { ...fleetOf(sessions, unreachable, options), reach };
}

function fleetOf(
  sessions: Map<string, Session>,
  unreachable: Map<string, McpkError>,
  { emit, since }: Pick<FleetOptions, 'emit' | 'since'>,
): Omit<Fleet, 'reach'> {
  const of = (host: string): Session => {
    const session = sessions.get(host);
    if (!session) throw unreachable.get(host) ?? new McpkError('unreachable', `${host}: no session`, { host });
    return session;
  };
  const told = async <T>(host: string, what: string, answer: Promise<T>): Promise<T> => {
    const started = performance.now();
    const value = await answer;
    emit({ at: since(), type: 'round-trip', host, what, ms: performance.now() - started });
    return value;
  };
  return {
    sessions,
    unreachable,
    async request(host, op, body, onRecord, signal) {
      return (await told(host, op, of(host).request(op, body, onRecord, signal))).exitCode;
    },
    exec: (host, commands, signal) => told(host, 'commands', of(host).exec(commands, signal)),
    read: (host, path, signal) => told(host, 'read', of(host).read(path, signal)),
    upload: (host, file, signal) => of(host).upload(file.source, file.path, file.sha256, file.onBytes, signal),
    async close() {
      await Promise.all([...sessions.values()].map((session) => session.close()));
    },
  };
}

function targetOf(host: Host, options: FleetOptions): Target {
  return {
    name: host.name,
    address: host.address,
    source: host.source,
    ...host.ssh,
    acceptNewHostKeys: options.acceptNewHostKeys,
  };
}

/** Runs `work` for each item, at most `limit` at once. */
export async function eachLimited<T>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
}
