import { setTimeout as delay } from 'node:timers/promises';
import { McpkError } from '../../core/errors.ts';
import { PATHS } from '../../core/paths.ts';
import type { Op } from '../../resources/types.ts';
import { encodeConverge, type ConvergeRequest, type ConvergeStep } from '../wire/wire-converge.ts';
import { restoreRequest } from './restore.ts';
import type { Means } from './means.ts';
import { asErrors } from './run-state.ts';

/** Seconds in which the host must be reached anew; what the stream does after it is armed comes on top. */
const PATIENCE_S = 30;
/** Once the host's timer has run out, so much more time is given to it for putting back. */
const MARGIN_S = 60;
const POLL_MS = 500;

/**
 * Sends a stream. Where one of its steps may cut the host off, the host puts the stage back by itself unless it is
 * reached over a new connection afterwards. Others pay nothing.
 *
 * @throws McpkError `rolledBack` when it was not reached, whether it is seen to have gone back or not
 */
export async function underDeadman(
  means: Means,
  host: string,
  request: ConvergeRequest,
  send: (request: ConvergeRequest) => Promise<unknown>,
): Promise<void> {
  if (!request.steps.some((step) => step.guarded)) {
    await send(request);
    return;
  }
  const { stage } = request;
  const seconds = PATIENCE_S + secondsAfterArming(request.steps);
  const owned = means.facts.hosts.get(host)?.owned ?? [];
  const back = restoreRequest(means, { stage, host, from: means.state.id, owned });
  // Notes for the journal go with the stream that is sent now, whether or not the host ever runs this one.
  const body = encodeConverge({ ...back.request, notes: [] });
  const guarded = { ...request, notes: [...request.notes, ...back.request.notes], deadman: { seconds, body } };
  const [failure] = await send(guarded).then(
    () => [],
    (error: unknown) => asErrors(error, stage),
  );
  if (failure && NOT_BEGUN.has(failure.code)) throw failure;
  // A stream that was lost may run on for some seconds: it is not confirmed, and what it did goes back.
  const seen = await watch(means, host, { stage, seconds, confirms: failure?.code !== 'unreachable' });
  if (seen === 'kept') {
    if (failure) throw failure;
    return;
  }
  means.owned.set(host, back.owned);
  means.state.rolledBack.push({ stage, host, held: seen === 'restored' });
  const status = seen === 'restored' ? 'done' : 'failed';
  means.state.emit({ at: means.state.since(), type: 'rollback', stage, host, status, message: SAID[seen] });
  throw new McpkError('rolledBack', `${stage} on ${host}: not reached over a new connection after the change`, {
    host,
    details: [SAID[seen], ...(failure ? [failure.message, ...failure.details] : [])],
    hint: 'What it changes cuts the way to the host: mend that in the inventory. mcpk plan shows the change as pending.',
    cause: failure,
  });
}

type Seen = 'kept' | 'restored' | 'broken' | 'lost';

const SAID: Readonly<Record<Exclude<Seen, 'kept'>, string>> = {
  restored: 'the host put back by itself what was there before',
  broken: 'the host tried to put back what was there before, and could not: see its journal, unit mcpk-deadman-*',
  lost: 'the host is not reached still: whether it put back what was there before could not be seen',
};

const NOT_BEGUN: ReadonlySet<string> = new Set(['stale', 'locked', 'interrupted']);

interface Watched {
  stage: string;
  seconds: number;
  /** Stops the host's timer when it is reached; else only looks what becomes of it. */
  confirms: boolean;
}

/** Until the host is reached anew and has said what it did; 'kept' also where it was never armed. */
async function watch(means: Means, host: string, { stage, seconds, confirms }: Watched): Promise<Seen> {
  const deadline = performance.now() + (seconds + MARGIN_S) * 1000;
  const name = `${means.state.id}-${stage}`;
  while (performance.now() < deadline) {
    const seen = await look(means, host, { name, confirms }).catch(() => undefined);
    if (seen) return seen;
    await delay(POLL_MS, undefined, { signal: means.state.signal });
  }
  return 'lost';
}

async function look(
  means: Means,
  host: string,
  { name, confirms }: { name: string; confirms: boolean },
): Promise<Seen | undefined> {
  const folder = `${PATHS.run}/deadman/${name}`;
  const session = await means.fleet.reach(host, means.state.signal);
  try {
    const ask = async (...argv: string[]): Promise<{ exitCode: number; stdout: string } | undefined> =>
      (await session.exec([{ argv, limit: 10 }], means.state.signal))[0];
    if (confirms && (await ask('mv', '-T', folder, `${folder}.over`))?.exitCode === 0) {
      await session.exec(
        [{ argv: ['systemctl', 'stop', `mcpk-deadman-${name}.timer`] }, { argv: ['rm', '-rf', `${folder}.over`] }],
        means.state.signal,
      );
      return 'kept';
    }
    const ended = await ask('cat', `${folder}.fired/rc`);
    if (ended?.exitCode === 0) return ended.stdout.trim() === '0' ? 'restored' : 'broken';
    const there = await ask('find', folder, `${folder}.fired`, '-maxdepth', '0');
    return there?.exitCode === 1 && there.stdout === '' ? 'kept' : undefined;
  } finally {
    await session.close();
  }
}

/** What the steps may need: a unit its own limit, the others as long as they usually take at most. */
function secondsAfterArming(steps: readonly ConvergeStep[]): number {
  const first = steps.findIndex((step) => step.guarded);
  return steps
    .slice(first)
    .flatMap((step) => step.ops)
    .reduce((sum, op) => sum + secondsOf(op), 0);
}

function secondsOf(op: Op): number {
  if (op.op === 'unit') return op.action === 'enable' || op.action === 'disable' ? 0 : op.timeout;
  return { install: 300, run: 30 }[op.op as string] ?? 0;
}
