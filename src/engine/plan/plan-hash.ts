import { createHash } from 'node:crypto';
import { changesOf, type Plan } from '../types.ts';

/** Names what a run set out to do: the same for two plans with the same changes from the same state. */
export function planHash(plan: Plan): string {
  const changes = plan.stages.flatMap((stage) =>
    stage.hosts.flatMap((host) =>
      changesOf(host).map(({ ref, comparison }) => [
        stage.name,
        host.host,
        ref,
        comparison.verb,
        comparison.hash,
        comparison.rests,
      ]),
    ),
  );
  return createHash('sha256').update(JSON.stringify(changes)).digest('hex').slice(0, 16);
}
