import { API } from '../plan/compile.ts';
import { asErrors, type Run } from './run-context.ts';
import type { RunResult } from '../types.ts';

/** Hosts that this run changed let go of old generations. What fails there is told, and fails nothing. */
export async function prune(run: Run, stages: RunResult['stages']): Promise<void> {
  if (run.signal.aborted) return;
  const { keep, maxMegabytes } = run.cluster.generations;
  const body = Buffer.from(`${keep} ${maxMegabytes}\n`);
  const hosts = new Set(stages.flatMap((stage) => stage.hosts).filter((host) => host !== API));
  await Promise.all(
    [...hosts].map(async (host) => {
      try {
        await run.fleet.request(host, 'prune', body, () => undefined, run.signal);
      } catch (error) {
        const why = asErrors(error, 'prune')[0]?.message ?? '';
        run.emit({ at: run.since(), type: 'warning', host, message: `old generations were not let go of: ${why}` });
      }
    }),
  );
}
