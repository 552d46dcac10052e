import { askDeprecated, askStoredVersions, goneIn, storedUnserved } from '../../cluster/deprecated.ts';
import type { Answer, Ask } from '../../cluster/gate.ts';
import { kubectl } from '../../cluster/kubectl.ts';
import { minorNumber, seriesOf } from '../../core/versions.ts';
import { hostsWith, type Cluster } from '../../inventory/types.ts';
import type { Inquiry, InquiryContext, Problem } from '../stage.ts';

/** Objects that must be deleted before a minor version, as its changelog says: kubectl's name for them. */
const DELETED_BEFORE: Readonly<Record<string, readonly string[]>> = {
  '1.37': ['workloads.v1alpha2.scheduling.k8s.io', 'podgroups.v1alpha2.scheduling.k8s.io'],
};

/** Before a new minor version: what is asked for or kept that it no longer has. It is told, and stops nothing. */
export function upgradeInquiry({ cluster, facts }: InquiryContext): Inquiry | undefined {
  const wanted = cluster.versions.kubernetes;
  const old = hostsWith(cluster, 'master')
    .map(({ name }) => name)
    .filter((name) => minorNumber(facts.hosts.get(name)?.runs['kube-apiserver'] ?? wanted) < minorNumber(wanted));
  const { apiHost } = facts;
  if (old.length === 0 || apiHost === undefined) return undefined;
  const kinds = DELETED_BEFORE[seriesOf(wanted) ?? ''] ?? [];
  const asks = [
    ...old.map((host) => askDeprecated(cluster, host)),
    askStoredVersions(cluster, apiHost),
    ...kinds.map((kind): Ask => kubectl(cluster, apiHost, 'get', kind, '--all-namespaces', '-o', 'name')),
  ];
  return { asks, judge: (answers) => judge(cluster, { old, kinds, answers }) };
}

interface Told {
  old: readonly string[];
  kinds: readonly string[];
  answers: readonly Answer[];
}

function judge({ versions: { kubernetes } }: Cluster, { old, kinds, answers }: Told): Problem[] {
  const series = String(seriesOf(kubernetes));
  const asked = old.flatMap((host, index) => goneIn(kubernetes, answers[index]).map((api) => ({ host, api })));
  const byApi = Map.groupBy(asked, ({ api }) => api);
  const kept = kinds.flatMap((kind, index) => {
    const { exitCode, stdout } = answers[old.length + 1 + index] ?? { exitCode: 1, stdout: '' };
    const count = stdout.split('\n').filter((line) => line !== '').length;
    return exitCode === 0 && count > 0
      ? [`delete ${String(count)} ${kind} before ${series}, which can't read them`]
      : [];
  });
  return [
    ...[...byApi].map(
      ([api, all]) =>
        `${api} is asked for at ${all.map(({ host }) => host).join(', ')} since their start: gone in ${series}`,
    ),
    ...storedUnserved(answers[old.length]).map(
      (definition) => `objects of ${definition} may be stored in a version that is not served any more`,
    ),
    ...kept,
  ].map((message) => ({ code: 'warning', message }));
}
