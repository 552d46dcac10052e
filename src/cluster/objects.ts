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

/**
 * Reads one object. Its resource's name follows from its kind, or is known from {@link parseResources}. Without a
 * namespace it is asked for in both places where it may be, as only the server knows which kinds have one; of
 * Kubernetes' own, which every run asks for, we know it too.
 */
export function askObject(
  cluster: Cluster,
  host: string,
  { apiVersion, kind, namespace, name }: ObjectName,
  plural = pluralOf(kind),
): Ask[] {
  const root = apiRoot(apiVersion);
  const anywhere = CLUSTER_WIDE.has(`${apiVersion}/${kind}`) ? [''] : ['', '/namespaces/default'];
  const places = namespace === '' ? anywhere : [`/namespaces/${namespace}`];
  return places.map((place) => askApi(cluster, host, `${root}${place}/${plural}/${name}`));
}

const CLUSTER_WIDE: ReadonlySet<string> = new Set([
  'v1/Namespace',
  'v1/Node',
  'apiextensions.k8s.io/v1/CustomResourceDefinition',
  'rbac.authorization.k8s.io/v1/ClusterRole',
  'rbac.authorization.k8s.io/v1/ClusterRoleBinding',
]);

/** JSON of the object; `unknown`: the server has no such resource; undefined when it did not answer in full. */
export function objectOf(answers: readonly Answer[]): { json: string } | 'absent' | 'unknown' | undefined {
  const seen = answers.map((answer) => parseHttp(answer));
  const found = seen.findIndex((each) => each?.status === 200);
  if (found >= 0) return parseJson(answers[found]) === undefined ? undefined : { json: seen[found]?.body ?? '' };
  if (seen.includes(undefined)) return undefined;
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
