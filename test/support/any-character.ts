import fc from 'fast-check';

/**
 * Any character of Unicode, as the unit of `fc.string`. With `unit: 'binary'` fast-check turns its table of all Unicode
 * round first, for a second in each worker.
 */
export const anyCharacter = fc
  .integer({ min: 0, max: 0x10ffff })
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code));
