/**
 * A value as `--json` prints it: maps become objects, errors and secrets what their `toJSON` says. JSON knows no
 * `undefined` and no functions; both are left out.
 */
export function toJson(value: unknown): unknown {
  if (value instanceof Map) {
    return Object.fromEntries([...(value as Map<unknown, unknown>)].map(([key, item]) => [String(key), toJson(item)]));
  }
  if (value instanceof Set) return [...(value as Set<unknown>)].map(toJson);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? undefined : value;
  if ('toJSON' in value && typeof value.toJSON === 'function') return toJson((value.toJSON as () => unknown)());
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]));
}
