import { globSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '@oclif/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/commands/main.ts';
import { ROOT } from '../../scripts/process.ts';
import { loadConfig, mcpk } from '../commands/support.ts';
import Greet from './greet.ts';

const table = COMMANDS as Record<string, Command.Class>;

/** What a command must say of itself and does not. */
function unsaid(command: Command.Class): string[] {
  return (['summary', 'description', 'examples'] as const).filter((name) => (command[name]?.length ?? 0) === 0);
}

describe('each command', () => {
  it('has a file of its name, and each file has its line in main.ts', () => {
    const files = globSync('**/*.ts', { cwd: join(ROOT, 'src/commands'), exclude: ['shared/**', 'main.ts'] });
    const names = files.map((path) => path.replace(/\.ts$/, '').replaceAll('/', ':'));
    expect(Object.keys(COMMANDS)).toEqual(names.toSorted());
  });

  it('has a summary, a description and examples', () => {
    const silent = Object.entries(COMMANDS).flatMap(([name, command]) => unsaid(command).map((what) => [name, what]));
    expect(silent).toEqual([]);
    expect(unsaid(class extends Greet { static override readonly examples = []; })).toEqual(['examples']); // prettier-ignore
  });
});

describe('a command with its line in main.ts', () => {
  let config: Awaited<ReturnType<typeof loadConfig>>;
  beforeAll(async () => {
    table['greet'] = Greet;
    config = await loadConfig();
  });
  afterAll(() => Reflect.deleteProperty(table, 'greet'));

  it('runs, prints text or one object, and takes the flags that all take', async () => {
    expect(await mcpk(['greet', '--verbose'], config)).toEqual({ code: 0, stdout: 'hello\n', stderr: '' });
    expect(JSON.parse((await mcpk(['greet', '--json'], config)).stdout)).toEqual({ said: 'hello' });
  });

  it('ends with the exit code of its error, and says where to look for a flag that it lacks', async () => {
    expect(await mcpk(['greet', '--fail', 'gate'], config)).toMatchObject({ code: 16, stdout: '' });
    const said = await mcpk(['greet', '--loud'], config);
    expect([said.code, said.stderr]).toEqual([64, expect.stringContaining('mcpk greet --help')]);
  });

  it('is in the list of commands, and explains itself', async () => {
    expect((await mcpk(['--help'], config)).stdout).toMatch(/^ {2}greet +Say hello\.$/m);
    const { stdout } = await mcpk(['greet', '--help'], await loadConfig());
    for (const words of ['Says it to nobody', '$ mcpk greet --fail usage']) expect(stdout).toContain(words);
  });
});
