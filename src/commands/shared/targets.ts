import type { Host } from '../../inventory/types.ts';
import type { Target } from '../../transport/types.ts';

/** A host as the transport wants it, for commands that need no session. */
export function targetOf(host: Host, acceptNewHostKeys = false): Target {
  return { name: host.name, address: host.address, source: host.source, ...host.ssh, acceptNewHostKeys };
}

/** Does something on every host, some at a time; failures are values, in the order of the hosts. */
export async function onEach<T>(
  hosts: readonly Host[],
  concurrency: number,
  work: (host: Host) => Promise<T>,
): Promise<{ host: Host; value?: T; error?: Error }[]> {
  const results: { host: Host; value?: T; error?: Error }[] = hosts.map((host) => ({ host }));
  const queue = results.values();
  const worker = async (): Promise<void> => {
    for (const result of queue) {
      try {
        result.value = await work(result.host);
      } catch (error) {
        result.error = error instanceof Error ? error : new Error(String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, hosts.length) }, worker));
  return results;
}
