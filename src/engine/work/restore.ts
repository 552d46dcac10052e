import type { OwnedEntry } from '../../cluster/facts.ts';
import { ownedText, type Ownership } from '../plan/owned.ts';
import type { Run } from './run-context.ts';
import type { ConvergeRequest } from '../wire/wire-converge.ts';

/** Which generation of a host goes back, and what mcpk owned there before it. */
export interface Return {
  stage: string;
  host: string;
  from: string;
  owned: readonly OwnedEntry[];
}

/** The stream that undoes what `from` did, and what is owned after it: of the stage, what was before. */
export function restoreRequest(
  run: Run,
  { stage, host, from, owned: before }: Return,
): { request: ConvergeRequest; owned: Map<string, Ownership> } {
  const others = [...(run.owned.get(host) ?? [])].filter(([, entry]) => entry.stage !== stage);
  const own = before.filter((entry) => entry.stage === stage);
  const owned = new Map<string, Ownership>([...others, ...own.map(({ ref, ...entry }) => [ref, entry] as const)]);
  const request: ConvergeRequest = {
    run: run.id,
    stage,
    caller: run.journal.caller,
    notes: run.journal.take(host),
    steps: [{ ref: `generation:${from}`, ops: [{ op: 'restore', run: from }] }],
    preconditions: [],
    ownedBefore: '',
    ownedAfter: ownedText(owned),
  };
  return { request, owned };
}
