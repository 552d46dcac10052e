import { checkPlace, replaceFile } from '../../core/private-file.ts';
import { FailureList, McpkError } from '../../core/errors.ts';
import type { Secret } from '../../core/secret.ts';
import type { Emit, Event, Plan, RunResult } from '../../engine/types.ts';
import { hidingIn } from './hiding.ts';

/** How a run ended: its result, what was thrown, or neither yet. */
export type Ended = RunResult | Plan | Error;

/** What must not be shown; names of hosts stay what they are. */
export interface Unshown {
  hidden: readonly Secret[];
  hosts: readonly { name: string }[];
}

/** The file in which a run tells CI how it went, whatever becomes of it. */
export interface RunReport {
  hear(next: Emit): Emit;
  write(ended: Ended | undefined, unshown: Unshown): Promise<void>;
}

/** `--junit FILE` of a command. Throws `usage` where that can't be written, before anything is begun. */
export async function junitReport(file: string, command: string): Promise<RunReport> {
  await checkPlace(file);
  const started = new Date();
  const since = performance.now();
  const events: Event[] = [];
  return {
    hear: (next) => (event) => {
      if (event.type !== 'bytes' && event.type !== 'round-trip') events.push(event);
      next(event);
    },
    async write(ended, { hidden, hosts }) {
      const { testSuites } = await import('../../report/junit.ts');
      const { junitXml } = await import('../../report/junit-xml.ts');
      const refused = ended && 'refused' in ended ? ended.refused : [];
      const suites = testSuites({ command, events, errors: errorsOf(ended), refused });
      const shown = hidingIn(suites, hidden, hosts) as typeof suites;
      const ms = performance.now() - since;
      await replaceFile(file, junitXml(shown, { name: `mcpk ${command}`, started, ms }));
    },
  };
}

function errorsOf(ended: Ended | undefined): readonly McpkError[] {
  if (ended === undefined || 'refused' in ended) return [];
  if (ended instanceof McpkError) return [ended];
  if (ended instanceof FailureList || 'exitCode' in ended) return ended.errors;
  return [new McpkError('unexpected', ended.message)];
}
