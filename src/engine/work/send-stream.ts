import { headline } from '../../cluster/journal.ts';
import { McpkError } from '../../core/errors.ts';
import { decodeConverge, encodeConverge, type ConvergeRequest } from '../wire/wire-converge.ts';
import { takenOver } from './journal.ts';
import type { Means } from './means.ts';

/** A change that failed on its host; `ref` names it. */
export class ChangeFailure extends McpkError {
  readonly ref: string;

  constructor(ref: string, ...[code, message, more]: ConstructorParameters<typeof McpkError>) {
    super(code, message, more);
    this.ref = ref;
  }
}

export interface Stream {
  host: string;
  request: ConvergeRequest;
  /** ref → what is done to it, for those who watch. */
  verbs: ReadonlyMap<string, string>;
}

/** Runs a stream, tells of each resource, and gives back what a rollback in it put back. */
export async function sendStream(means: Means, { host, request, verbs }: Stream): Promise<string[]> {
  const { stage } = request;
  let failure: { ref: string; message: string } | undefined;
  let stale: string[] = [];
  let fenced = false;
  let restored: string[] = [];
  let stderr = '';
  const exitCode = await means.fleet.request(
    host,
    'converge',
    encodeConverge(request),
    (record) => {
      if (record.kind === 'stderr') stderr += record.body.toString('utf8');
      const event = decodeConverge(request, record);
      if (event?.type === 'stale') stale = event.refs;
      if (event?.type === 'fenced') fenced = true;
      if (event?.type === 'restored') restored = restored.concat(event.lines);
      if (event?.type !== 'resource') return;
      if (event.status === 'failed') failure ??= event;
      const { ref, status, ms, message } = event;
      means.state.emit({
        at: means.state.since(),
        type: 'resource',
        stage,
        host,
        ref,
        verb: verbs.get(ref) ?? '',
        status,
        ms,
        ...(message === '' ? {} : { message }),
      });
    },
    means.state.signal,
  );
  if (fenced) throw takenOver(host);
  if (stale.length > 0) throw staleError(stage, host, stale);
  if (exitCode !== 0 || failure)
    throw streamError(stage, host, failure, stderr || `converge ended with ${String(exitCode)}`);
  return restored;
}

function staleError(stage: string, host: string, refs: readonly string[]): McpkError {
  return new McpkError('stale', `${stage} on ${host}: changed since it was read: ${refs.join(', ')}`, {
    host,
    hint: 'This stage changed nothing there. Plan again.',
  });
}

/** converge sends the last 6000 bytes of what failed. */
const MOST_CHARACTERS = 64 * 1024;

function streamError(
  stage: string,
  host: string,
  failure: { ref: string; message: string } | undefined,
  stderr: string,
): McpkError {
  const text = failure?.message || stderr;
  const lines = text.slice(0, MOST_CHARACTERS).trim().split('\n');
  // A log begins and ends with lines that say little: the one that says why is the message, all lines its details.
  const [first = '', ...rest] = lines;
  const why = headline(lines) ?? first;
  return new ChangeFailure(
    failure?.ref ?? '',
    'stage',
    `${stage} on ${host}: ${failure ? `${failure.ref}: ` : ''}${why}`,
    {
      host,
      details: why === first ? rest : lines,
      hint: hintFor(text),
    },
  );
}

function hintFor(message: string): string {
  if (message.includes('No space left on device')) return 'Make room on that host, then run the same command again.';
  if (message.includes('Read-only file system'))
    return 'Mount that file system writable, then run the same command again.';
  if (/journal|failed/i.test(message))
    return 'Nothing after it was started on any host. Mend the cause and run the same command again.';
  return 'Mend the cause and run the same command again; what is done stays done.';
}
