import type { Fault } from './prove.ts';

/** MCPK_FAULTS=quick runs what changes most often break; everything else is the full tier. */
export const QUICK = process.env['MCPK_FAULTS'] === 'quick';

export function selected(faults: readonly Fault[]): readonly Fault[] {
  return QUICK ? faults.filter((fault) => fault.quick) : faults;
}
