/**
 * The most that reading one answer of a host may take, in milliseconds of processor time. Sessions end after 8 s without
 * a sign of life, and hosts share the one thread: twenty whose answers are all the worst hold none of them up. What is
 * not linear takes minutes instead; slow cores that others use too need twice what quick ones do.
 */
export const MOST_MS = 400;

/** Milliseconds of processor time that `work` takes: what else runs on the machine does not count. */
export async function cpuMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
