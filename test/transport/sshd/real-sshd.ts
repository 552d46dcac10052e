import { afterAll, afterEach } from 'vitest';
import { McpkError } from '../../../src/core/errors.ts';
import { connect } from '../../../src/transport/connect.ts';
import { ConnectionPool } from '../../../src/transport/hops.ts';
import type { Lease } from '../../../src/transport/hops.ts';
import type { ConnectOptions, Session, Target } from '../../../src/transport/types.ts';
import { cannotRunSshd, Sshd } from '../sshd.ts';

export const impossible = cannotRunSshd();

/** Remembers the connections that it opened, so that a test can cut them. */
export class WatchedPool extends ConnectionPool {
  readonly leases: Lease[] = [];
  override async open(...args: Parameters<ConnectionPool['open']>): Promise<Lease> {
    const lease = await super.open(...args);
    this.leases.push(lease);
    return lease;
  }
}

export async function failure(work: Promise<unknown>): Promise<McpkError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof McpkError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

export interface RealSshd {
  sshd: Sshd;
  /** It is closed after the test. */
  session: (target?: Partial<Target>, more?: Partial<ConnectOptions>) => Promise<Session>;
  exclusive: (who?: string) => Partial<ConnectOptions>;
  /** Some process of the host has this in its command line. */
  runs: (pattern: string) => boolean;
  /** Folders of sessions that are there. */
  inRun: () => string[];
}

/** One for a file of tests; it stops behind them. Where a machine can't run it ({@link impossible}), don't call what it gives. */
export async function realSshd(): Promise<RealSshd> {
  const sshd = impossible === undefined ? await Sshd.start() : (undefined as never);
  const open: Session[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((session) => session.close()));
  });
  afterAll(() => (sshd as Sshd | undefined)?.stop());
  return {
    sshd,
    async session(target = {}, more = {}) {
      const made = await connect(sshd.target(target), {
        signal: new AbortController().signal,
        lock: { kind: 'none', who: 'test' },
        code: {},
        ...more,
      });
      open.push(made);
      return made;
    },
    exclusive: (who = 'ana@laptop pid 7, apply') => ({ lock: { kind: 'exclusive', who } }),
    runs(pattern) {
      try {
        return sshd.inside('pgrep', '-f', pattern) !== '';
      } catch {
        return false;
      }
    },
    inRun: () =>
      sshd
        .inside('ls', '/run/mcpk')
        .split('\n')
        .filter((name) => name.startsWith('session.')),
  };
}
