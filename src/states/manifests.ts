import { loadAll, Schema, timestampTag, YAML11_SCHEMA, YAMLException } from 'js-yaml';
import { McpkError } from '../core/errors.ts';
import { isMap } from '../core/merge.ts';
import type { Cluster } from '../inventory/types.ts';
import { MANIFEST_HINT, type KubeObject } from './kube-objects.ts';

/** As kubectl reads YAML: 1.1, where `0644` is octal, but dates stay text. */
const KUBECTL_YAML = new Schema(YAML11_SCHEMA.tags.filter((tag) => tag !== timestampTag));

/** Values of one manifest, those behind aliases counted each time: more than any has. */
const MOST_VALUES = 500_000;

type Manifests = ReadonlyMap<string, string>;

const PARSED = new WeakMap<Manifests, Map<string, readonly KubeObject[]>>();

/** What is wrong with a manifest is told with the setting that it comes from, and what that names. */
export function readAsOf<T>(name: string, cluster: Cluster, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof McpkError)) throw error;
    const { code, message, hint, details, cause } = error;
    throw new McpkError(code, message, { hint, details: [...settingOf(name, cluster), ...details], cause });
  }
}

function settingOf(name: string, { addons, network }: Cluster): string[] {
  const index = addons.manifests.findIndex((each) => each.name === name);
  const source = addons.manifests[index]?.source ?? network.calico.manifest;
  const setting = index < 0 ? 'network.calico.manifest' : `addons.manifests[${String(index)}].source`;
  return source === undefined ? [] : [`${setting}: ${source}`];
}

/** The objects of one of a run's manifests. Parsed once, as a large one takes long and several stages look at it. */
export function manifestObjects(name: string, manifests: Manifests): readonly KubeObject[] {
  const parsed = PARSED.get(manifests) ?? new Map<string, readonly KubeObject[]>();
  PARSED.set(manifests, parsed);
  const objects = parsed.get(name) ?? parseManifest(name, manifests.get(name) ?? '');
  parsed.set(name, objects);
  return objects;
}

/** The objects of a manifest: several documents, empty ones and Lists among them. Throws `invalid` with the line. */
export function parseManifest(name: string, text: string): KubeObject[] {
  return documents(name, text).flatMap((document) => {
    if (document === null || document === undefined) return [];
    if (!isMap(document))
      throw new McpkError('invalid', `manifest ${name}: a document is no object`, { hint: MANIFEST_HINT });
    const { kind, items } = document;
    return kind === 'List' && Array.isArray(items) ? items.filter(isMap) : [document];
  });
}

function documents(name: string, text: string): unknown[] {
  try {
    const all = loadAll(text, { schema: KUBECTL_YAML });
    if (isLarger(all, MOST_VALUES)) throw new RangeError();
    return all;
  } catch (cause) {
    // Without its cause, which has the text: the inventory may name a private file of another kind.
    const options = { hint: MANIFEST_HINT };
    if (cause instanceof RangeError)
      throw new McpkError('invalid', `manifest ${name}: is nested too deeply, or too large with its aliases`, options);
    if (!(cause instanceof YAMLException)) throw cause;
    const place = cause.mark ? ` in line ${String(cause.mark.line + 1)}` : '';
    throw new McpkError('invalid', `manifest ${name}: ${withoutWords(cause.reason)}${place}`, options);
  }
}

/** What YAML says is wrong, without the name of the tag, handle or alias that it repeats. */
function withoutWords(reason: string): string {
  return reason.split(/ ?(?:"|!<)|: /, 1)[0] ?? '';
}

/** An alias is one value here, and many where it is written out: as JSON, for the API. */
function isLarger(root: unknown, limit: number): boolean {
  const open: unknown[] = [root];
  for (let count = 0; open.length > 0; count++) {
    if (count + open.length > limit) return true;
    const value = open.pop();
    if (typeof value === 'object' && value !== null)
      for (const child of Object.values(value) as unknown[]) open.push(child);
  }
  return false;
}
