/**
 * `npm test` is the CI tier (MCPK_TIER=ci). What takes long and is shown in short by another test runs only outside of
 * it: by `npm run test:full -- AREA` (MCPK_TIER=full), which begins with bare hosts, and by `npm run test:lab`.
 */
const TIER = process.env['MCPK_TIER'];

export const FULL = TIER !== 'ci';

/** Files take the lab they need from one that an earlier run saved: not where all is to be proved anew. */
export const MAY_LOAD = TIER !== 'ci' && TIER !== 'full';
