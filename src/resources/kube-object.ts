import { rests, sha256 } from './identity.ts';
import { project } from './kube-fields.ts';
import type { Change, KubeObjectResource, ResourceKind } from './types.ts';

/** The engine's API runner puts live objects into `observed.texts['api:' + id]` and converges them. */
export const kubeObject: ResourceKind<KubeObjectResource> = {
  reads: () => undefined,

  compare(resource, observed) {
    const wanted = comparable(resource.object);
    const hash = sha256(JSON.stringify(wanted));
    const text = observed.texts[`api:${resource.id}`];
    const seen =
      text === undefined ? undefined : project(comparable(JSON.parse(text) as KubeObjectResource['object']), wanted);
    const before = seen === undefined ? '' : shown(seen);
    const after = shown(wanted);
    if (before === after) return { result: 'unchanged', reason: 'the fields that are set are as wanted', hash };
    const change: Change = {
      result: 'change',
      verb: seen === undefined && !resource.partial ? 'create' : 'update',
      reasons: [seen === undefined ? 'absent' : `differs in ${differingFields(seen, wanted).join(', ')}`],
      hash,
      rests: rests(seen),
    };
    return resource.object['kind'] === 'Secret' ? change : { ...change, diff: { before, after } };
  },

  converge: () => Promise.resolve([]),
  remove: () => [],
  implied: () => [],
  title: ({ id }) => id.split('/').slice(-3).filter(Boolean).join('/'),
};

/** Without what the server alone writes; a Secret's stringData as the data that it becomes. */
function comparable(object: KubeObjectResource['object']): Record<string, unknown> {
  const { status: _status, stringData, ...rest } = object;
  if (typeof stringData !== 'object' || stringData === null) return rest;
  const encoded = Object.entries(stringData).map(([key, value]) => [
    key,
    Buffer.from(String(value)).toString('base64'),
  ]);
  return { ...rest, data: { ...(rest['data'] as object | undefined), ...Object.fromEntries(encoded) } };
}

function shown(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** `spec.replicas`; the outermost field for lists. */
function differingFields(seen: unknown, wanted: unknown, path = ''): string[] {
  if (JSON.stringify(seen) === JSON.stringify(wanted)) return [];
  const isMap = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isMap(seen) || !isMap(wanted)) return [path || 'everything'];
  return Object.keys(wanted).flatMap((key) =>
    differingFields(seen[key], wanted[key], path === '' ? key : `${path}.${key}`),
  );
}
