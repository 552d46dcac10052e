import type { RunResult } from '../engine/types.ts';
import { counted, duration } from './figures.ts';
import { clean, paint, type Theme } from './theme.ts';
import { wrap } from './wrap.ts';

/** Salt's closing lines, and what to do next. `next` names the commands that fit each end. */
export function renderSummary(result: RunResult, theme: Theme, next: { again: string; verify?: string }): string {
  const failed = paint(theme, result.failed > 0 ? ['bold', 'red'] : [], `Failed: ${result.failed}`);
  const pending = result.pending > 0 ? `  Pending: ${result.pending}` : '';
  const removed = result.removed > 0 ? `, removed=${result.removed}` : '';
  const later = result.knownLater === undefined ? '' : `, ${result.knownLater} of them not known when it was planned`;
  const line = `Succeeded: ${result.succeeded} (changed=${result.changed}${later}${removed})  ${failed}${pending}   Total run time: ${duration(result.ms)}`;
  const kept = result.snapshot === undefined ? [] : [`Snapshot of etcd before it: ${clean(result.snapshot)}`];
  return `${[line, ...kept, ...advice(result, next).flatMap((text) => wrap(theme, text, 2))].join('\n')}\n`;
}

function advice(result: RunResult, next: { again: string; verify?: string }): string[] {
  switch (result.status) {
    case 'interrupted':
      return [`Interrupted. What was begun on a host was finished or let go of; go on with: ${next.again}`];
    case 'failed': {
      const left = result.stages.filter((stage) => stage.status === 'skipped').length;
      const rest = left > 0 ? `${counted(left, 'stage')} after it ${left === 1 ? 'was' : 'were'} not started. ` : '';
      return [`${rest}What is named above must be mended; then go on with: ${next.again}`];
    }
    case 'succeeded':
      if (result.onlyAccess)
        return [
          `Only access to the API was seen to, as it let mcpk do nothing else. The rest was not begun: ${next.again}`,
        ];
      if (result.changed === 0 && result.removed === 0) return ['Nothing was to be done.'];
      return next.verify === undefined ? [] : [`See that all of it serves: ${next.verify}`];
  }
}
