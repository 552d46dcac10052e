import { McpkError } from '../core/errors.ts';
import { becomeOf, remoteScript } from './bootstrap.ts';
import { AGAIN } from './dial-errors.ts';
import { ConnectionPool } from './hops.ts';
import type { Lease } from './hops.ts';
import { Pace } from './pace.ts';
import { download } from './download.ts';
import { PATIENCE } from './patience.ts';
import { RemoteScript } from './remote-script.ts';
import { forHost, routeOf } from './route.ts';
import type { Hop } from './route.ts';
import { HostSession } from './session.ts';
import type { ConnectOptions, Session, Target } from './types.ts';
import { upload } from './upload.ts';
import { UploadSlots } from './upload-slots.ts';

/**
 * A tick of the host's watchdog, and how many may pass in silence: 8 to 12 s, and 2 more to end stubborn work. Each
 * tick is a process on the host.
 */
const SILENCE = { tickSeconds: 4, ticks: 2 };

/**
 * Opens the one session of a host, over its jump hosts, as root. Resolves as soon as the channel is open: what the
 * start of the session says (the lock is taken, sudo refuses) comes with the first request, which saves a round trip.
 * Throws McpkError `unreachable` or `hostKey`, `interrupted` when the signal aborts, `invalid` for a bad ssh_config.
 */
export async function connect(target: Target, options: ConnectOptions): Promise<Session> {
  const route = routeOf(target);
  const hop = route.at(-1) as Hop;
  const pool = options.pool ?? new ConnectionPool();
  try {
    const lease = await pool.open(route, options.signal);
    return await start(target, { hop, lease, options }).catch((error: unknown) => {
      lease.release();
      throw error;
    });
  } catch (error) {
    if (error instanceof McpkError) throw forHost(error, target.name);
    if (options.signal.aborted)
      throw new McpkError('interrupted', `${target.name}: interrupted`, { host: target.name, cause: error });
    throw new McpkError('unreachable', `${target.name}: ${(error as Error).message}`, {
      host: target.name,
      again: AGAIN.refused,
      cause: error,
    });
  }
}

async function start(
  target: Target,
  { hop, lease, options }: { hop: Hop; lease: Lease; options: ConnectOptions },
): Promise<HostSession> {
  const become = becomeOf(target, hop.user);
  const identity = {
    host: target.name,
    user: hop.user,
    become,
    startLimit: hop.connectTimeout,
    ...(become === 'password' ? { password: target.becomePassword?.reveal() ?? '' } : {}),
  };
  const slots = new UploadSlots();
  const patience = options.patience ?? PATIENCE;
  const alive = (): number => session.progress ?? 0;
  const bulk = { connection: lease, ...identity, patience, alive };
  const pace = new Pace();
  const session = new HostSession({
    host: target.name,
    code: options.code,
    keepsLock: options.keepsLock ?? [],
    upload: ([source, path, sha256, onBytes, signal = options.signal]) =>
      slots.run(() => upload({ ...bulk, pace, source, path, sha256, onBytes, signal }), { host: target.name, signal }),
    download: ([request, signal = options.signal]) =>
      slots.run(() => download({ ...bulk, ...request, signal }), { host: target.name, signal }),
    release: () => lease.release(),
    patience,
    ...(options.inLine ? { inLine: options.inLine } : {}),
  });
  const { tickSeconds, ticks } = options.silence ?? SILENCE;
  const remote = await RemoteScript.open(lease, {
    ...identity,
    script: remoteScript('session'),
    args: [options.lock.kind, tickSeconds, ticks],
    onRecord: session.onRecord,
    admit: session.admit,
    onEnd: session.onEnd,
    signal: options.signal,
  });
  remote.write(`${options.lock.who.replace(/[^\x20-\x7e]+/g, ' ')}\n`);
  return session.attach(remote);
}
