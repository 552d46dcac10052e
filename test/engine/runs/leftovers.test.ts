import { describe, expect, it } from 'vitest';
import type { OwnedEntry } from '../../../src/cluster/facts.ts';
import type { EngineInput } from '../../../src/engine/input.ts';
import { prepare } from '../../../src/engine/runs/prepare.ts';
import type { Plan, Selection } from '../../../src/engine/types.ts';
import type { Stage } from '../../../src/states/stage.ts';
import { anyArtifact, factsOf, hostFacts, labCluster } from '../../states/cluster.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { fakeFleet } from '../support/fake-fleet.ts';

const cluster = await labCluster();
const NEEDS: Record<string, string[]> = { system: [], addons: ['system'] };
const STAGES = Object.entries(NEEDS).map(([name, needs]): Stage => ({
  name,
  title: name,
  needs,
  hosts: () => cluster.hosts,
  states: () => [],
}));

/** The plan for hosts that own this; m1 holds the VIP. */
async function planned(owned: Record<string, OwnedEntry[]>, selection: Selection = {}): Promise<Plan> {
  const fleet = fakeFleet();
  const input = {
    cluster,
    stages: STAGES,
    artifacts: anyArtifact,
    manifests: new Map(),
    openArtifacts: () => Promise.resolve(anyArtifact),
    openManifests: () => Promise.resolve(new Map()),
    selection,
    concurrency: 1,
    signal: new AbortController().signal,
    emit: () => undefined,
    tool: 'test',
    command: 'plan',
    who: 'me',
  } as unknown as EngineInput;
  const known = cluster.hosts.map((host) => {
    const own = { owned: owned[host.name] ?? [], holdsVip: host.name === 'm1' };
    return [host.name, hostFacts(host.internalAddress, own)] as const;
  });
  const facts = factsOf(cluster, { hosts: new Map(known) });
  return (await prepare(input, { fleet, reader: fakeReader(), facts, since: () => 0, exclusive: false })).program.plan;
}

const of = (stage: string, ...refs: string[]): OwnedEntry[] => refs.map((ref) => ({ ref, hash: 'h', stage }));

/** `stage: batches` of all stages. */
function order({ stages }: Plan): string[] {
  return stages.map(({ name, batches }) => `${name}: ${batches.map((batch) => batch.join(' ')).join(', ')}`);
}

describe('what a stage laid down that there is none of any more', () => {
  const owned = {
    m1: of('gone', 'unit:old.service', 'file:/etc/old'),
    m2: of('gone', 'file:/etc/old'),
    w1: [...of('bygone', 'file:/etc/older'), ...of('system', 'file:/etc/sys')],
  };

  it("leaves in a stage of its own after all others, host by host, the VIP's holder last", async () => {
    const plan = await planned(owned);
    expect(order(plan)).toEqual(['system: w1', 'addons: ', 'leftovers: m2, w1, m1']);
    const stage = plan.stages.at(-1);
    expect(stage?.needs).toEqual(['system', 'addons']);
    expect(stage?.hosts.map(({ host, items }) => [host, items.map((item) => item.ref)])).toEqual([
      ['m1', ['unit:old.service', 'file:/etc/old']],
      ['m2', ['file:/etc/old']],
      ['w1', ['file:/etc/older']],
    ]);
  });

  it('stays where the run is narrowed to other stages or hosts', async () => {
    expect(order(await planned(owned, { only: new Set(['system']) }))).toContain('leftovers: ');
    expect(order(await planned(owned, { limit: new Set(['m2']) }))).toContain('leftovers: m2');
  });

  it('makes no stage where there is nothing', async () => {
    expect(order(await planned({ w1: of('system', 'file:/etc/sys') }))).toEqual(['system: w1', 'addons: ']);
    // Of a kind that only a newer mcpk knows.
    expect(order(await planned({ w1: of('gone', 'firewall:x') }))).toEqual(['system: ', 'addons: ']);
  });
});
