/**
 * `npm test` is the CI tier (MCPK_TIER=ci). What takes long and is shown in short by another test runs only outside of
 * it: by `npm run test:full -- AREA` and `npm run test:lab`.
 */
export const FULL = process.env['MCPK_TIER'] !== 'ci';
