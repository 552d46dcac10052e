import type { Facts } from '../../cluster/facts.ts';
import { runningVersions } from '../../cluster/running.ts';
import { minorNumber, upgradeProblems } from '../../core/versions.ts';
import { hostsWith, type Cluster } from '../../inventory/types.ts';
import type { Problem } from '../stage.ts';

/**
 * Steps between what runs and what is wanted that no order of changes makes good. Of a master whose API server is down
 * its kubelet tells. Whether versions go together on the way is held against the plan.
 */
export function versionProblems(cluster: Cluster, facts: Facts): Problem[] {
  const wanted = cluster.versions.kubernetes;
  const masters = new Set(hostsWith(cluster, 'master').map(({ name }) => name));
  return [...runningVersions(facts)].flatMap(([host, { kubelet, 'kube-apiserver': server }]) => {
    const isBack = kubelet !== undefined && minorNumber(kubelet) > minorNumber(wanted);
    const from = masters.has(host) ? (server ?? kubelet) : isBack ? kubelet : undefined;
    const ofServer = from === undefined ? [] : upgradeProblems('kubernetes', from, wanted);
    const found = ofServer.length === 0 && isBack ? upgradeProblems('kubernetes', kubelet, wanted) : ofServer;
    return found.map(({ message, hint }): Problem => ({ code: 'refused', host, message, hint }));
  });
}
