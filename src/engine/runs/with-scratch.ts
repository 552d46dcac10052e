import { randomBytes } from 'node:crypto';
import { prepareScratch, scratchFailure, scratchFolder } from '../../cluster/etcd-scratch.ts';
import type { Fleet } from '../hosts/fleet.ts';

/**
 * Does `work` with a folder for an etcd of its own on the host, and leaves nothing of it there.
 *
 * @throws McpkError `refused` while somebody else does that there
 */
export async function withScratch<T>(
  fleet: Fleet,
  { host, signal }: { host: string; signal: AbortSignal },
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = scratchFolder(randomBytes(4).toString('hex'));
  const [prepared] = await fleet.exec(host, [prepareScratch(folder)], signal);
  if (prepared?.exitCode !== 0) throw scratchFailure(host, prepared);
  try {
    return await work(folder);
  } finally {
    // Its unit leaves with all it has; here is what did not come so far. A host that is lost is cleaned by the next one.
    await fleet.exec(host, [{ argv: ['rm', '-rf', folder] }], AbortSignal.timeout(CLEAN_MS)).catch(() => undefined);
  }
}

const CLEAN_MS = 10_000;
