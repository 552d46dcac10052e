import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KNOWN_HOSTS } from '../../../lab/keys.ts';
import { onOperatorSide, operatorEnvironment } from '../../../lab/operator.ts';
import { CLONE } from '../../../lab/paths.ts';
import { partOf, stable, withRecorded } from '../../../scripts/recorded.ts';
import { edited, type Page, type Runs, type Scenario } from '../../../scripts/scenario.ts';
import { screenAfter, textOf } from '../../../scripts/screen.ts';
import { onTerminal } from '../../../scripts/terminal.ts';
import { layHostKeys } from './host-key.ts';
import { FULL } from '../../support/tier.ts';
import { INVENTORY } from './mcpk.ts';
import { startFrom } from './start-from.ts';

/** All that a page tells, on the lab; `npm run docs:lab` records it there. */
export function scenesOf(page: Page): void {
  describe.runIf(FULL).each(Object.entries(page.sequences))('%s', (_, scenarios) => {
    startFrom(page.from ?? 'ready', { leaves: 'ready' });

    it(`goes as the page has it: ${scenarios.map(({ name }) => name).join(', ')}`, { timeout: 1_800_000 }, () =>
      perform(page, scenarios),
    );
  });
}

/** Carries out scenarios one after the other; with MCPK_RECORD, writes what each showed into its page. */
async function perform(page: Page, scenarios: readonly Scenario[]): Promise<void> {
  // An operator's folder, with a known_hosts of its own.
  const folder = await mkdtemp(join(tmpdir(), 'mcpk-scene-'));
  await copyFile(join(CLONE, INVENTORY), join(folder, 'mcpk.yaml'));
  await copyFile(KNOWN_HOSTS, join(folder, 'known_hosts'));
  try {
    for (const scenario of scenarios) {
      const outputs = await outputsOf(scenario, folder);
      if (process.env['MCPK_RECORD'] === undefined) continue;
      const file = join(CLONE, page.path);
      await writeFile(file, withRecorded(await readFile(file, 'utf8'), scenario.name, partOf(scenario, outputs)));
    }
  } finally {
    await layHostKeys();
    await rm(folder, { recursive: true });
  }
}

async function outputsOf({ steps }: Scenario, folder: string): Promise<string[]> {
  const outputs: string[] = [];
  const file = join(folder, 'mcpk.yaml');
  for (const step of steps) {
    if ('edit' in step) await writeFile(file, edited(await readFile(file, 'utf8'), step));
    else if ('run' in step) {
      const { amid = (work) => work() } = step;
      await amid(async () => outputs.push(await run(step, folder)));
    } else await step.by();
  }
  return outputs;
}

/** What stands on the terminal after the command. */
async function run({ run: text, answers = [], code = 0, shows = [] }: Runs, folder: string): Promise<string> {
  const knownHosts = join(folder, 'known_hosts');
  const env = { ...process.env, ...operatorEnvironment(), MCPK_LAB_KNOWN_HOSTS: knownHosts, CI: undefined };
  const shown = await onTerminal(onOperatorSide(['sh', '-ec', text]), { cwd: folder, env, answers });
  const said = textOf(screenAfter(shown.output))
    .replaceAll(knownHosts, '~/.ssh/known_hosts')
    .replaceAll(`${folder}/`, '')
    .replaceAll(folder, '.');
  expect(shown.code, `${text}\n${said}`).toBe(code);
  for (const pattern of shows) expect(said, text).toMatch(pattern);
  return stable(said);
}
