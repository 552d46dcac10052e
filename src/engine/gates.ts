import { McpkError } from '../core/errors.ts';
import type { Answer, Ask, GateCheck } from '../cluster/gate.ts';
import type { Fleet } from './fleet.ts';
import type { Emit } from './types.ts';

const POLL_MS = 250;

/** Asks every command once, each host's in one request, and answers in the order of the asks. */
export async function ask(fleet: Fleet, asks: readonly Ask[], signal: AbortSignal): Promise<Answer[]> {
  const byHost = Map.groupBy(
    asks.map((each, index) => ({ ...each, index })),
    (each) => each.host,
  );
  const answers: Answer[] = [];
  await Promise.all(
    [...byHost].map(async ([host, questions]) => {
      const results = await fleet.exec(host, questions, signal).catch((error: unknown) =>
        questions.map(() => ({ exitCode: 255, stdout: '', stderr: error instanceof Error ? error.message : String(error) })),
      );
      questions.forEach((question, i) => {
        const result = results[i] ?? { exitCode: 255, stdout: '', stderr: 'no answer' };
        answers[question.index] = { host, ...result };
      });
    }),
  );
  return answers;
}

/** What is still wrong with each gate, asked once. */
export async function askGates(fleet: Fleet, gates: readonly GateCheck[], signal: AbortSignal): Promise<(string | undefined)[]> {
  const answers = await ask(
    fleet,
    gates.flatMap((gate) => gate.asks),
    signal,
  );
  let offset = 0;
  return gates.map((gate) => {
    const own = answers.slice(offset, offset + gate.asks.length);
    offset += gate.asks.length;
    return gate.check(own);
  });
}

export interface GateRun {
  fleet: Fleet;
  stage: string;
  emit: Emit;
  since: () => number;
  signal: AbortSignal;
}

/**
 * Waits until all gates hold. A gate that does not hold by its deadline fails with what was seen last and the
 * last journal lines of its unit.
 *
 * @throws McpkError `gate`
 */
export async function holdGates(run: GateRun, gates: readonly GateCheck[]): Promise<void> {
  const started = performance.now();
  let open = [...gates];
  while (open.length > 0) {
    run.signal.throwIfAborted();
    const seen = await askGates(run.fleet, open, run.signal);
    const ms = performance.now() - started;
    const still: GateCheck[] = [];
    for (const [index, gate] of open.entries()) {
      const wrong = seen[index];
      if (wrong === undefined) {
        run.emit({ at: run.since(), type: 'gate', stage: run.stage, title: gate.title, status: 'passed', ms });
      } else if (ms >= gate.deadline * 1000) {
        run.emit({ at: run.since(), type: 'gate', stage: run.stage, title: gate.title, status: 'failed', seen: wrong, ms });
        throw await gateError(run, gate, wrong);
      } else {
        run.emit({ at: run.since(), type: 'gate', stage: run.stage, title: gate.title, status: 'waiting', seen: wrong, ms });
        still.push(gate);
      }
    }
    open = still;
    if (open.length > 0) await pause(POLL_MS, run.signal);
  }
}

async function gateError(run: GateRun, gate: GateCheck, seen: string): Promise<McpkError> {
  const details = [`last answer  ${seen}`];
  if (gate.unit) {
    const [journal] = await ask(
      run.fleet,
      [{ host: gate.unit.host, argv: ['journalctl', '-u', gate.unit.name, '-n', '20', '-o', 'cat', '--no-pager'] }],
      run.signal,
    );
    details.push(`journal of ${gate.unit.name}:`, ...(journal?.stdout.trimEnd().split('\n') ?? []).map((line) => `  ${line}`));
  }
  const host = gate.unit?.host ?? gate.asks[0]?.host;
  return new McpkError('gate', `${run.stage}: ${gate.title}: not so after ${String(gate.deadline)} s`, {
    ...(host === undefined ? {} : { host }),
    details,
    hint: 'Nothing after this stage was started. Run the same command again once it is mended.',
  });
}

/** The time between two questions; ends at once when the run is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done);
  });
}
