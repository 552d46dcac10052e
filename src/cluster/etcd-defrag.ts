import type { StepAround } from '../states/stage.ts';
import { ETCDCTL } from './etcd.ts';
import type { EtcdReport, MemberReport } from './facts.ts';

/** Which members are defragmented, one after the other. */
export interface Defrag {
  /** Their hosts, in order: the leader last. */
  hosts: readonly string[];
  /**
   * Where etcd takes no writes: its history up to this revision is let go of before the first, and writes are allowed
   * again after the last, both by way of this host.
   */
  full?: { on: string; revision: number };
}

const LOCAL = [...ETCDCTL, '--endpoints=https://127.0.0.1:2379'];
/** etcdctl gives up after 5 s unless told otherwise, and the member goes on. */
const PATIENCE = '--command-timeout=9m';

/** $1 = revision, the rest = etcdctl. A history that is as short already is what is wanted. */
const COMPACT = `revision=$1; shift
said=$("$@" compact --physical "$revision" 2>&1) || case $said in
  *'has been compacted'*) ;;
  *) printf '%s\\n' "$said" >&2; exit 1 ;;
esac
`;

/** Share of a member's database that defragmenting gives back, 0 to 1. */
export function freeShare({ databaseBytes = 0, inUseBytes = 0 }: MemberReport): number {
  return databaseBytes === 0 ? 0 : Math.max(0, 1 - inUseBytes / databaseBytes);
}

/**
 * Members of which at least `minFree` of the database is free; where etcd has no space left all of them, whatever they
 * seem to have free, as only compacting tells.
 */
export function planDefrag({ members, alarms, revision }: EtcdReport, minFree: number): Defrag {
  const isFull = alarms.some(({ alarm }) => alarm === 'NOSPACE');
  const hosts = members
    .filter((member) => isFull || freeShare(member) >= minFree)
    .toSorted((a, b) => Number(a.role === 'leader') - Number(b.role === 'leader'))
    .flatMap(({ host }) => host ?? []);
  const [on] = hosts;
  return isFull && on !== undefined ? { hosts, full: { on, revision } } : { hosts };
}

export function defragStep(host: string): StepAround {
  return { title: `defragment etcd's database on ${host}`, on: host, run: [...LOCAL, PATIENCE, 'defrag'] };
}

export function compactStep({ on, revision }: NonNullable<Defrag['full']>): StepAround {
  const run = ['sh', '-c', COMPACT, 'sh', String(revision), ...LOCAL, PATIENCE];
  return { title: `let go of etcd's history before revision ${String(revision)}`, on, run };
}

export function disarmStep({ on }: NonNullable<Defrag['full']>): StepAround {
  return { title: "take etcd's alarm back, so that it takes writes again", on, run: [...LOCAL, 'alarm', 'disarm'] };
}
