import { failure } from '../../core/errors.ts';
import type { Facts } from '../../cluster/facts.ts';
import type { Host } from '../../inventory/types.ts';
import { openFleet, type Fleet } from '../hosts/fleet.ts';
import { underLock, type LockOptions } from '../hosts/lock.ts';
import { readerOf, type Reader } from '../hosts/reader.ts';
import type { EngineInput } from '../input.ts';
import { gather } from './gather.ts';

export interface Opened {
  fleet: Fleet;
  reader: Reader;
  facts: Facts & { apiHost?: string };
  since: () => number;
  /** Under the lock of every host. */
  exclusive: boolean;
}

/** Connects, takes the lock when told so, reads the facts. The caller closes the fleet. */
export async function open(input: EngineInput, lock: 'exclusive' | 'none'): Promise<Opened> {
  const started = performance.now();
  const since = (): number => performance.now() - started;
  const { emit, cluster } = input;
  emit({
    at: 0,
    type: 'run-start',
    command: input.command,
    cluster: cluster.name,
    hosts: contacted(input).map((host) => host.name),
    stages: input.stages.map((stage) => ({
      name: stage.name,
      title: stage.title,
      hosts: stage.hosts(cluster).map((host) => host.name),
    })),
  });
  emit({ at: since(), type: 'phase', name: 'connect', state: 'start' });
  const fleet = await openFleet(contacted(input), { ...input, lock, since });
  emit({ at: since(), type: 'phase', name: 'connect', state: 'end' });
  try {
    checkReachable(input, fleet);
    const facts = await underLock({ ...lockOptions(input, fleet), since }, async () => {
      emit({ at: since(), type: 'phase', name: 'gather', state: 'start' });
      return gather(fleet, cluster, input.signal);
    });
    emit({ at: since(), type: 'phase', name: 'gather', state: 'end' });
    return { fleet, reader: readerOf(fleet, input.signal), facts, since, exclusive: lock === 'exclusive' };
  } catch (error) {
    await fleet.close();
    throw error;
  }
}

/** Every run contacts the masters: the first one decides between runs. */
function lockOptions(
  { cluster, waitLock, signal, emit }: EngineInput,
  { sessions }: Fleet,
): Omit<LockOptions, 'since'> {
  const names = cluster.hosts.filter((host) => sessions.has(host.name)).map((host) => host.name);
  const masters = cluster.hosts.filter((host) => host.roles.includes('master')).map((host) => host.name);
  const arbiter = masters.find((name) => sessions.has(name)) ?? names[0] ?? '';
  const inOrder = new Map(names.flatMap((name) => [...sessions].filter(([host]) => host === name)));
  return { sessions: inOrder, arbiter, waitMs: waitLock ?? 0, signal, emit };
}

/** Masters are always gathered, whatever the limit: rollouts and shared secrets rest on them. */
function contacted(input: EngineInput): Host[] {
  const { limit } = input.selection;
  return input.cluster.hosts.filter(
    (host) => !limit || limit.has(host.name) || host.roles.some((role) => role !== 'worker'),
  );
}

function checkReachable(input: EngineInput, fleet: Fleet): void {
  const errors = [...fleet.unreachable.values()];
  const [first, ...rest] = errors;
  if (!first) return;
  const workers = input.cluster.hosts.filter((host) => host.roles.every((role) => role === 'worker'));
  const allowed = allowance(input.skipUnreachable, workers.length);
  const onlyWorkers = [...fleet.unreachable.keys()].every((name) => workers.some((host) => host.name === name));
  const soft = errors.every((error) => error.code === 'unreachable');
  if (!(onlyWorkers && soft && errors.length <= allowed)) throw failure([first, ...rest]);
}

function allowance(text: string | undefined, workers: number): number {
  if (text === undefined) return 0;
  const number = Number.parseInt(text, 10);
  return text.endsWith('%') ? Math.floor((workers * number) / 100) : number;
}
