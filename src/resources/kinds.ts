import { binary } from './binary.ts';
import { certificate } from './certificate.ts';
import { clusterRecord } from './cluster-record.ts';
import { command } from './command.ts';
import { directory } from './directory.ts';
import { file } from './file.ts';
import { kernelModule } from './kernel-module.ts';
import { kubeObject } from './kube-object.ts';
import { link } from './link.ts';
import { packageKind } from './package.ts';
import { sharedSecret } from './shared-secret.ts';
import { sysctl } from './sysctl.ts';
import type { Kind, Ref, Resource, ResourceKind } from './types.ts';
import { unit } from './unit.ts';
import { user } from './user.ts';

/** The table of all kinds, in the order in which things leave a host: units first, folders last. */
export const KINDS: { readonly [K in Kind]: ResourceKind<Extract<Resource, { kind: K }>> } = {
  unit,
  command,
  kubeObject,
  link,
  file,
  certificate,
  sharedSecret,
  clusterRecord,
  sysctl,
  kernelModule,
  binary,
  package: packageKind,
  user,
  directory,
};

export function kindOf<R extends Resource>(resource: R): ResourceKind<R> {
  // TypeScript does not see that the table is indexed by the very kind of the resource.
  return KINDS[resource.kind] as unknown as ResourceKind<R>;
}

/** owned.json of a newer mcpk may name kinds that there are none of here. */
export function isKind(name: string): name is Kind {
  return Object.hasOwn(KINDS, name);
}

/** By the name that owned.json has; throws RangeError for a name that is no kind. */
export function kindNamed(name: string): ResourceKind<Resource> {
  if (!isKind(name)) throw new RangeError(`${name} is no kind of resource`);
  return KINDS[name];
}

/** How a resource is named in requisites, plans and events. */
export function ref(resource: Resource): Ref {
  return `${resource.kind}:${kindOf(resource).id(resource)}`;
}

/** Paths that a resource is made of. */
export function pathsOf(resource: Resource): string[] {
  return kindOf(resource).paths(resource);
}
