import { failure, McpkError } from '../../core/errors.ts';
import { hostsOfOthers } from '../../cluster/belonging.ts';
import type { Facts } from '../../cluster/facts.ts';
import type { Answer, Ask } from '../../cluster/gate.ts';
import { contactable, type Cluster, type Host } from '../../inventory/types.ts';
import { askedFor, connectHosts, type Fleet } from '../hosts/fleet.ts';
import { underLock, type LockOptions } from '../hosts/lock.ts';
import { readerOf, type Reader } from '../hosts/reader.ts';
import type { EngineInput } from '../input.ts';
import { gather } from './gather.ts';

export interface Opened {
  fleet: Fleet;
  reader: Reader;
  facts: Facts;
  since: () => number;
  /** Under the lock of every host. */
  exclusive: boolean;
}

/**
 * Connects, takes the lock when told so, reads the facts. The caller closes the fleet.
 *
 * @param asks answered in the same round trip, of hosts that are reached
 * @throws McpkError `refused` where the lock was taken, and a host is another cluster's
 */
export async function open(
  input: EngineInput,
  lock: 'exclusive' | 'none',
  asks: readonly Ask[] = [],
): Promise<Opened & { answers: readonly Answer[] }> {
  const { emit, cluster } = input;
  const stages = input.stages.map((stage) => ({
    name: stage.name,
    title: stage.title,
    hosts: stage.hosts(cluster).map((host) => host.name),
  }));
  const { fleet, since } = await connectHosts(input, { hosts: contacted(input), lock, stages });
  try {
    checkReachable(input, fleet);
    const reader = readerOf(fleet, input.signal);
    const reached = asks.filter(({ host }) => reader.reaches(host));
    const [facts, answers] = await underLock({ ...lockOptions(input, fleet), since }, () => {
      emit({ at: since(), type: 'phase', name: 'gather', state: 'start' });
      return Promise.all([gather(fleet, cluster, input.signal), reader.ask(reached)]);
    });
    emit({ at: since(), type: 'phase', name: 'gather', state: 'end' });
    if (lock === 'exclusive') checkBelonging(cluster, facts);
    return { fleet, reader, facts, since, exclusive: lock === 'exclusive', answers };
  } catch (error) {
    await fleet.close();
    throw error;
  }
}

/** Whatever a run would change there, it was meant for other hosts. Throws `refused`. */
export function checkBelonging(cluster: Cluster, facts: Pick<Facts, 'hosts'>): void {
  const [first, ...rest] = hostsOfOthers(cluster, facts).map(
    ({ message, ...more }) => new McpkError('refused', message, more),
  );
  if (first) throw failure([first, ...rest]);
}

export interface Told<T> {
  told: T;
  /** Of hosts that are not reached, where that is more than `--skip-unreachable` allows. */
  errors: McpkError[];
}

/**
 * Connects to the hosts that are asked for and to no other, and has `ask` ask those that are reached; `all`: nobody is
 * missing.
 *
 * @throws what keeps us from them, where none is reached
 */
export async function askHosts<T>(
  input: EngineInput,
  ask: (fleet: Fleet, at: { all: boolean; since: () => number }) => Promise<T>,
): Promise<Told<T>> {
  const { fleet, since } = await connectHosts(input, { hosts: askedFor(input), lock: 'none' });
  try {
    const errors = missing(input, fleet);
    const [first, ...rest] = errors;
    if (first && fleet.sessions.size === 0) throw failure([first, ...rest]);
    // Who may be away is told here, who may not be when the others have told theirs.
    if (!first) input.emit({ at: since(), type: 'phase', name: 'gather', state: 'start' });
    // Of a lock that nobody wants each session says so: until then a host is none of ours.
    const told = await underLock({ ...lockOptions(input, fleet), since }, () => ask(fleet, { all: !first, since }));
    return { told, errors };
  } finally {
    await fleet.close();
  }
}

/** Every run that takes the lock contacts the masters: the first one decides between runs. */
function lockOptions(
  { cluster, waitLock, signal, emit }: EngineInput,
  { sessions }: Fleet,
): Omit<LockOptions, 'since'> {
  const names = contactable(cluster).flatMap(({ name }) => (sessions.has(name) ? [name] : []));
  const masters = cluster.hosts.filter((host) => host.roles.includes('master')).map((host) => host.name);
  const arbiter = masters.find((name) => sessions.has(name)) ?? names[0] ?? '';
  const inOrder = new Map(names.flatMap((name) => [...sessions].filter(([host]) => host === name)));
  return { sessions: inOrder, arbiter, waitMs: waitLock ?? 0, signal, emit };
}

/** Masters are always gathered, whatever the limit: rollouts and shared secrets rest on them. */
function contacted(input: EngineInput): Host[] {
  const asked = new Set(askedFor(input));
  return contactable(input.cluster).filter((host) => asked.has(host) || host.roles.some((role) => role !== 'worker'));
}

/** Whether those that are asked for are all that a run would contact: then they can tell of the cluster as a whole. */
export function asksForCluster(input: EngineInput): boolean {
  return askedFor(input).length === contacted(input).length;
}

/** Throws the failures of hosts that are not reached, where that is more than `--skip-unreachable` allows. */
export function checkReachable(input: EngineInput, fleet: Pick<Fleet, 'sessions' | 'unreachable'>): void {
  const [first, ...rest] = missing(input, fleet);
  if (first) throw failure([first, ...rest]);
}

/** The failures of hosts that are not reached; none where `--skip-unreachable` allows so many. */
function missing(input: EngineInput, { sessions, unreachable }: Pick<Fleet, 'sessions' | 'unreachable'>): McpkError[] {
  const { cluster, command, skipUnreachable } = input;
  // Where nobody answers it is not the host that leaves that is dead.
  const leaving = new Set(sessions.size > 0 ? cluster.leaving.map(({ name }) => name) : []);
  const errors = [...unreachable].map(([name, error]) => (leaving.has(name) ? orGone(error, command) : error));
  const workers = cluster.hosts.filter((host) => host.roles.every((role) => role === 'worker'));
  const onlyWorkers = [...unreachable.keys()].every((name) => workers.some((host) => host.name === name));
  const mayBeAway = onlyWorkers && errors.every((error) => error.code === 'unreachable');
  if (!mayBeAway) return errors;
  if (errors.length <= allowance(skipUnreachable, workers.length)) return [];
  // Without all that it is about there is nothing to go on with.
  const goesOn = askedFor(input).some(({ name }) => sessions.has(name));
  return goesOn
    ? errors.map((error) => error.orElse(`Or go on without: --skip-unreachable ${String(errors.length)}`))
    : errors;
}

/** A host that leaves need not answer, if whoever removes it or writes the inventory says so. */
function orGone(error: McpkError, command: string): McpkError {
  const { code, message, host = '', details, hint } = error;
  // What a reset clears must answer, whatever the inventory says of it.
  if (command === 'reset') return error;
  const way = command === 'node remove' ? `mcpk node remove ${host} --gone` : 'state: gone';
  return new McpkError(code, message, {
    host,
    details: [...details, ...(hint === undefined ? [] : [hint])],
    hint: `If it is dead, or must not be touched, say so: ${way}`,
  });
}

function allowance(text: string | undefined, workers: number): number {
  if (text === undefined) return 0;
  const number = Number.parseInt(text, 10);
  return text.endsWith('%') ? Math.floor((workers * number) / 100) : number;
}
