import { McpkError } from '../../core/errors.ts';
import { clean } from '../../report/theme.ts';
import type { ApplyInput } from '../../engine/runs/apply.ts';

export interface SavedPlan {
  input: Required<Pick<ApplyInput, 'saved' | 'selection'>>;
  /** Flags that make the same plan anew: what goes on where it was left. */
  flags: { inventory: string[]; limit?: string; only?: string[]; skip?: string[] };
}

/** A plan that was kept, and what it decides of a run. */
export async function savedPlan(file: string, inventory: readonly string[] | undefined): Promise<SavedPlan> {
  const { readPlan } = await import('../../engine/plan/plan-file.ts');
  const { selectionOf } = await import('../../engine/plan/plan.ts');
  const saved = await readPlan(file);
  if (saved.command !== undefined)
    throw new McpkError('usage', `${file} is a plan of another command than apply`, {
      hint: `It plans anew, and asks: ${clean(saved.command)}`,
    });
  const { limit, ...stages } = saved.selection;
  return {
    input: { saved, selection: selectionOf(saved) },
    flags: {
      inventory: [...(inventory ?? saved.inventory.files)],
      ...(limit ? { limit: limit.join(',') } : {}),
      ...stages,
    },
  };
}
