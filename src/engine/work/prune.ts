import { API } from '../../core/places.ts';
import type { RunResult } from '../types.ts';
import type { Means } from './means.ts';
import { asErrors } from './run-state.ts';

/** Hosts that this run changed let go of old generations. What fails there is told, and fails nothing. */
export async function prune(means: Means, stages: RunResult['stages']): Promise<void> {
  if (means.state.signal.aborted) return;
  const { keep, maxMegabytes } = means.cluster.generations;
  const body = Buffer.from(`${keep} ${maxMegabytes}\n`);
  const hosts = new Set(stages.flatMap((stage) => stage.hosts).filter((host) => host !== API));
  await Promise.all(
    [...hosts].map(async (host) => {
      try {
        await means.fleet.request(host, 'prune', body, () => undefined, means.state.signal);
      } catch (error) {
        const why = asErrors(error, 'prune')[0]?.message ?? '';
        means.state.emit({
          at: means.state.since(),
          type: 'warning',
          host,
          message: `old generations were not let go of: ${why}`,
        });
      }
    }),
  );
}
