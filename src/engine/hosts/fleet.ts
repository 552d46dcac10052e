import { McpkError } from '../../core/errors.ts';
import { pause } from '../../core/pause.ts';
import { contactable, type Host } from '../../inventory/types.ts';
import { connect } from '../../transport/connect.ts';
import { ConnectionPool } from '../../transport/hops.ts';
import type { HostKeysFrom } from '../../transport/host-keys-from.ts';
import { Limit } from '../../core/limit.ts';
import { lockedError } from '../../transport/lock.ts';
import type { Downloaded, DownloadRequest, Session, SessionRecord, Source, Target } from '../../transport/types.ts';
import type { EngineInput } from '../input.ts';
import type { Emit, Event } from '../types.ts';
import { loadScripts } from '../wire/scripts.ts';
import { waitForHosts } from './wait-for-hosts.ts';

export interface FleetOptions {
  concurrency: number;
  acceptNewHostKeys: boolean;
  hostKeys?: HostKeysFrom | undefined;
  /** `plan` and `verify` take no lock. */
  lock: 'exclusive' | 'none';
  /** Who holds it, for the next one who asks: one line. */
  lockNote: string;
  signal: AbortSignal;
  emit: Emit;
  since: () => number;
  /** Hosts that were waited for in vain, and why: they are not asked again. */
  givenUp?: ReadonlyMap<string, McpkError>;
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
    upload: { source: Source; path: string; sha256: string; onBytes: (n: number) => void },
    signal: AbortSignal,
  ): Promise<void>;
  /** What a command prints, streamed; as {@link Session.download}. */
  download(host: string, request: DownloadRequest, signal: AbortSignal): Promise<Downloaded>;
  /** A connection of its own to the host, without the lock. The caller closes it. */
  reach(host: string, signal: AbortSignal): Promise<Pick<Session, 'exec' | 'close'>>;
  /**
   * A session anew, under the run's lock, in place of one that is over.
   *
   * @throws McpkError `unreachable`, `hostKey`, `locked`
   */
  rejoin(host: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Connects to all hosts side by side. Hosts that fail are listed, not thrown. */
export async function openFleet(hosts: readonly Host[], options: FleetOptions): Promise<Fleet> {
  const sessions = new Map<string, Session>();
  const unreachable = new Map(options.givenUp);
  const scripts = loadScripts();
  const pool = new ConnectionPool();
  // Reading hundreds of answers at once would keep this process from sending the signs of life that its locks rest on.
  const inLine = { ops: ['probe'], limit: new Limit(options.concurrency) };
  const join = (host: Host): Promise<Session> =>
    connect(targetOf(host, options), {
      signal: options.signal,
      lock: { kind: options.lock, who: options.lockNote },
      code: scripts,
      // dpkg must not be cut short: it goes on under the same lock when the session dies.
      keepsLock: ['converge'],
      pool,
      inLine,
    });
  const lost = (host: string, error: McpkError): void => {
    unreachable.set(host, error);
    options.emit({ at: options.since(), type: 'unreachable', host, error });
  };
  for (const [host, error] of unreachable) lost(host, error);
  const asked = hosts.filter(({ name }) => !unreachable.has(name));
  await eachLimited(asked, options.concurrency, async (host) => {
    const started = performance.now();
    try {
      sessions.set(host.name, await join(host));
      options.emit({ at: options.since(), type: 'connected', host: host.name, ms: performance.now() - started });
    } catch (error) {
      const failure =
        error instanceof McpkError
          ? error
          : new McpkError('unreachable', String(error), { host: host.name, cause: error });
      lost(host.name, failure);
    }
  });
  for (const found of [sessions, unreachable]) inOrder(found, hosts);
  const named = (name: string): Host => {
    const host = hosts.find((each) => each.name === name);
    if (!host) throw new McpkError('unexpected', `${name}: no host of this run`);
    return host;
  };
  return {
    ...fleetOf(sessions, unreachable, options),
    reach: (name, signal) =>
      connect(targetOf(named(name), options), { signal, lock: { kind: 'none', who: '' }, code: {} }),
    async rejoin(name, signal) {
      const session = await join(named(name));
      await takeLock(session, signal).catch(async (error: unknown) => {
        await session.close();
        throw error;
      });
      await sessions.get(name)?.close();
      sessions.set(name, session);
    },
  };
}

/** As the inventory has them, whoever answered first. */
function inOrder(found: Map<string, unknown>, hosts: readonly Host[]): void {
  for (const { name } of hosts) {
    if (!found.has(name)) continue;
    const each = found.get(name);
    found.delete(name);
    found.set(name, each);
  }
}

interface Connecting {
  hosts: readonly Host[];
  lock: 'exclusive' | 'none';
  /** What views show of a run that goes through stages. */
  stages?: Extract<Event, { type: 'run-start' }>['stages'];
}

/** With `--wait-for-hosts`: those that are not up when its time is over. */
async function awaited(
  hosts: readonly Host[],
  input: EngineInput,
  since: () => number,
): Promise<ReadonlyMap<string, McpkError>> {
  const { waitForHosts: limit = 0, concurrency, hostKeys, signal, emit } = input;
  const mayMiss = input.skipUnreachable !== undefined;
  if (limit === 0) return new Map();
  const pool = new ConnectionPool();
  const reach = (host: Host, until: AbortSignal): Promise<Session> =>
    connect(targetOf(host, input), { signal: until, lock: { kind: 'none', who: '' }, code: {}, pool });
  emit({ at: since(), type: 'phase', name: 'wait', state: 'start' });
  const left = await waitForHosts(hosts, { limit, concurrency, reach, hostKeys, mayMiss, signal, emit, since });
  emit({ at: since(), type: 'phase', name: 'wait', state: 'end' });
  return left;
}

/** Says that a run begins, waits for hosts where it is told to, and connects. The caller looks who is unreachable, and closes the fleet. */
export async function connectHosts(
  input: EngineInput,
  { hosts, lock, stages = [] }: Connecting,
): Promise<{ fleet: Fleet; since: () => number }> {
  const started = performance.now();
  const since = (): number => performance.now() - started;
  const { emit, command, cluster } = input;
  emit({ at: 0, type: 'run-start', command, cluster: cluster.name, hosts: hosts.map(({ name }) => name), stages });
  const givenUp = await awaited(hosts, input, since);
  emit({ at: since(), type: 'phase', name: 'connect', state: 'start' });
  const fleet = await openFleet(hosts, { ...input, lock, since, givenUp });
  emit({ at: since(), type: 'phase', name: 'connect', state: 'end' });
  return { fleet, since };
}

/** The hosts that a user asks for. */
export function askedFor({ cluster, selection: { limit } }: EngineInput): Host[] {
  return contactable(cluster).filter((host) => limit?.has(host.name) ?? true);
}

function fleetOf(
  sessions: Map<string, Session>,
  unreachable: Map<string, McpkError>,
  { emit, since }: Pick<FleetOptions, 'emit' | 'since'>,
): Omit<Fleet, 'reach' | 'rejoin'> {
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
    download: (host, request, signal) => of(host).download(request, signal),
    async close() {
      await Promise.all([...sessions.values()].map((session) => session.close()));
    },
  };
}

/** Another run that looked for the lock meanwhile gives it back at once, as it does not get those of the other hosts. */
async function takeLock(session: Session, signal: AbortSignal): Promise<void> {
  let holder = await session.lockHolder();
  for (let tries = LOCK_TRIES; holder && tries > 0; tries -= 1) {
    await pause(LOCK_POLL_MS, signal);
    holder = await session.takeLock();
  }
  if (holder) throw lockedError(new Map([[session.host, holder]]));
}

const LOCK_TRIES = 40;
const LOCK_POLL_MS = 500;

function targetOf(host: Host, options: Pick<FleetOptions, 'acceptNewHostKeys' | 'hostKeys'>): Target {
  return {
    name: host.name,
    address: host.address,
    source: host.source,
    ...host.ssh,
    acceptNewHostKeys: options.acceptNewHostKeys,
    ...(options.hostKeys ? { givenKeys: options.hostKeys.given } : {}),
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
