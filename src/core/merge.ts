/** A plain map, as YAML and JSON give them: no class instance, no list. */
export function isMap(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * Puts `over` upon `base`, mutating neither: maps are merged key by key, everything else (lists too) is
 * replaced, `null` in `over` removes the key, `undefined` leaves it. Keys keep the order of `base`; new ones follow.
 */
export function deepMerge(
  base: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  // A Map and fromEntries: a key named __proto__ stays an own key and reaches no prototype.
  const merged = new Map<string, unknown>(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    if (value === null) {
      merged.delete(key);
      continue;
    }
    const below = merged.get(key);
    merged.set(key, isMap(value) ? deepMerge(isMap(below) ? below : {}, value) : value);
  }
  return Object.fromEntries(merged);
}

/** As {@link deepMerge}, for what is itself put upon something later: a `null` stays, and removes the key there. */
export function layer(
  base: Readonly<Record<string, unknown>>,
  over: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged = new Map<string, unknown>(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    const below = merged.get(key);
    if (value !== undefined) merged.set(key, isMap(value) && isMap(below) ? layer(below, value) : value);
  }
  return Object.fromEntries(merged);
}
