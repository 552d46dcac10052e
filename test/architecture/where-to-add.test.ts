import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ARCHITECTURE, found, section } from './doc.ts';

const things = found(section(ARCHITECTURE, '## Where to add'), /^- \*\*(.+?)\*\*: /gm);

describe('where to add', () => {
  it('tells of all that there is to add', () => {
    expect(things).toEqual(expect.arrayContaining(['A stage', 'A step', 'A wish', 'A run', 'A template', 'A resource kind', 'A setting', 'A command', 'An exit code'])); // prettier-ignore
  });

  it.each(things)('%s: a test does it', (thing) => {
    const name = thing.replace(/^An? /, '').replaceAll(' ', '-');
    expect(existsSync(join(import.meta.dirname, `add-${name}.test.ts`)), `add-${name}.test.ts`).toBe(true);
  });
});
