import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './process.ts';

/** oclif's options for the sources in place of the bundle: the same commands, no build, no manifest. */
export function fromSources(): { root: string; pjson: never; ignoreManifest: true } {
  const text = readFileSync(join(ROOT, 'package.json'), 'utf8').replaceAll('./dist/mcpk.cjs', './src/commands/main.ts');
  return { root: ROOT, pjson: JSON.parse(text) as never, ignoreManifest: true };
}
