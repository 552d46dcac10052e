import { quantity } from '../core/quantity.ts';

type Json = unknown;
type JsonMap = Readonly<Record<string, Json>>;

/** What Kubernetes merges lists of maps by, the first that both sides have (`listMapKey` of the API's own types). */
const LIST_KEYS: readonly (readonly string[])[] = [
  ['name'],
  ['containerPort', 'protocol'],
  ['port', 'protocol'],
  ['mountPath'],
  ['key', 'effect'],
  ['ip'],
  ['type'],
];
/** Maps whose keys are the user's own: an empty text is a value there (the labels of node roles have no other). */
const FREE_MAPS = new Set(['labels', 'annotations', 'matchLabels', 'nodeSelector', 'data']);
const DEFAULTS: Readonly<Record<string, string>> = { protocol: 'TCP' };

/**
 * The part of `live` that `wanted` speaks of, in its shape and order; `undefined` where live has nothing.
 * A value that means the same (1000m and 1, what the server leaves out because it is empty) comes back as wanted.
 */
export function project(live: Json, wanted: Json): Json {
  if (isMap(wanted) && isMap(live)) {
    return Object.fromEntries(
      Object.entries(wanted).map(([key, value]) => [
        key,
        FREE_MAPS.has(key) && isMap(value) ? projectFree(live[key], value) : project(live[key], value),
      ]),
    );
  }
  if (Array.isArray(wanted) && Array.isArray(live)) return projectList(live as Json[], wanted as Json[]);
  return means(live, wanted) ? wanted : live;
}

function projectFree(live: Json, wanted: JsonMap): Json {
  const present = isMap(live) ? live : {};
  return Object.fromEntries(
    Object.entries(wanted).map(([key, value]) => [key, value === '' ? present[key] : project(present[key], value)]),
  );
}

/**
 * Entries that are only live come last: a list is wanted as a whole, but for maps that others may add to. A list in
 * which a key stands twice is none that is merged by it (an atomic one, as custom resources have): place by place.
 */
function projectList(live: readonly Json[], wanted: readonly Json[]): Json[] {
  const keys = LIST_KEYS.find(([first]) =>
    [...live, ...wanted].every((item) => isMap(item) && item[first!] !== undefined),
  );
  const nameOf = (item: Json): string => JSON.stringify(keys?.map((key) => (item as JsonMap)[key] ?? DEFAULTS[key]));
  const distinct = (items: readonly Json[]): boolean => new Set(items.map(nameOf)).size === items.length;
  if (!keys || !distinct(live) || !distinct(wanted))
    return live.map((item, index) => (index < wanted.length ? project(item, wanted[index]) : item));
  const byName = new Map(live.map((item) => [nameOf(item), item]));
  return wanted.flatMap((item) => (byName.has(nameOf(item)) ? [project(byName.get(nameOf(item)), item)] : []));
}

function means(live: Json, wanted: Json): boolean {
  if (live === wanted) return true;
  if (live === undefined) return isEmpty(wanted);
  return isFigure(live) && isFigure(wanted) && quantity(live) !== undefined && quantity(live) === quantity(wanted);
}

function isFigure(value: Json): value is string | number {
  return typeof value === 'string' || typeof value === 'number';
}

/** `omitempty` leaves these out. */
function isEmpty(value: Json): boolean {
  if (value === null || value === '' || value === false || value === 0) return true;
  if (Array.isArray(value)) return value.length === 0;
  return isMap(value) && Object.values(value).every(isEmpty);
}

function isMap(value: Json): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
