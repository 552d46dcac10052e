import { loadAll, YAMLException } from 'js-yaml';
import { isMap } from '../core/merge.ts';
import { entries, type KubeconfigSettings } from './kubeconfig.ts';
import { dumpVerbatim, VERBATIM } from './verbatim.ts';

/** A kubeconfig that cannot be merged into. The message has no word of the file: there are keys and tokens in it. */
export class UnfitKubeconfig extends Error {}

type Map = Record<string, unknown>;

/**
 * A kubeconfig with this cluster's entries in it, as `kubectl config set-cluster`, `set-credentials` and `set-context`
 * would leave it: they replace those of the same names, and all else stays but for comments. The current context
 * stays too where there is one, here or in a file that kubectl reads with this one (`currentElsewhere`). Throws
 * {@link UnfitKubeconfig} for what is no kubeconfig, and where a name is another cluster's.
 */
export function mergeKubeconfig(text: string, settings: KubeconfigSettings, currentElsewhere = false): string {
  const there = parseKubeconfig(text);
  const { clusters, users, contexts } = entries(settings);
  const [cluster, user, context] = [clusters[0], users[0], contexts[0]];
  const known = valueOf(there, 'clusters', 'cluster', settings.name);
  if (isAnother(known, map(cluster['cluster'])))
    throw new UnfitKubeconfig(`has another cluster that is called ${settings.name}, at another address`);
  const used = valueOf(there, 'contexts', 'context', settings.name);
  if ((used['cluster'] ?? settings.name) !== settings.name)
    throw new UnfitKubeconfig(`has a context ${settings.name} that is another cluster's`);
  // The way to the cluster (a proxy, a name for TLS) and the namespace are the user's own; whom to trust is not.
  const trusted = { 'certificate-authority': undefined, 'insecure-skip-tls-verify': undefined };
  const current = there['current-context'];
  return dumpVerbatim({
    ...there,
    clusters: put(there, 'clusters', { ...cluster, cluster: { ...known, ...trusted, ...map(cluster['cluster']) } }),
    users: put(there, 'users', user),
    contexts: put(there, 'contexts', { ...context, context: { ...used, ...map(context['context']) } }),
    'current-context': current || (currentElsewhere ? current : settings.name),
  });
}

/** A cluster that was built anew has another authority, one that moved another address; what has both is another one. */
function isAnother(known: Map, ours: Map): boolean {
  const data = 'certificate-authority-data';
  return known['server'] !== undefined && known['server'] !== ours['server'] && known[data] !== ours[data];
}

/** Whether a name that this cluster's entries have is taken in a kubeconfig, and whether it has a current context. */
export function lookInto(text: string, settings: KubeconfigSettings): { isNamed: boolean; hasCurrent: boolean } {
  const there = parseKubeconfig(text);
  const isNamed = Object.entries(entries(settings)).some(([section, [{ name }]]) =>
    listOf(there, section).some((entry) => entry['name'] === name),
  );
  return { isNamed, hasCurrent: Boolean(there['current-context']) };
}

/** What a kubeconfig holds. Throws {@link UnfitKubeconfig}. */
export function parseKubeconfig(text: string): Map {
  const [read, ...more] = documentsOf(text);
  if (more.length > 0) throw new UnfitKubeconfig('is no kubeconfig: it is several YAML documents');
  if (read === undefined || read === null) return { apiVersion: 'v1', kind: 'Config' };
  if (!isMap(read)) throw new UnfitKubeconfig('is no kubeconfig: it is no map');
  if ((read['kind'] ?? 'Config') !== 'Config' || (read['apiVersion'] ?? 'v1') !== 'v1')
    throw new UnfitKubeconfig('is no kubeconfig: its kind is another one');
  for (const name of ['clusters', 'users', 'contexts']) listOf(read, name);
  return { apiVersion: 'v1', kind: 'Config', ...read };
}

function documentsOf(text: string): unknown[] {
  try {
    return loadAll(text, { schema: VERBATIM });
  } catch (error) {
    const line = error instanceof YAMLException ? error.mark?.line : undefined;
    throw new UnfitKubeconfig(`is no YAML${line === undefined ? '' : `, from line ${String(line + 1)} on`}`);
  }
}

function listOf(config: Map, section: string): Map[] {
  const list = config[section] ?? [];
  if (Array.isArray(list) && list.every(isMap)) return list;
  throw new UnfitKubeconfig(`is no kubeconfig: its ${section} are no list of maps`);
}

/** What the entry of this name holds; nothing where there is none. */
function valueOf(config: Map, section: string, field: string, name: string): Map {
  return map(listOf(config, section).find((entry) => entry['name'] === name)?.[field]);
}

function map(value: unknown): Map {
  return isMap(value) ? value : {};
}

/** In its place, or at the end. */
function put(config: Map, section: string, entry: Map): Map[] {
  const list = listOf(config, section);
  const at = list.findIndex((each) => each['name'] === entry['name']);
  return at < 0 ? [...list, entry] : list.with(at, entry);
}
