import { isMap } from '../core/merge.ts';
import type { Cluster } from '../inventory/types.ts';
import { askApi } from './api-server.ts';
import type { Answer, Ask } from './gate.ts';
import { parseHttp, parseJson } from './http.ts';

export interface ObjectName {
  apiVersion: string;
  kind: string;
  /** Empty for what lives in none, or in kubectl's own, `default`. */
  namespace: string;
  name: string;
}

/** `apps/v1/Deployment/kube-system/coredns`; the namespace may be empty. */
export function parseObjectId(id: string): ObjectName {
  const [name = '', namespace = '', kind = '', ...version] = id.split('/').toReversed();
  return { apiVersion: version.toReversed().join('/'), kind, namespace, name };
}

/** What mcpk calls itself when it applies. */
export const MANAGER = 'mcpk';
/** By this label mcpk marks what it made. */
export const MANAGED: Readonly<Record<string, string>> = { 'app.kubernetes.io/managed-by': MANAGER };

/** Names without what has a meaning in paths, requests or on terminals. */
const ID = /^([a-z0-9][a-z0-9.-]*\/)?v[a-z0-9]+\/[A-Za-z][A-Za-z0-9]*\/[a-z0-9-]*\/(?!\.\.?$)[!-$&-.0-~]+$/;

/** Whether a text that somebody else may have written can be the id of an object. */
export function isObjectId(text: string): boolean {
  return text.length <= 1024 && ID.test(text);
}

/**
 * Where an object may be. Its resource's name follows from its kind, or is known from {@link parseResources}. Without a
 * namespace there are two places, as only the server knows which kinds have one; of Kubernetes' own, which every run
 * asks for, we know it too.
 */
export function objectPaths(
  { apiVersion, kind, namespace, name }: ObjectName,
  plural: string | undefined = pluralOf(kind),
): string[] {
  const root = apiRoot(apiVersion);
  const anywhere = CLUSTER_WIDE.has(`${apiVersion}/${kind}`) ? [''] : ['', '/namespaces/default'];
  const places = namespace === '' ? anywhere : [`/namespaces/${segment(namespace)}`];
  return places.map((place) => `${root}${place}/${plural}/${segment(name)}`);
}

/**
 * All of mcpk's objects in the place of this one: cheaper than one by one, as the API server answers a list out of its
 * memory and asks etcd for each object. Undefined when the place is not known.
 */
export function listPath(name: ObjectName): string | undefined {
  const [path = '', ...others] = objectPaths(name);
  if (others.length > 0) return undefined;
  const label = Object.entries(MANAGED).map(([key, value]) => `${key}=${value}`);
  return `${path.slice(0, path.lastIndexOf('/'))}?labelSelector=${encodeURIComponent(label.join())}&limit=${String(MOST_LISTED)}`;
}

/** In one answer; what is not among them is asked for by itself. */
const MOST_LISTED = 500;

/**
 * The objects of a list by their names, each as a GET of its own would give it; in a list of Kubernetes' own kinds they
 * are without apiVersion and kind. Undefined when the server did not answer, empty when it has no such list.
 */
export function* decodingList(answer: Answer | undefined): Generator<undefined, Map<string, string> | undefined> {
  if (parseHttp(answer) === undefined) return undefined;
  const list = parseJson(answer);
  const named = new Map<string, string>();
  if (!isMap(list) || !Array.isArray(list['items'])) return named;
  const { apiVersion, kind } = list;
  for (const item of list['items'] as unknown[]) {
    yield;
    const metadata = isMap(item) ? item['metadata'] : undefined;
    if (!isMap(metadata) || typeof metadata['name'] !== 'string') continue;
    const whole = { apiVersion, kind: String(kind).replace(/List$/, ''), ...(item as object) };
    named.set(metadata['name'], JSON.stringify(whole));
  }
  return named;
}

/** A colon is as good there as it is, and the names of roles are full of them. */
function segment(text: string): string {
  return encodeURIComponent(text).replaceAll('%3A', ':');
}

/** Deletes it unless another object has taken its place since it was read. */
export function askDelete(cluster: Cluster, host: string, { path, uid }: { path: string; uid: string }): Ask {
  const options = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background', preconditions: { uid } };
  return askApi(cluster, host, path, { method: 'DELETE', body: JSON.stringify(options) });
}

const CLUSTER_WIDE: ReadonlySet<string> = new Set([
  'v1/Namespace',
  'v1/Node',
  'apiextensions.k8s.io/v1/CustomResourceDefinition',
  'rbac.authorization.k8s.io/v1/ClusterRole',
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding',
]);

/**
 * JSON of the object and which of its paths it is at; `unknown`: the server has no such resource; `untold`: it may not
 * or cannot tell; undefined when it did not answer in full.
 */
export function objectOf(
  answers: readonly Answer[],
): { json: string; place: number } | 'absent' | 'unknown' | 'untold' | undefined {
  const seen = answers.map((answer) => parseHttp(answer));
  const found = seen.findIndex((each) => each?.status === 200);
  if (found >= 0)
    return parseJson(answers[found]) === undefined ? undefined : { json: seen[found]?.body ?? '', place: found };
  if (seen.includes(undefined)) return undefined;
  if (seen.some((each) => each?.status !== 404)) return 'untold';
  return seen.every((each) => each?.status === 404 && !namesObject(each.body)) ? 'unknown' : 'absent';
}

/** Which resources a group and version has. */
export function askResources(cluster: Cluster, host: string, apiVersion: string): Ask {
  return askApi(cluster, host, apiRoot(apiVersion));
}

/** Plural names by kind; without subresources. */
export function parseResources(answer: Answer | undefined): Map<string, string> {
  const list = parseJson(answer) as { resources?: { name: string; kind: string }[] } | undefined;
  const own = (list?.resources ?? []).filter((each) => !each.name.includes('/'));
  return new Map(own.map((each) => [each.kind, each.name]));
}

function apiRoot(apiVersion: string): string {
  return apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

/** As Kubernetes names the resources of its own kinds, and authors of definitions theirs. */
function pluralOf(kind: string): string {
  const name = kind.toLowerCase();
  if (name === 'endpoints') return name;
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`;
  return /(s|x|ch|sh)$/.test(name) ? `${name}es` : `${name}s`;
}

/** A 404 names what was not found; where no such resource is, there is nothing to name. */
function namesObject(body: string): boolean {
  return /"details":\s*\{\s*"name":/.test(body);
}
