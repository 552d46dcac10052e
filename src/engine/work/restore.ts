import type { OwnedEntry } from '../../cluster/facts.ts';
import { PATHS } from '../../core/paths.ts';
import type { Fleet } from '../hosts/fleet.ts';
import type { Generation } from '../past/generations.ts';
import { ownedText, parseOwned, type Ownership } from '../plan/owned.ts';
import type { ConvergeRequest } from '../wire/wire-converge.ts';
import { sendStream } from './send-stream.ts';
import type { Means } from './means.ts';

/** Which generation of a host goes back, and what mcpk owned there before it. */
export interface Restore {
  stage: string;
  host: string;
  from: string;
  owned: readonly OwnedEntry[];
}

/**
 * The stream that undoes what `from` did, and what is owned after it: of the stage and of stages that went along with it
 * what was owned before the run, of others what is owned now.
 */
export function restoreRequest(
  means: Means,
  { stage, host, from, owned: before }: Restore,
): { request: ConvergeRequest; owned: Map<string, Ownership> } {
  const touched = new Set([stage, ...(means.along.get(stage) ?? [])]);
  const others = [...(means.owned.get(host) ?? [])].filter(([, entry]) => !touched.has(entry.stage));
  const own = before.filter((entry) => touched.has(entry.stage));
  const owned = new Map<string, Ownership>([...others, ...own.map(({ ref, ...entry }) => [ref, entry] as const)]);
  const request: ConvergeRequest = {
    run: means.state.id,
    stage,
    caller: means.journal.caller,
    notes: means.journal.take(host),
    steps: [{ ref: `generation:${from}`, ops: [{ op: 'restore', run: from }] }],
    preconditions: [],
    ownedBefore: '',
    ownedAfter: ownedText(owned),
  };
  return { request, owned };
}

/** The stream that undoes what `from` did. Gives back what was put back, one line each. */
export async function restoreHost(means: Means, back: Restore): Promise<string[]> {
  const { request, owned } = restoreRequest(means, back);
  const verbs = new Map(request.steps.map((step) => [step.ref, 'restore']));
  const lines = await sendStream(means, { host: back.host, request, verbs });
  means.owned.set(back.host, owned);
  return lines;
}

/** Puts back what a run of the past did to a stage on a host. */
export async function restoreGeneration(means: Means, generation: Generation): Promise<void> {
  const { state, fleet } = means;
  const { host, stage, run: from } = generation;
  const started = performance.now();
  state.emit({ at: state.since(), type: 'host-start', stage, host, changes: 1 });
  const end = (status: 'changed' | 'failed'): void =>
    state.emit({ at: state.since(), type: 'host-end', stage, host, status, ms: performance.now() - started });
  try {
    const owned = await ownedThen(fleet, generation, state.signal);
    await means.turn(host, () => restoreHost(means, { stage, host, from, owned }));
    end('changed');
  } catch (error) {
    end('failed');
    throw error;
  }
}

/** What mcpk owned on the host when that run came to the stage. */
async function ownedThen(
  fleet: Fleet,
  { host, run, stage, lines }: Generation,
  signal: AbortSignal,
): Promise<OwnedEntry[]> {
  if (!lines.includes(`kept .${PATHS.owned}`)) return [];
  const bytes = await fleet.read(host, `${PATHS.generations}/${run}/${stage}${PATHS.owned}`, signal);
  return parseOwned(bytes.toString('utf8'), host);
}
