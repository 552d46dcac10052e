import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bundle } from '../../scripts/bundle.ts';
import { CLONE } from '../../lab/paths.ts';
import type { RunResult as Said } from '../../lab/run.ts';
import type { Contestant } from '../measure.ts';
import type { SubsetResult } from './main.ts';
import type { Scope } from '../peers/comparable.ts';

/** Bundled as the installed program is, so that it starts as fast. */
export async function buildSubset(): Promise<void> {
  const folder = join(CLONE, '.cache/bench/subset');
  await mkdir(folder, { recursive: true });
  await bundle(folder, { input: 'bench/subset/main.ts', name: 'subset' });
}

/** mcpk's engine on what a race compares, as a contestant. */
export function subset(inventories: readonly string[], scope: Scope, kinds: readonly string[] = []): Contestant {
  return { argv: [process.execPath, join(CLONE, 'bench/subset/run.mjs'), inventories.join(','), scope, ...kinds] };
}

export function subsetResult(said: Said): SubsetResult {
  return JSON.parse(said.stdout) as SubsetResult;
}
