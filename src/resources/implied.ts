import { parents } from './identity.ts';
import type { Ref } from './types.ts';

/** What must be there before something is laid down at a path: its folders and its owner. */
export function impliedByPath(path: string, owner?: string): Ref[] {
  return [
    ...parents(path).map((parent): Ref => `directory:${parent}`),
    ...(owner === undefined || owner === 'root' ? [] : [`user:${owner}` as const]),
  ];
}
