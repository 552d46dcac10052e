import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Config, run, settings } from '@oclif/core';
import { vi } from 'vitest';
import { fromSources } from '../../scripts/from-sources.ts';
import { COMMANDS } from '../../src/commands/main.ts';
import { endingsOf } from '../../src/commands/shared/exit-codes.ts';
import { EXIT_CODES } from '../../src/core/errors.ts';
import { commandOf } from '../support/command-of.ts';
import { checkJson } from '../support/json-schema.ts';

export interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

/** As bin/dev.js: the commands of src/, loaded once. */
export function loadConfig(): Promise<Config> {
  settings.enableAutoTranspile = false;
  return Config.load(fromSources());
}

let config = loadConfig();

export function loadedConfig(): Promise<Config> {
  return config;
}

/**
 * Runs mcpk in this process, or another set of commands; what it prints and its exit code are the result. One at a
 * time. Fails when a command ends with a code that its help and docs/exit-codes.md do not have, or prints with
 * --json what schema/json does not have.
 */
export async function mcpk(args: readonly string[], other?: Config): Promise<Said> {
  const said: Said = { code: 0, stdout: '', stderr: '' };
  const before = process.exitCode;
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((part) => {
      said[name] += String(part);
      return true;
    }),
  );
  process.exitCode = 0;
  try {
    await run([...args], other ?? (await config));
    said.code = Number(process.exitCode);
  } catch (error) {
    said.code = (error as { oclif?: { exit?: number } }).oclif?.exit ?? 1;
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = before;
    // oclif's help renames the commands that it shows (`host-key pin` for `host-key:pin`): they are not found any more.
    if (args.length === 0 || args.some((word) => /^(-h|--help|help)$/.test(word))) config = loadConfig();
  }
  checkDocumented(args, said.code);
  const id = commandOf(args);
  if (id !== undefined && other === undefined && args.includes('--json')) checkJson(id, JSON.parse(said.stdout));
  return said;
}

function checkDocumented(args: readonly string[], code: number): void {
  const id = commandOf(args);
  if (id === undefined || endingsOf(COMMANDS[id] ?? {}).some((ending) => EXIT_CODES[ending][0] === code)) return;
  throw new Error(`mcpk ${args.join(' ')} ended with ${String(code)}, which is not among the endings of the command`);
}

export function scratch(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'mcpk-commands-'));
}

export const INVENTORY = `apiVersion: mcpk/v1
kind: Cluster
name: small
endpoint: { address: 10.9.0.100 }
ssh: { agent: false, connectTimeout: 1 }
hosts:
  - { name: m1, address: 10.9.0.11, roles: [master] }
  - { name: m2, address: 10.9.0.12, roles: [master] }
  - { name: m3, address: 10.9.0.13, roles: [master] }
network: { plugin: none }
`;

/** The same cluster, of hosts that refuse to be reached at once: nothing listens at port 1 of this machine. */
export const AWAY = INVENTORY.replaceAll(
  /address: (10\.9\.0\.(1\d)),/g,
  'address: 127.0.0.$2, internalAddress: $1,',
).replace('agent', 'port: 1, agent');

export async function inventory(text = INVENTORY): Promise<string> {
  const file = join(await scratch(), 'mcpk.yaml');
  await writeFile(file, text);
  return file;
}
