import { McpkError } from '../../core/errors.ts';
import type { Cluster } from '../../inventory/types.ts';
import { targetOf } from './targets.ts';

/** What a run would find wrong in files of this machine, before it fetches anything and after: one error each. */
export async function localProblems(cluster: Cluster): Promise<McpkError[]> {
  const [{ routeOf }, { localManifests }, { checkManifests }] = await Promise.all([
    import('../../transport/route.ts'),
    import('../../artifacts/manifests.ts'),
    import('../../states/addons.ts'),
  ]);
  const checks = [
    ...cluster.hosts.map((host) => () => void routeOf(targetOf(host))),
    ...localManifests(cluster).map(
      ({ name, read }) =>
        () =>
          checkManifests(cluster, new Map([[name, read()]])),
    ),
  ];
  return checks.flatMap((check) => {
    try {
      check();
      return [];
    } catch (error) {
      if (error instanceof McpkError) return [error];
      throw error;
    }
  });
}
