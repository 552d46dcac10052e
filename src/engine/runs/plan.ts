import { askMoves, movesOf } from '../../cluster/moves.ts';
import type { EngineInput } from '../input.ts';
import { checkBelonging, open } from '../read/open.ts';
import { whileRefused } from '../read/refused-by-api.ts';
import type { Plan } from '../types.ts';
import { converging } from './in-scope.ts';
import { prepare } from './prepare.ts';

/** `mcpk plan` */
export async function planRun(options: EngineInput): Promise<Plan> {
  const input = converging(options);
  const opened = await open(input, 'none', askMoves(input.cluster));
  try {
    const { facts, answers } = opened;
    checkBelonging(input.cluster, facts);
    const moves = movesOf(input.cluster, facts, answers);
    const { program } = await prepare(whileRefused(input, opened), opened);
    return { ...program.plan, ...(moves ? { moves } : {}) };
  } finally {
    await opened.fleet.close();
  }
}
