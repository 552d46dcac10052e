import { CORE_SCHEMA, load } from 'js-yaml';
import { isMap } from '../core/merge.ts';
import { PATHS } from '../core/paths.ts';
import type { EtcdMember, HostFacts } from './facts.ts';

/** What the etcd.yaml says that is on the host now; empty when there is none, or somebody broke it. */
export function presentEtcd({ files }: Pick<HostFacts, 'files'>): Readonly<Record<string, unknown>> {
  const text = files[PATHS.etcdConfig];
  // Most hosts have none, and they are asked often: js-yaml would throw for each.
  const present = text ? parsed(text) : undefined;
  return isMap(present) ? present : {};
}

/** Many times ours. */
const MOST_CHARACTERS = 64 * 1024;

function parsed(text: string): unknown {
  try {
    return text.length > MOST_CHARACTERS ? undefined : load(text, { schema: CORE_SCHEMA });
  } catch {
    return undefined;
  }
}

/** The members by a host's etcd.yaml, which names its peers, and who it is itself. */
export function namedMembers(own: Pick<HostFacts, 'files'>): EtcdMember[] {
  const members = new Map<string, string[]>();
  const { 'initial-cluster': named, name: self, 'initial-advertise-peer-urls': urls } = presentEtcd(own);
  if (typeof named === 'string' && typeof self === 'string' && typeof urls === 'string')
    members.set(self, urls.split(','));
  for (const entry of typeof named === 'string' ? named.split(',') : []) {
    const [, name, url] = /^([^=]+)=(.+)$/.exec(entry.trim()) ?? [];
    if (name === undefined || url === undefined || name === self) continue;
    members.set(name, [...(members.get(name) ?? []), url]);
  }
  return [...members].map(([name, peerUrls]) => ({ name, peerUrls }));
}
