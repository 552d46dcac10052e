import type {
  Change,
  Comparison,
  Observed,
  Op,
  PathState,
  Ref,
  Resource,
  SharedState,
  UnitState,
} from '../../src/resources/types.ts';

/** One fixture: what is wanted, what was seen, and what shall come of it. */
export interface Case {
  /** States the behaviour. */
  name: string;
  wanted: Resource;
  seen?: Partial<Observed>;
  owned?: Record<string, string>;
  shared?: Record<string, SharedState>;
  /** Resources that were compared before, with how they differ. */
  before?: { resource: Resource; comparison: Comparison }[];
  /** A part of the comparison; `unchanged` alone when nothing differs. */
  gives: 'unchanged' | Partial<Comparison>;
  /** Keys that the change must not have. */
  without?: (keyof Change)[];
  /** What converges it. */
  ops?: Op[];
}

export function emptyObserved(): Observed {
  return {
    paths: {},
    texts: {},
    listings: {},
    binaries: {},
    units: {},
    packages: {},
    sysctls: {},
    modules: {},
    users: {},
    commands: {},
  };
}

export function fileState(more: Partial<PathState> = {}): PathState {
  return { type: 'file', mode: '0644', owner: 'root', group: 'root', size: 1, ctime: 1000, ...more };
}

export function unitState(more: Partial<UnitState> = {}): UnitState {
  return {
    loadState: 'loaded',
    activeState: 'active',
    subState: 'running',
    unitFileState: 'enabled',
    needDaemonReload: false,
    invocationId: 'inv',
    startedAt: 2000,
    restarts: 0,
    fragmentPath: '/etc/systemd/system/x.service',
    dropIns: [],
    ...more,
  };
}

export function known(resource: Resource, hash: string): { resource: Resource; comparison: Comparison } {
  return { resource, comparison: { result: 'unchanged', reason: '', hash } };
}

export function changing(
  resource: Resource,
  hash: string,
  more: Partial<Change> = {},
): { resource: Resource; comparison: Comparison } {
  return {
    resource,
    comparison: { result: 'change', verb: 'update', reasons: ['content differs'], hash, rests: '', ...more },
  };
}

export type { Ref };
