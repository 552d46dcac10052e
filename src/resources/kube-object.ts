import { rests, sha256, weakHash } from './identity.ts';
import { project } from './kube-fields.ts';
import type { Change, KubeObjectResource, ResourceKind } from './types.ts';

/** The engine's API runner puts live objects into `observed.texts['api:' + id]` and converges them. */
export const kubeObject: ResourceKind<KubeObjectResource> = {
  id: (resource) => resource.id,
  paths: () => [],
  reads: () => undefined,

  compare(resource, observed) {
    const wanted = comparable(resource.object);
    const isSecret = resource.object['kind'] === 'Secret';
    const asked = JSON.stringify(wanted);
    const hash = (isSecret ? weakHash : sha256)(asked);
    const text = observed.texts[`api:${resource.id}`];
    const live = text === undefined ? undefined : (JSON.parse(text) as LiveObject);
    const seen = live === undefined ? undefined : project(comparable(live), wanted);
    const differs = JSON.stringify(seen) !== asked;
    const leaving = live === undefined ? [] : surplusFields(live, wanted);
    if (!differs && leaving.length === 0)
      return { result: 'unchanged', reason: 'the fields that are set are as wanted', hash };
    const before = seen === undefined ? '' : shown(seen);
    const change: Change = {
      result: 'change',
      verb: seen === undefined && !resource.partial ? 'create' : 'update',
      reasons: [
        ...(seen === undefined ? ['absent'] : []),
        ...(seen !== undefined && differs ? [`differs in ${differingFields(seen, wanted).join(', ')}`] : []),
        ...leaving.map((field) => `${field} is no longer wanted`),
      ],
      hash,
      rests: isSecret ? weakHash(before) : rests(seen),
    };
    return isSecret ? change : { ...change, diff: { before, after: shown(wanted) } };
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

interface LiveObject extends Readonly<Record<string, unknown>> {
  metadata?: { managedFields?: { manager?: string; fieldsV1?: ManagedFields }[] };
}

interface ManagedFields {
  readonly [field: string]: ManagedFields;
}

/** Fields that an earlier server-side apply of ours set and that are wanted no more: applying without them ends them. */
function surplusFields(live: LiveObject, wanted: Readonly<Record<string, unknown>>): string[] {
  const ours = (live.metadata?.managedFields ?? []).filter((entry) => entry.manager === 'mcpk');
  return [...new Set(ours.flatMap((entry) => notWanted(entry.fieldsV1 ?? {}, wanted, '')))];
}

function notWanted(fields: ManagedFields, wanted: unknown, path: string): string[] {
  const names = Object.keys(fields).filter((name) => name.startsWith('f:'));
  return names.flatMap((name) => {
    const key = name.slice(2);
    const at = path === '' ? key : `${path}.${key}`;
    // Lists of maps are named by their keys there; they are compared as values.
    if (typeof wanted !== 'object' || wanted === null || Array.isArray(wanted)) return [];
    const value = (wanted as Record<string, unknown>)[key];
    return value === undefined ? [at] : notWanted(fields[name] ?? {}, value, at);
  });
}
