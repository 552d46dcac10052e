import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '@oclif/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PARTS } from '../../scripts/docs.ts';
import { ROOT } from '../../scripts/process.ts';
import { COMMANDS } from '../../src/commands/main.ts';
import { EXIT_CODES, failure, McpkError, type ErrorCode } from '../../src/core/errors.ts';
import { loadConfig, mcpk } from '../commands/support.ts';
import Greet from './greet.ts';

const table = EXIT_CODES as Record<string, readonly [number, string]>;
const commands = COMMANDS as Record<string, Command.Class>;
const unheard = 'unheard' as ErrorCode;

describe('an exit code with its line in the table', () => {
  beforeAll(() => {
    table['unheard'] = [20, 'nobody listens'];
    commands['greet'] = Greet;
  });
  afterAll(() => {
    Reflect.deleteProperty(table, 'unheard');
    Reflect.deleteProperty(commands, 'greet');
  });

  it('is that of its errors, alone or as the first of several', () => {
    const [first, other] = [new McpkError(unheard, 'a'), new McpkError('gate', 'b')];
    expect(first.toJSON()).toMatchObject({ code: 'unheard', exitCode: 20 });
    expect(failure([first, other]).exitCode).toBe(20);
  });

  it('ends a command, stands in its JSON, and in the help', async () => {
    const config = await loadConfig();
    expect((await mcpk(['greet', '--fail', 'unheard'], config)).code).toBe(20);
    await expect(mcpk(['greet', '--fail', 'stage'], config)).rejects.toThrow('ended with 15, which is not among');
    const { stdout } = await mcpk(['greet', '--fail', 'unheard', '--json'], config);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'unheard', exitCode: 20 } });
    expect((await mcpk(['--help'], config)).stdout).toMatch(/^ *20 {2,}nobody listens$/m);
    expect(await PARTS['exit codes']?.()).toContain('\n| 20 | nobody listens |');
  });
});

it('no two codes are one, and each is one that a process can end with', () => {
  const codes = Object.values(EXIT_CODES).map(([code]) => code);
  expect(new Set(codes).size).toBe(codes.length);
  expect(codes.filter((code) => code < 0 || code > 255)).toEqual([]);
});

/** A figure in the place of a code: `process.exit(3)`, `process.exitCode = 3`. */
const FIGURE = /process\.exit(?:\(|Code\s*=\s*)\d/;

it('no other file of src ends the process with a figure of its own', () => {
  const files = globSync('src/**/*.ts', { cwd: ROOT });
  expect(files.filter((path) => FIGURE.test(readFileSync(join(ROOT, path), 'utf8')))).toEqual([]);
  expect(FIGURE.test('process.exitCode = 15;')).toBe(true);
});
