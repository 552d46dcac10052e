import { isMap } from '../core/merge.ts';
import type { KubeObject } from './kube-objects.ts';

/** What the API server alone writes into metadata (ObjectMeta of k8s.io/apimachinery: "populated by the system"). */
const OF_THE_SERVER = new Set([
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'managedFields',
  'resourceVersion',
  'selfLink',
  'uid',
]);

/**
 * What an object of a manifest asks for: without what the server owns, which generators print all the same
 * (`creationTimestamp: null` of controller-gen, `status: {}`), and without nulls, which Helm's templates leave behind
 * and which the server drops.
 */
export function intent(object: KubeObject): KubeObject {
  const { status: _status, ...rest } = object;
  const { metadata } = rest;
  const own = isMap(metadata)
    ? { metadata: Object.fromEntries(Object.entries(metadata).filter(([key]) => !OF_THE_SERVER.has(key))) }
    : {};
  return withoutNulls({ ...rest, ...own }) as KubeObject;
}

/** A null in a list keeps its place: there it is a value (an `enum` of a schema). */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) => (each === null ? [] : [[key, withoutNulls(each)]])),
  );
}
