import type { Facts } from '../../cluster/facts.ts';
import { runningVersions } from '../../cluster/running.ts';
import type { Service } from '../../core/services.ts';
import { seriesOf } from '../../core/versions.ts';
import type { Brings } from '../../states/stage.ts';
import type { Plan, StagePlan } from '../types.ts';
import { versionsAfter } from './skew.ts';

/**
 * The bundle of etcd that comes before all changes: etcd gets another version, or the API servers, which write its data,
 * another minor one. Where no quorum answers there is none to be taken.
 */
export function snapshotBefore(
  stages: readonly StagePlan[],
  { facts, brings, into }: { facts: Facts; brings: Brings; into: string | undefined },
): Pick<Plan, 'snapshot'> {
  if (into === undefined || facts.etcd !== 'formed') return {};
  const running = runningVersions(facts);
  const after = versionsAfter(stages, running, brings);
  const moves = (service: Service, isOther: (from: string, to: string) => boolean): string[] =>
    [...running].flatMap(([host, { [service]: from }]) => {
      const to = after.get(host)?.[service];
      return from !== undefined && to !== undefined && isOther(from, to) ? [`${service} ${from} → ${to}`] : [];
    });
  const because = [
    ...moves('etcd', (from, to) => from !== to),
    ...moves('kube-apiserver', (from, to) => seriesOf(from) !== seriesOf(to)),
  ];
  return because.length === 0 ? {} : { snapshot: { into, because: [...new Set(because)] } };
}
