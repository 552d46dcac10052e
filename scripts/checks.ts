import { glob, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadScripts } from '../src/engine/wire/scripts.ts';
import { ROOT, run, tool } from './process.ts';

/** A check that is not a test: it passes or fails as a whole. */
export interface Check {
  name: string;
  argv(): Promise<string[]>;
}

const fixed = (...argv: string[]) => ({ argv: async () => argv });

export const TYPES: Check = { name: 'types', ...fixed(tool('tsc'), '-p', 'tsconfig.check.json') };

export const LINT: readonly Check[] = [
  { name: 'eslint', ...fixed(tool('eslint'), '.') },
  { name: 'prettier', ...fixed(tool('prettier'), '--check', '--log-level=warn', '.') },
  { name: 'rooms', ...fixed(tool('depcruise'), 'src', 'lab', 'scripts') },
  { name: 'unused code', ...fixed(tool('knip'), '--no-config-hints') },
  { name: 'shellcheck', argv: async () => ['shellcheck', ...(await shellScripts()), await joinedScript()] },
];

async function shellScripts(): Promise<string[]> {
  const found = ['.ci/run'];
  for (const folder of ['src', 'lab', 'bench', 'bin', 'templates']) {
    for await (const path of glob(`${folder}/**/*.sh`, { cwd: ROOT })) found.push(join(path));
  }
  return found;
}

/** The parts of converge as a host runs them: only there is a name that no part sets seen to be wrong. */
async function joinedScript(): Promise<string> {
  const folder = join(ROOT, '.cache/lint');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'converge.sh'), loadScripts().converge);
  return join(folder, 'converge.sh');
}

/** Runs one check, prints a line and, when it failed, what the tool said. */
export async function perform(check: Check): Promise<boolean> {
  const start = performance.now();
  const { code, output } = await run(await check.argv());
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? '✔' : '✖'} ${check.name.padEnd(14)} ${seconds} s\n`);
  if (code !== 0) process.stdout.write(`${output.trimEnd().replaceAll(/^/gm, '    ')}\n`);
  return code === 0;
}
