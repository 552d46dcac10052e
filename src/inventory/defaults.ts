import { isMap } from '../core/merge.ts';
import { resolve, type JsonSchema } from './schema.ts';

/**
 * Fills in the schema's defaults, as a new value. A section that is not given is filled only if the schema gives it
 * a default of its own (`{}`); so settings that are inherited (a host's `ssh`) stay empty.
 */
export function fillDefaults(
  value: unknown,
  schema: JsonSchema,
  root: JsonSchema,
  skip: readonly string[] = [],
): unknown {
  if (Array.isArray(value)) {
    const items = schema.items === undefined ? undefined : resolve(schema.items, root);
    return items === undefined ? [...(value as unknown[])] : value.map((item) => fillDefaults(item, items, root));
  }
  if (!isMap(value)) return value;
  const filled = new Map<string, unknown>(Object.entries(value));
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (skip.includes(key)) continue;
    const child = resolve(property, root);
    const given = filled.get(key) ?? structuredClone(child.default);
    if (given !== undefined) filled.set(key, fillDefaults(given, child, root));
  }
  return Object.fromEntries(filled);
}

/** Freezes a value and all below it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
  return value;
}
