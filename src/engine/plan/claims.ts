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
  checkUnique(all);
  const units = new Map<string, string>();
  const solid = new Map<string, Claim>();
  const claims = all.flatMap(claimedPaths);
  for (const { host, stage, resources } of all)
    for (const resource of resources) if (resource.kind === 'unit') units.set(`${host} ${resource.name}`, stage);
  for (const claim of claims) if (claim.resource.kind !== 'directory') solid.set(`${claim.host} ${claim.path}`, claim);
  // Hosts of a cluster have the same paths.
  const above = new Map<string, string[]>();
  for (const claim of claims) {
    const folders = above.get(claim.path) ?? parents(claim.path);
    above.set(claim.path, folders);
    checkKept(claim, cluster.etcd.dataDirectory);
    checkUnitFile(claim, units);
    for (const folder of folders) {
      const over = solid.get(`${claim.host} ${folder}`);
      if (over) throw taken(over, `${ref(claim.resource)} lies below it, so it must be a directory`);
    }
  }
}

function claimedPaths({ host, stage, resources }: HostStates): Claim[] {
  return resources.flatMap((resource) => pathsOf(resource).map((path) => ({ path, resource, stage, host })));
}

/** Folders that are described as such, and whose content is somebody else's. */
const FOLDERS_ALONE: readonly string[] = [PATHS.state, PATHS.store];
/** Folders without which a host is no host, or not one of ours. */
const NEVER_REPLACED = [PATHS.state, PATHS.run, PATHS.units].flatMap((path) => [path, ...parents(path)]);

/** What mcpk remembers, the store, the data of etcd: written by converge, by uploads and by etcd, and by no resource. */
function checkKept(claim: Claim, etcdData: string): void {
  const { path, resource } = claim;
  const folder = resource.kind === 'directory' && resource.exclusive !== true;
  const alone = [...FOLDERS_ALONE, etcdData];
  if (!folder && [...NEVER_REPLACED, ...alone, ...parents(etcdData)].includes(path))
    throw taken(claim, 'it must stay a directory with all that is in it');
  if (alone.includes(path) || isIn(path, PATHS.authorities)) return;
  const owner = isIn(path, etcdData) ? 'etcd' : isIn(path, PATHS.state) || isIn(path, PATHS.run) ? 'mcpk' : undefined;
  if (owner !== undefined) throw taken(claim, `${owner} itself keeps it`);
}

/** `/etc/systemd/system/etcd.service` and what is over it: `/etc/systemd/system/etcd.service.d/x.conf`. */
const UNIT_FILE = /^\/(?:etc|run|lib|usr\/lib|usr\/local\/lib)\/systemd\/system(?:\.control)?\/([^/]+)/;
/** Drop-ins for many units at once, and the units that converge makes for a while. */
const OF_MANY = /^(?:[a-z]+|.*-\.[a-z]+)\.d$|^mcpk-deadman-/;

/** A unit and all that changes it belong to one stage: it is the one that restarts it, and waits for it. */
function checkUnitFile(claim: Claim, units: ReadonlyMap<string, string>): void {
  const name = UNIT_FILE.exec(claim.path)?.[1];
  if (name === undefined) return;
  if (OF_MANY.test(name)) throw taken(claim, 'it changes units of other stages');
  const unit = name.replace(/\.d$/, '');
  const owner = units.get(`${claim.host} ${unit}`) ?? claim.stage;
  if (owner !== claim.stage) throw taken(claim, `${unit} is described by ${owner}`);
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

function checkUnique(all: readonly HostStates[]): void {
  const seen = new Map<string, { stage: string; part: boolean }>();
  for (const { host, stage, resources } of all) {
    for (const resource of resources) {
      for (const { name, part } of namesOf(resource)) {
        const before = seen.get(`${host} ${name}`);
        // Blocks of one file live side by side; a whole file leaves room for none.
        if (before && !(before.part && part)) throw described(`${ref(resource)} on ${host}`, before.stage, stage);
        seen.set(`${host} ${name}`, { stage, part });
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
