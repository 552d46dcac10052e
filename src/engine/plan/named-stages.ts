import type { Stage } from '../../states/stage.ts';
import type { EngineInput } from '../input.ts';
import type { Selection } from '../types.ts';

/** Whether `--only` and `--skip` leave a stage of this name, whatever else needs it. */
export function isNamed(name: string, { only, skip }: Selection): boolean {
  return (only?.has(name) ?? true) && !skip?.has(name);
}

/** Without those that nobody asked for and for which alone manifests would be fetched. For what only describes hosts. */
export function describedStages({ stages, selection }: Pick<EngineInput, 'stages' | 'selection'>): Stage[] {
  return stages.filter(({ name, manifests }) => !manifests || isNamed(name, selection));
}
