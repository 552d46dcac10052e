import type { Selection } from '../types.ts';

/** Whether `--only` and `--skip` leave a stage of this name, whatever else needs it. */
export function isNamed(name: string, { only, skip }: Selection): boolean {
  return (only?.has(name) ?? true) && !skip?.has(name);
}
