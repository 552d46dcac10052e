import type { Resource } from './types.ts';

/** Paths that a resource is made of: what a plan's preconditions and a unit's age are asked of. */
export function touchedPaths(resource: Resource): string[] {
  switch (resource.kind) {
    case 'file':
    case 'link':
    case 'directory':
      return [resource.path];
    case 'certificate':
      return [...new Set([resource.path, resource.keyPath])];
    case 'sharedSecret':
      return resource.files.map((file) => file.path);
    default:
      return [];
  }
}
