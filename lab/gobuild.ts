import { mkdir, rename, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { LabError } from './errors.ts';
import { ensureCompiler } from './machine.ts';
import { ARCH } from './paths.ts';
import { recipeOf, type Recipe } from './recipes.ts';
import { isOnPath, run } from './run.ts';
import type { Component } from './versions.ts';

/**
 * Builds a component's programs from Go modules into `directory`/bin, for places where the Go
 * module proxy can be reached and upstream's release server cannot.
 */
export async function goBuild(component: Component, version: string, directory: string): Promise<void> {
  await requireGo(component, version);
  const recipe = await recipeOf(component, version);
  await mkdir(join(directory, 'bin'), { recursive: true });
  await writeFile(join(directory, 'go.mod'), goMod(recipe));
  for (const [name, text] of Object.entries(recipe.mains ?? {})) {
    await mkdir(join(directory, name));
    await writeFile(join(directory, name, 'main.go'), text);
  }
  if (recipe.cgo) await ensureCompiler();
  const env = { ...goEnvironment(), ...(recipe.cgo ? { CGO_ENABLED: '1' } : {}) };
  await run(['go', 'mod', 'tidy'], { cwd: directory, env });
  const flags = ['-p', '2', '-trimpath', '-tags', (recipe.tags ?? []).join(','), '-ldflags', linkerFlags(recipe)];
  const go = (...argv: string[]): Promise<string> => run(['nice', '-n', '10', 'go', ...argv], { cwd: directory, env });
  const mains = Object.keys(recipe.mains ?? {}).map((name) => `./${name}`);
  await go('build', ...flags, '-o', 'bin/', ...recipe.tools, ...mains);
  for (const [name, path] of Object.entries(recipe.tests ?? {})) {
    // `go mod tidy` leaves out what only another module's tests import. To vet it is upstream's.
    await go('test', '-c', '-mod=mod', '-vet=off', ...flags, '-o', `bin/${name}`, path);
  }
  for (const [from, to] of Object.entries(recipe.renames ?? {})) {
    await rename(join(directory, 'bin', from), join(directory, 'bin', to));
  }
}

async function requireGo(component: Component, version: string): Promise<void> {
  if (await isOnPath('go')) return;
  throw new LabError(`${component} ${version} cannot be downloaded from upstream and Go is not installed to build it`, {
    hint: 'install Go 1.26 or newer (https://go.dev/dl), or put the binaries into the cache by hand; see CONTRIBUTING.md',
  });
}

/** The machine's own Go settings hold; only what would change the result is set. */
function goEnvironment(): Record<string, string> {
  return {
    CGO_ENABLED: '0',
    GOOS: 'linux',
    GOARCH: ARCH,
    GOWORK: 'off',
    GOMAXPROCS: process.env['GOMAXPROCS'] ?? String(cpus().length),
  };
}

function goMod(recipe: Recipe): string {
  const lines = [
    'module mcpk.lab/build',
    '',
    'go 1.26.0',
    '',
    'tool (',
    ...recipe.tools.map((tool) => `\t${tool}`),
    ')',
    '',
    'require (',
    ...Object.entries(recipe.requires).map(([name, version]) => `\t${name} ${version}`),
    ')',
    '',
    ...Object.entries(recipe.replaces).map(([name, target]) => `replace ${name} => ${target}`),
  ];
  return `${lines.join('\n')}\n`;
}

function linkerFlags(recipe: Recipe): string {
  const variables = Object.entries(recipe.variables).map(([name, value]) => `-X ${name}=${value}`);
  const whole = recipe.cgo ? ['-linkmode external', '-extldflags -static'] : [];
  return ['-s', '-w', ...variables, ...whole].join(' ');
}
