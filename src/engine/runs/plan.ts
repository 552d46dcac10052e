import type { EngineInput } from '../input.ts';
import { checkBelonging, open } from '../read/open.ts';
import { whileRefused } from '../read/refused-by-api.ts';
import type { Plan } from '../types.ts';
import { converging } from './in-scope.ts';
import { prepare } from './prepare.ts';

/** `mcpk plan` */
export async function planRun(options: EngineInput): Promise<Plan> {
  const input = converging(options);
  const opened = await open(input, 'none');
  try {
    checkBelonging(input.cluster, opened.facts);
    return (await prepare(whileRefused(input, opened), opened)).program.plan;
  } finally {
    await opened.fleet.close();
  }
}
