import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../scripts/process.ts';
import { CONVERGE_PARTS } from '../../src/engine/wire/scripts.ts';
import { ARCHITECTURE, found, readText } from './doc.ts';

/** `commands/apply.ts` → … as docs/architecture.md has it; rooms of the engine stand without its name. */
const [line = ''] = found(ARCHITECTURE, /^From the command to the host, .*?; on the host/gm);
const road = found(line, /`([\w-]+\/[\w-]+\.ts)`/g).map(
  (path) => [`src/${path}`, `src/engine/${path}`].find((each) => existsSync(join(ROOT, each))) ?? path,
);

/** Files that this one takes more than types from, at its head or once it runs. */
function importsOf(path: string): string[] {
  const names = found(readText(path), /^import (?!type )[^;]*?from '(\.[^']+)'|\bimport\('(\.[^']+)'\)/gm);
  return names.map((name) => join(dirname(path), name));
}

describe('the road from mcpk apply to the host', () => {
  it('begins with the command, ends with the session, and is at most ten files long', () => {
    expect([road[0], road.at(-1)]).toEqual(['src/commands/apply.ts', 'src/transport/session.ts']);
    expect(road.length).toBeLessThanOrEqual(10);
  });

  it.each(road.slice(1).map((path, index) => [path, road.slice(0, index + 1)] as const))(
    '%s is imported by one of those before it',
    (path, before) => {
      expect(before.filter((each) => importsOf(each).includes(path))).not.toEqual([]);
    },
  );

  it('goes on with main.sh, the last part of converge', () => {
    expect(ARCHITECTURE).toContain('on the host the parts of `converge` begin in `main.sh`');
    expect(CONVERGE_PARTS.at(-1)).toBe('src/engine/wire/scripts/converge/main.sh');
  });
});
