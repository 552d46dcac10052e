import { etcdFolders } from '../../cluster/etcd-folders.ts';
import { McpkError } from '../../core/errors.ts';
import { PATHS } from '../../core/paths.ts';
import type { Cluster } from '../../inventory/types.ts';
import { parents } from '../../resources/identity.ts';
import { pathsOf, ref } from '../../resources/kinds.ts';
import type { Resource } from '../../resources/types.ts';
import type { HostStates } from '../types.ts';

interface Claim {
  path: string;
  resource: Resource;
  stage: string;
  host: string;
}

/** Each thing on a host has one stage, and what mcpk and etcd keep for themselves has none. Throws `invalid`. */
export function checkClaims(all: readonly HostStates[], cluster: Cluster): void {
  const about = aboutPaths(etcdFolders(cluster));
  for (const states of Map.groupBy(all, ({ host }) => host).values()) {
    checkUnique(states);
    checkPlaces(states, about);
  }
}

/** `states`: all of one host. */
function checkPlaces(states: readonly HostStates[], about: (path: string) => AboutPath): void {
  const units = new Map<string, string>();
  const claims = states.flatMap(claimedPaths);
  for (const { stage, resources } of states)
    for (const resource of resources) if (resource.kind === 'unit') units.set(resource.name, stage);
  const solid = new Map(claims.flatMap((each) => (each.resource.kind === 'directory' ? [] : [[each.path, each]])));
  for (const claim of claims) {
    const { unit, folders, ...kept } = about(claim.path);
    const why = isFolder(claim.resource) ? kept.fromFolders : kept.fromOthers;
    if (why !== undefined) throw taken(claim, why);
    const owner = unit === undefined ? claim.stage : (units.get(unit) ?? claim.stage);
    if (owner !== claim.stage) throw taken(claim, `${String(unit)} is described by ${owner}`);
    for (const folder of folders) {
      const over = solid.get(folder);
      if (over) throw taken(over, `${ref(claim.resource)} lies below it, so it must be a directory`);
    }
  }
}

function claimedPaths({ host, stage, resources }: HostStates): Claim[] {
  return resources.flatMap((resource) => pathsOf(resource).map((path) => ({ path, resource, stage, host })));
}

/** One that leaves alone what lies in it. */
function isFolder(resource: Resource): boolean {
  return resource.kind === 'directory' && resource.exclusive !== true;
}

interface AboutPath {
  /** Those that it lies in. */
  folders: readonly string[];
  /** Why it may not be claimed, by a folder and by anything else. */
  fromFolders: string | undefined;
  fromOthers: string | undefined;
  /** The unit that it is of: it and all that changes it belong to the stage that restarts it, and waits for it. */
  unit: string | undefined;
}

/** `/etc/systemd/system/etcd.service` and what is over it: `/etc/systemd/system/etcd.service.d/x.conf`. */
const UNIT_FILE = /^\/(?:etc|run|lib|usr\/lib|usr\/local\/lib)\/systemd\/system(?:\.control)?\/([^/]+)/;
/** Drop-ins for many units at once, and the units that converge makes for a while. */
const OF_MANY = /^(?:[a-z]+|.*-\.[a-z]+)\.d$|^mcpk-deadman-/;

/** Asked once a path, as the hosts of a cluster have the same ones. */
function aboutPaths(etcd: readonly string[]): (path: string) => AboutPath {
  const alone: readonly string[] = [PATHS.state, PATHS.store, ...etcd];
  const neverReplaced = new Set([...alone, PATHS.run, PATHS.units].flatMap((path) => [path, ...parents(path)]));
  /** What mcpk remembers, the store, the data of etcd: converge, uploads and etcd write them, and no resource. */
  const keptBy = (path: string): string | undefined => {
    if (alone.includes(path) || path === PATHS.clusterRecord || isIn(path, PATHS.authorities)) return undefined;
    if (etcd.some((folder) => isIn(path, folder))) return 'etcd';
    return isIn(path, PATHS.state) || isIn(path, PATHS.run) ? 'mcpk' : undefined;
  };
  const look = (path: string): AboutPath => {
    const name = UNIT_FILE.exec(path)?.[1];
    const keeps = keptBy(path);
    const ofMany = name !== undefined && OF_MANY.test(name) ? 'it changes units of other stages' : undefined;
    const fromFolders = keeps === undefined ? ofMany : `${keeps} itself keeps it`;
    const fromOthers = neverReplaced.has(path) ? 'it must stay a directory with all that is in it' : fromFolders;
    return { folders: parents(path), fromFolders, fromOthers, unit: name?.replace(/\.d$/, '') };
  };
  const known = new Map<string, AboutPath>();
  return (path) => {
    const about = known.get(path) ?? look(path);
    known.set(path, about);
    return about;
  };
}

function isIn(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

function taken({ stage, host, resource, path }: Claim, why: string): McpkError {
  const what = ref(resource).endsWith(`:${path}`) ? ref(resource) : `${ref(resource)} with ${path}`;
  return new McpkError('invalid', `${stage} on ${host}: ${what} can't be described: ${why}`, {
    hint: 'Take another path, or let the stage describe it that owns it.',
  });
}

function checkUnique(states: readonly HostStates[]): void {
  const seen = new Map<string, { stage: string; part: boolean }>();
  for (const { host, stage, resources } of states) {
    for (const resource of resources) {
      for (const { name, part } of namesOf(resource)) {
        const before = seen.get(name);
        // Blocks of one file live side by side; a whole file leaves room for none.
        if (before && !(before.part && part)) throw described(`${ref(resource)} on ${host}`, before.stage, stage);
        seen.set(name, { stage, part });
      }
    }
  }
}

function described(what: string, before: string, stage: string): McpkError {
  return before === stage
    ? new McpkError('invalid', `${what} is described twice by ${stage}`)
    : new McpkError('invalid', `${what} is described by two stages: ${before} and ${stage}`, {
        hint: 'One stage must own it.',
      });
}

/** A path is one thing, whether file, link or directory, key of a certificate or file of a secret. */
function namesOf(resource: Resource): { name: string; part: boolean }[] {
  const part = resource.kind === 'file' && resource.block !== undefined;
  return [{ name: ref(resource), part: false }, ...pathsOf(resource).map((path) => ({ name: `path ${path}`, part }))];
}
