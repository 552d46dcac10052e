/** A restore raises revisions by so much: those of before and after it are not to be compared. */
export const RAISED = 1_000_000_000;

/**
 * Whether a member that counts its keys has all that a snapshot is said to have. Raising revisions leaves a key without
 * a name (`unsafeBumpBucketsRevision` in etcdutl), which `etcdutl snapshot status` counts from then on, and of which no
 * member tells.
 */
export function hasAllKeys(counted: number | undefined, snapshot: { totalKeys: number; revision: number }): boolean {
  const hidden = snapshot.revision > RAISED ? [0, 1] : [0];
  return counted !== undefined && hidden.includes(snapshot.totalKeys - counted);
}
