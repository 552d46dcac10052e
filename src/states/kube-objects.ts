import { MANAGED } from '../cluster/objects.ts';
import { McpkError } from '../core/errors.ts';
import { isMap } from '../core/merge.ts';
import type { KubeObjectResource } from '../resources/types.ts';
import { intent } from './kube-intent.ts';

export type KubeObject = Readonly<Record<string, unknown>>;

export const MANIFEST_HINT = 'kubectl apply --dry-run=client -f FILE says more.';

/** An object that mcpk makes and removes. Throws `invalid` when it is none. */
export function owned(manifest: KubeObject, source: string): KubeObjectResource {
  const object = intent(manifest);
  const metadata = isMap(object['metadata']) ? object['metadata'] : {};
  const labels = isMap(metadata['labels']) ? metadata['labels'] : {};
  return {
    kind: 'kubeObject',
    id: objectId(object, source),
    object: { ...object, metadata: { ...metadata, labels: { ...labels, ...MANAGED } } },
  };
}

/** Some fields of an object that somebody else makes. */
export function partial(object: KubeObject, source: string): KubeObjectResource {
  return { kind: 'kubeObject', id: objectId(object, source), object, partial: true };
}

/** `apps/v1/Deployment/kube-system/coredns`; the namespace is empty for what lives in none. */
function objectId(object: KubeObject, source: string): string {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace } = isMap(metadata) ? metadata : {};
  if (typeof apiVersion !== 'string' || typeof kind !== 'string' || typeof name !== 'string') {
    throw new McpkError('invalid', `${source}: an object needs apiVersion, kind and metadata.name`, {
      hint: MANIFEST_HINT,
    });
  }
  return [apiVersion, kind, typeof namespace === 'string' ? namespace : '', name].join('/');
}
