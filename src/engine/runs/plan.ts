import type { EngineInput } from '../input.ts';
import { open } from '../read/open.ts';
import { whileRefused } from '../read/refused-by-api.ts';
import type { Plan } from '../types.ts';
import { converging } from './in-scope.ts';
import { prepare } from './prepare.ts';
import { withArtifacts } from './with-artifacts.ts';

/** `mcpk plan` */
export async function planRun(options: EngineInput): Promise<Plan> {
  const input = converging(options);
  const opened = await open(input, 'none');
  try {
    const ready = await withArtifacts(whileRefused(input, opened), opened.facts);
    return (await prepare(ready, opened, [])).program.plan;
  } finally {
    await opened.fleet.close();
  }
}
