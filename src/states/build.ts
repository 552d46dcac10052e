import { PATHS } from '../core/paths.ts';
import { Secret } from '../core/secret.ts';
import type { DirectoryResource, FileResource, LinkResource, Ref, UnitInput } from '../resources/types.ts';
import type { Artifact, StateContext, Steps } from './stage.ts';

/** Who owns a file or folder, and who may read it: `root:etcd 0750`. */
export interface Access {
  mode: string;
  owner: string;
  group: string;
}

export const PUBLIC: Access = { mode: '0644', owner: 'root', group: 'root' };
export const PRIVATE: Access = { mode: '0600', owner: 'root', group: 'root' };
export const FOLDER: Access = { mode: '0755', owner: 'root', group: 'root' };
export const ROOT_FOLDER: Access = { mode: '0700', owner: 'root', group: 'root' };

/** 0640 root:GROUP: the service may read what it must not change. */
export function readableBy(group: string): Access {
  return { mode: '0640', owner: 'root', group };
}

/** 0600 of the service's own user. */
export function privateTo(user: string): Access {
  return { mode: '0600', owner: user, group: user };
}

export function folderOf(group: string): Access {
  return { mode: '0750', owner: 'root', group };
}

/** A file; one that is a secret is for whoever must read it alone. */
export function file(path: string, content: string | Secret, access: Access = PUBLIC): FileResource {
  return { kind: 'file', path, content, ...(content instanceof Secret ? alone(access) : access) };
}

/** 0600: of the group's user (the service, see {@link readableBy}) where a group reads it, else of its owner. */
function alone({ mode, owner, group }: Access): Access {
  const read = group !== 'root' && (Number.parseInt(mode, 8) & 0o040) !== 0;
  return { mode: PRIVATE.mode, owner: read ? group : owner, group };
}

export function directory(path: string, access: Access = FOLDER): DirectoryResource {
  return { kind: 'directory', path, ...access };
}

export function unitPath(name: string): string {
  return `${PATHS.units}/${name}`;
}

/** `/usr/local/bin/NAME` → the store: the stage that runs a binary switches its link. */
export function commandLink(artifact: Artifact): LinkResource {
  return { kind: 'link', path: `${PATHS.bin}/${artifact.name}`, target: `${PATHS.store}/${artifact.sha256}` };
}

export function linkTo(name: string, { artifacts, own }: StateContext): LinkResource {
  return commandLink(artifacts.get(name, own.arch));
}

export function inputs(on: UnitInput['on'], refs: readonly Ref[]): UnitInput[] {
  return refs.map((each) => ({ ref: each, on }));
}

/** `[name, value]` sorted by name: the order of an inventory's keys changes nothing. */
export function sortedEntries<V>(map: Readonly<Record<string, V>>): [string, V][] {
  return Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
}

export function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}

/** Around hosts of which a rollback wants nothing: that they leave is what the inventory says. */
export function nothing(): Steps {
  return { before: [], after: [] };
}
