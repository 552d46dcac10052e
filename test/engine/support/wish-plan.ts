import type { Facts } from '../../../src/cluster/facts.ts';
import type { Reader } from '../../../src/engine/hosts/reader.ts';
import type { EngineInput } from '../../../src/engine/input.ts';
import { prepareWish } from '../../../src/engine/runs/prepare-wish.ts';
import type { Plan } from '../../../src/engine/types.ts';
import type { Cluster } from '../../../src/inventory/types.ts';
import type { Stage } from '../../../src/states/stage.ts';
import { anyArtifact } from '../../states/cluster.ts';
import { fakeReader } from './fake-reader.ts';
import { fakeFleet } from './fake-fleet.ts';

export interface Wished {
  cluster: Cluster;
  facts: Facts;
  stages: readonly Stage[];
  reader?: Reader;
}

/** The plan of a wish on hosts that told these facts. */
export async function wishPlan({ cluster, facts, stages, reader = fakeReader() }: Wished): Promise<Plan> {
  const input = {
    cluster,
    stages,
    artifacts: anyArtifact,
    manifests: new Map(),
    selection: {},
    signal: new AbortController().signal,
    emit: () => undefined,
    tool: 'test',
    who: 'me',
    command: 'wish',
    concurrency: 1,
  } as unknown as EngineInput;
  const fleet = fakeFleet();
  const opened = { fleet, reader, facts, since: () => 0, exclusive: true };
  return (await prepareWish(input, opened, { stages })).program.plan;
}
