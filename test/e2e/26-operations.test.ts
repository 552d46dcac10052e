import { describe, it } from 'vitest';
import { FULL } from '../support/tier.ts';
import { OPERATIONS } from './scenarios/operations.ts';
import { perform } from './support/scene.ts';
import { startFrom } from './support/start-from.ts';

/** What docs/operations.md tells; `npm run docs:lab` records it there. */
describe.runIf(FULL).each(Object.entries(OPERATIONS.sequences))('%s', (_, scenarios) => {
  startFrom('ready', { leaves: 'ready' });

  it(`goes as the page has it: ${scenarios.map(({ name }) => name).join(', ')}`, { timeout: 1_800_000 }, () =>
    perform(OPERATIONS, scenarios),
  );
});
