import { CORE_SCHEMA, load } from 'js-yaml';
import { isMap } from '../core/merge.ts';
import { PATHS } from '../core/paths.ts';
import type { EtcdMember, HostFacts } from './facts.ts';

/** What the etcd.yaml says that is on the host now; empty when there is none, or somebody broke it. */
export function presentEtcd({ files }: Pick<HostFacts, 'files'>): Readonly<Record<string, unknown>> {
  const present = parsed(files[PATHS.etcdConfig] ?? '');
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

/** Those whom a host's etcd.yaml names: the members as they were when this one joined. */
export function namedMembers(own: Pick<HostFacts, 'files'>): EtcdMember[] {
  const members = new Map<string, string[]>();
  const named = presentEtcd(own)['initial-cluster'];
  for (const entry of typeof named === 'string' ? named.split(',') : []) {
    const [, name, url] = /^([^=]+)=(.+)$/.exec(entry.trim()) ?? [];
    if (name !== undefined && url !== undefined) members.set(name, [...(members.get(name) ?? []), url]);
  }
  return [...members].map(([name, peerUrls]) => ({ name, peerUrls }));
}
