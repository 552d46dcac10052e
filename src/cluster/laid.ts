import type { Facts, HostFacts } from './facts.ts';

/** Whether no run laid anything down on the host, so that it joins with this one. */
export function isNew(host: Pick<HostFacts, 'owned'>): boolean {
  return host.owned.length === 0;
}

/** Whether a run laid something of that stage down on the host; false for a host that was not read. */
export function hasLaid(host: Pick<HostFacts, 'owned'> | undefined, stage: string): boolean {
  return host?.owned.some((entry) => entry.stage === stage) ?? false;
}

/** Whether a run laid down just that on the host; false for a host that was not read. */
export function owns(host: Pick<HostFacts, 'owned'> | undefined, ref: string): boolean {
  return host?.owned.some((entry) => entry.ref === ref) ?? false;
}

/** The cluster stands: an API server answers, or some host has what only a run lays down to which one has answered. */
export function hasServed(facts: Facts): boolean {
  if (facts.nodes !== undefined) return true;
  if (facts.etcd === 'none') return false;
  return [...facts.hosts.values()].some((host) => hasLaid(host, 'nodes'));
}
