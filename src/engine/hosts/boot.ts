import type { Answer } from '../../cluster/gate.ts';
import { span } from '../../core/duration.ts';
import { McpkError } from '../../core/errors.ts';
import { pause } from '../../core/pause.ts';
import type { Step } from '../../states/stage.ts';
import { ask } from './ask.ts';
import type { Fleet } from './fleet.ts';
import { isStarting, STARTING_WHY, SYSTEM } from './starting.ts';

/** Random, and another one at each boot: it alone tells a host that has booted from one that was only cut off. */
const BOOT_ID = ['cat', '/proc/sys/kernel/random/boot_id'];
const POLL_MS = 1000;

type Boots = Step & Required<Pick<Step, 'boots'>>;

/**
 * Takes a step that has its host boot: done once the host is back with the same host key and another boot id, under this
 * run's lock. One that does not come back answers with why (`lost`); one that did not even begin to as any step that fails.
 */
export async function boot(fleet: Fleet, step: Boots, signal: AbortSignal, pollMs = POLL_MS): Promise<Answer> {
  const { on: host, run } = step;
  const [before] = await ask(fleet, [{ host, argv: BOOT_ID }], signal);
  if (before?.exitCode !== 0) return before ?? noAnswer(host);
  const [told] = await ask(fleet, [{ host, argv: run }], signal);
  // Its answer may be lost as the host goes down.
  if (told !== undefined && told.exitCode !== 0 && !told.lost) return told;
  try {
    await comeBack(fleet, step, { before: before.stdout, signal, pollMs });
    return { host, exitCode: 0, stdout: '', stderr: '' };
  } catch (error) {
    return { ...noAnswer(host), lost: asNotBack(step, error, signal) };
  }
}

interface Awaited {
  /** Its boot id. */
  before: string;
  signal: AbortSignal;
  pollMs: number;
}

async function comeBack(fleet: Fleet, { on: host, boots }: Boots, { before, signal, pollMs }: Awaited): Promise<void> {
  const deadline = performance.now() + boots.limit * 1000;
  const until = AbortSignal.any([signal, AbortSignal.timeout(boots.limit * 1000)]);
  let seen = 'it has not gone down';
  // What holds this session holds the lock: until it goes down nobody else may begin there.
  while ((await ask(fleet, [{ host, argv: BOOT_ID }], until))[0]?.exitCode === 0) await next();
  while (!(await isUp())) await next();
  await fleet.rejoin(host, until);

  async function isUp(): Promise<boolean> {
    try {
      const session = await fleet.reach(host, until);
      const asks = [BOOT_ID, SYSTEM].map((argv) => ({ argv, limit: 10 }));
      const [id, system] = await session.exec(asks, until).finally(() => session.close());
      const isAnew = id?.exitCode === 0 && id.stdout !== before;
      // The gates that follow count from here.
      if (isAnew && !isStarting(system)) return true;
      seen = isAnew ? STARTING_WHY : 'it still runs as before';
    } catch (error) {
      if (error instanceof McpkError && error.code === 'hostKey') throw error;
      if (!until.aborted) seen = error instanceof Error ? error.message : String(error);
    }
    return false;
  }

  async function next(): Promise<void> {
    signal.throwIfAborted();
    if (performance.now() >= deadline) throw new McpkError('gate', seen, { host });
    await pause(pollMs, signal);
  }
}

/** Whatever kept it away is told with what is to be done; another host key, another run keep their codes. */
function asNotBack({ on: host, boots }: Boots, error: unknown, signal: AbortSignal): McpkError {
  const is = error instanceof McpkError ? error : undefined;
  const code = signal.aborted ? 'interrupted' : is && KEPT.has(is.code) ? is.code : 'gate';
  const seen = error instanceof Error ? error.message : String(error);
  const what = code === 'gate' ? `is not back after ${span(boots.limit * 1000)}` : 'was not joined again';
  return new McpkError(code, `${host} was told to reboot and ${what}`, {
    host,
    details: [`seen last  ${seen}`, ...(is?.details ?? [])],
    hint: `Look at its console. Once it is up: mcpk apply lets pods in again, and mends what is left; if it is dead: mcpk node replace ${host}.`,
    cause: error,
  });
}

const KEPT: ReadonlySet<string> = new Set(['hostKey', 'locked']);

function noAnswer(host: string): Answer {
  return { host, exitCode: 255, stdout: '', stderr: 'no answer' };
}
