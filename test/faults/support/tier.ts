import { FULL } from '../../support/tier.ts';
import type { Fault } from './prove.ts';

/** The faults that changes most often break; in the full tier all. */
export function selected(faults: readonly Fault[]): readonly Fault[] {
  return FULL ? faults : faults.filter((fault) => fault.quick);
}
