import type { HostFacts } from '../cluster/facts.ts';
import type { Host } from '../inventory/types.ts';

/** The interface with the host's internalAddress: what pods send to other hosts leaves by it. Undefined when not seen. */
export function carrierOf(host: Host, own: HostFacts | undefined): HostFacts['interfaces'][number] | undefined {
  return own?.interfaces.find((each) => each.addresses.some(({ address }) => address === host.internalAddress));
}
