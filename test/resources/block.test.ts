import { spawnSync } from 'node:child_process';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { blockRemoval, readBlock, writeBlock } from '../../src/resources/block.ts';

/** Lines with a good chance of meeting markers, also of other blocks. */
const line = fc.oneof(
  fc.string({ maxLength: 8 }).map((text) => text.replaceAll('\n', '')),
  fc.constantFrom('', '# BEGIN mcpk other', '# END mcpk other', ' # BEGIN mcpk hosts', '# BEGIN mcpk hosts '),
);
const text = fc
  .tuple(fc.array(line, { maxLength: 6 }), fc.boolean())
  .map(([lines, closed]) => lines.join('\n') + (closed ? '\n' : ''));
const content = fc.array(line, { maxLength: 4 }).map((lines) => lines.map((each) => `${each}\n`).join(''));

describe('a block', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(text, content, (before, inner) => {
        expect(readBlock(writeBlock(before, 'hosts', inner), 'hosts')).toBe(inner);
      }),
    );
  });

  it('written twice is the same as written once', () => {
    fc.assert(
      fc.property(text, content, (before, inner) => {
        const once = writeBlock(before, 'hosts', inner);
        expect(writeBlock(once, 'hosts', inner)).toBe(once);
      }),
    );
  });

  it('leaves everything outside as it was, wherever it lies', () => {
    fc.assert(
      fc.property(text, text, content, content, (above, below, first, second) => {
        const closed = above === '' || above.endsWith('\n') ? above : `${above}\n`;
        const was = `${closed}# BEGIN mcpk hosts\n${first}# END mcpk hosts\n${below}`;
        expect(writeBlock(was, 'hosts', second)).toBe(
          `${closed}# BEGIN mcpk hosts\n${second}# END mcpk hosts\n${below}`,
        );
      }),
    );
  });

  it('is not seen where a marker is missing', () => {
    expect(readBlock('# BEGIN mcpk hosts\na\n', 'hosts')).toBeUndefined();
    expect(readBlock('# BEGIN mcpk hosts 2\na\n# END mcpk hosts\n', 'hosts')).toBeUndefined();
  });

  it('of a file without a line break at its end is read too', () => {
    expect(readBlock('# BEGIN mcpk hosts\na\n# END mcpk hosts', 'hosts')).toBe('a\n');
  });

  it('is taken out by sed, and nothing else', () => {
    const file = writeBlock('a\n', 'x.y', 'inner\n') + '# BEGIN mcpk xzy\nb\n# END mcpk xzy\n';
    const { stdout } = spawnSync('sed', ['-e', blockRemoval('x.y')], { input: file, encoding: 'utf8' });
    expect(stdout).toBe('a\n# BEGIN mcpk xzy\nb\n# END mcpk xzy\n');
  });
});
