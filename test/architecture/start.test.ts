import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { found, readText } from './doc.ts';

/** What a file names at its head for more than types: that is loaded with it, what it imports as it runs is not. */
function importsOf(path: string): string[] {
  return found(readText(path), /^(?:import|export) (?!type\b)(?:[^;']*? from )?'([^']+)';/gm);
}

/** The files that `mcpk --version` loads, and the packages. */
function loadedWith(first: string): { files: Set<string>; packages: Set<string> } {
  const [files, packages] = [new Set([first]), new Set<string>()];
  // A set goes on with what is added to it meanwhile.
  for (const file of files)
    for (const name of importsOf(file))
      if (name.startsWith('.')) files.add(join(dirname(file), name));
      else if (!name.startsWith('node:')) packages.add(name);
  return { files, packages };
}

const { files, packages } = loadedWith('src/commands/main.ts');

describe('what each start loads, whatever the command', () => {
  it('is all commands', () => {
    expect([...files]).toContain('src/commands/etcd/recover.ts');
  });

  it('is no package but the one that runs commands, and a small one that plans are shown by', () => {
    expect([...packages].toSorted()).toEqual(['@oclif/core', 'diff']);
  });

  it.each(['artifacts', 'pki', 'render', 'resources', 'states', 'transport', 'engine/runs', 'engine/plan'])(
    'is nothing of src/%s',
    (room) => {
      expect([...files].filter((file) => file.startsWith(`src/${room}/`))).toEqual([]);
    },
  );
});
