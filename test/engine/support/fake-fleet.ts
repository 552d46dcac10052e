import type { Fleet } from '../../../src/engine/hosts/fleet.ts';

/** A fleet of no host that does what it is told to here, and refuses the rest. */
export function fakeFleet(does: Partial<Fleet> = {}): Fleet {
  const refuse = (): Promise<never> => Promise.reject(new Error('not asked for'));
  return {
    sessions: new Map(),
    unreachable: new Map(),
    request: refuse,
    exec: refuse,
    read: refuse,
    upload: refuse,
    download: refuse,
    reach: refuse,
    rejoin: refuse,
    close: () => Promise.resolve(),
    ...does,
  };
}
