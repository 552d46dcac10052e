import { askReady, readyProblem } from '../../cluster/api-server.ts';
import { askEtcdHealth, askEtcdStatus, isHealthy, leaderOf, parseEtcdStatus } from '../../cluster/etcd.ts';
import type { Facts, Standing } from '../../cluster/facts.ts';
import { compareVersions } from '../../core/versions.ts';
import { hostsWith, type Cluster } from '../../inventory/types.ts';
import type { Stage } from '../../states/stage.ts';
import type { Reader } from '../hosts/reader.ts';
import type { Comparisons } from '../plan/compare.ts';
import { changesOf } from '../types.ts';

export interface StandingInput {
  reader: Reader;
  cluster: Cluster;
  stages: readonly Stage[];
}

/**
 * The facts with who serves now: members, API servers, etcd's leader. Asked only when something changes of which the
 * order depends on it: a run with nothing to do does not pay for it.
 */
export async function withStanding(input: StandingInput, facts: Facts, comparisons: Comparisons): Promise<Facts> {
  const guarded = input.stages.filter((stage) => stage.guard !== undefined);
  const changes = guarded.some(
    (stage) =>
      (comparisons.stages.get(stage.name) ?? []).some((host) => changesOf(host).length > 0) ||
      (stage.inTurn && (stage.due?.(input.cluster, facts) ?? []).length > 0),
  );
  return changes && facts.etcd === 'formed' ? { ...facts, standing: await askStanding(input) } : facts;
}

/** Asks who serves now. */
async function askStanding({ reader, cluster }: StandingInput): Promise<Standing> {
  const reached = (role: 'etcd' | 'master'): string[] =>
    hostsWith(cluster, role).flatMap(({ name }) => (reader.reaches(name) ? [name] : []));
  const [healths, statuses, readies] = await Promise.all([
    reader.ask(reached('etcd').map(askEtcdHealth)),
    reader.ask(reached('etcd').map((host) => askEtcdStatus(host))),
    reader.ask(reached('master').map((host) => askReady(cluster, host))),
  ]);
  const leader = leaderOf(statuses);
  const versions = statuses.flatMap((answer) => parseEtcdStatus(answer)?.version ?? []);
  const [oldest] = versions.toSorted(compareVersions);
  return {
    etcd: healths.filter(isHealthy).map((answer) => answer.host),
    apiServers: readies.filter((answer) => readyProblem(answer) === undefined).map((answer) => answer.host),
    ...(leader === undefined ? {} : { etcdLeader: leader }),
    ...(oldest === undefined ? {} : { etcdVersion: oldest }),
  };
}
