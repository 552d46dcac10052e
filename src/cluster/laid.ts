import type { HostFacts } from './facts.ts';

/** Whether a run laid something of that stage down on the host; false for a host that was not read. */
export function hasLaid(host: Pick<HostFacts, 'owned'> | undefined, stage: string): boolean {
  return host?.owned.some((entry) => entry.stage === stage) ?? false;
}
