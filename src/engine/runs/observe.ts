import { ADMINS } from '../../cluster/access.ts';
import type { Facts } from '../../cluster/facts.ts';
import type { KubeObjectResource, Observed } from '../../resources/types.ts';
import { judgeLeaving } from '../hosts/leaving.ts';
import type { EngineInput } from '../input.ts';
import { leavingFromApi, type Leaving } from '../plan/removals.ts';
import type { Opened } from '../read/open.ts';
import { probeApi } from '../read/probe-api.ts';
import { probeHosts } from '../read/probe.ts';
import { API } from '../../core/places.ts';
import type { StateTree } from '../types.ts';
import { notOurs } from '../work/api.ts';

/** `all` are the hosts and the API. */
export function observe(
  input: EngineInput,
  { reader, facts }: Pick<Opened, 'reader' | 'facts'>,
  stages: StateTree['stages'],
): {
  hosts: Promise<Map<string, Observed>>;
  all: Promise<{ observed: Map<string, Observed>; apiOwned: Map<string, string>; nonsense: number }>;
} {
  const objects = stages.flatMap((stage) =>
    stage.hosts.filter((states) => states.host === API).flatMap((states) => states.resources as KubeObjectResource[]),
  );
  const { cluster } = input;
  const hosts = probeHosts(reader, stages, facts.hosts);
  const api =
    facts.apiHost !== undefined && objects.length > 0
      ? probeApi({ reader, cluster, host: facts.apiHost }, objects)
      : undefined;
  const all = Promise.all([hosts, api]).then(([seen, inApi]) => ({
    observed: inApi ? new Map([...seen, [API, inApi.observed]]) : seen,
    apiOwned: inApi?.owned ?? new Map<string, string>(),
    nonsense: inApi?.nonsense ?? 0,
  }));
  return { hosts, all };
}

/** What is to leave the API is looked at itself; costs a round trip only where something leaves. */
export async function readLeaving(
  { cluster, emit }: EngineInput,
  { reader, facts, since }: Pick<Opened, 'reader' | 'facts' | 'since'>,
  owned: { tree: StateTree; apiOwned: ReadonlyMap<string, string>; nonsense: number },
): Promise<Map<string, Leaving>> {
  const warn = (message: string): void => emit({ at: since(), type: 'warning', host: API, message });
  if (owned.nonsense > 0)
    warn(`kube-system/mcpk-owned names ${String(owned.nonsense)} times what can be no object: ignored`);
  const leaving = await judgeLeaving({ reader, cluster, host: facts.apiHost ?? '' }, leavingFromApi(owned));
  for (const [ref, seen] of leaving)
    if (seen.ours === undefined || (!seen.ours && !seen.gone)) warn(notOurs(ref, seen.why));
  return leaving;
}

/** Why nothing of the API can be read. */
export function whyNoApi({ apiRefuses }: Facts): string {
  return apiRefuses === undefined ? 'no API server answers yet' : `${apiRefuses} does not let ${ADMINS.user} in yet`;
}
