import type { Host } from '../../inventory/types.ts';
import type { Target } from '../../transport/types.ts';

/** A host as the transport wants it, for commands that need no session. */
export function targetOf(host: Host, acceptNewHostKeys = false): Target {
  return { name: host.name, address: host.address, source: host.source, ...host.ssh, acceptNewHostKeys };
}

/** Does something with each of them, some at a time; failures are values, in the given order. */
export async function onEach<I, T>(
  items: readonly I[],
  concurrency: number,
  work: (item: I) => Promise<T>,
): Promise<{ item: I; value?: T; error?: Error }[]> {
  const results: { item: I; value?: T; error?: Error }[] = items.map((item) => ({ item }));
  const queue = results.values();
  const worker = async (): Promise<void> => {
    for (const result of queue) {
      try {
        result.value = await work(result.item);
      } catch (error) {
        result.error = error instanceof Error ? error : new Error(String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, items.length) }, worker));
  return results;
}
