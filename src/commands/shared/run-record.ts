import { replaceFile } from '../../core/private-file.ts';
import type { Emit, Event } from '../../engine/types.ts';

export interface RunRecord {
  emit: Emit;
  /** The page of --timeline; also of a run that failed. */
  write(file: string): Promise<void>;
  /** The lines of --profile. */
  waits(): string;
}

/** Keeps a run's events beside the view that draws them. */
export async function startRecord(next: Emit): Promise<RunRecord> {
  const { longestWaits, timelineOf } = await import('../../report/timeline.ts');
  const { timelinePage, waitText } = await import('../../report/timeline-page.ts');
  const events: Event[] = [];
  return {
    emit(event) {
      events.push(event);
      next(event);
    },
    write: (file) => replaceFile(file, timelinePage(timelineOf(events))),
    waits: () =>
      ['Longest waits:', ...longestWaits(timelineOf(events), 10).map((span) => `  ${waitText(span)}`), ''].join('\n'),
  };
}
