import type { LabState } from './saved-or-new.ts';

/**
 * `npm test` is the CI tier (MCPK_TIER=ci). What takes long and is shown in short by another test runs only outside of
 * it: by `npm run test:full -- AREA` (MCPK_TIER=full), which begins with bare hosts, and by `npm run test:lab` (lab).
 */
const TIER = process.env['MCPK_TIER'] ?? 'lab';

export const FULL = TIER !== 'ci';

/**
 * Whether files take the lab that they need from one that an earlier run saved, and save it where there is none. Not
 * where all is to be proved anew; but of the release before no tier proves how its cluster came to be, only what becomes
 * of it, so the full tier makes it once.
 */
export function keepsLab(state: LabState, tier: string = TIER): boolean {
  return tier === 'lab' || (tier === 'full' && state === 'before');
}
