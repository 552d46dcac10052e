import { describe, expect, it } from 'vitest';
import type { OwnedEntry } from '../../../src/cluster/facts.ts';
import { contactable } from '../../../src/inventory/types.ts';
import type { EngineInput } from '../../../src/engine/input.ts';
import { prepare } from '../../../src/engine/runs/prepare.ts';
import { changesOf, type Event, type Plan } from '../../../src/engine/types.ts';
import { departure } from '../../../src/states/departure.ts';
import { removal } from '../../../src/states/removal.ts';
import { MOUNTED_BELOW } from '../../../src/states/removal/scripts.ts';
import type { Stage } from '../../../src/states/stage.ts';
import { anyArtifact, factsOf, hostFacts, labCluster, registered } from '../../states/cluster.ts';
import { fakeReader } from '../support/fake-reader.ts';
import { fakeFleet } from '../support/fake-fleet.ts';

const present = await labCluster();
const cluster = await labCluster('hosts: [{ name: w2, state: absent }]');

/** Describes a file on the hosts that stay, and would know it only later on the others. */
const network: Stage = {
  name: 'network',
  title: 'network',
  needs: [],
  hosts: () => cluster.hosts,
  states: () => ({ deferred: true, until: 'nodes', why: 'later' }),
};
const addons: Stage = { ...network, name: 'addons', states: () => [] };

async function planned(
  owned: Record<string, OwnedEntry[]>,
  foreign = '',
  mounted = '',
): Promise<{ plan: Plan; warnings: string[] }> {
  const events: Event[] = [];
  const input = {
    cluster,
    stages: [departure, network, addons, removal],
    openManifests: () => Promise.resolve(new Map()),
    openArtifacts: () => Promise.resolve(anyArtifact),
    selection: {},
    concurrency: 1,
    signal: new AbortController().signal,
    emit: (event: Event) => events.push(event),
    tool: 'test',
    command: 'plan',
    who: 'me',
  } as unknown as EngineInput;
  const known = contactable(cluster).map(
    (host) =>
      [host.name, hostFacts(host.internalAddress, { hostname: host.name, owned: owned[host.name] ?? [] })] as const,
  );
  const nodes = registered(owned['w2'] ? present : cluster);
  const facts = factsOf(cluster, { hosts: new Map(known), nodes, etcd: 'formed', apiHost: 'm1' });
  const reader = fakeReader({
    answer: ({ argv }) => {
      if (argv[2] === MOUNTED_BELOW) return { stdout: argv.includes('/var/lib/mcpk') ? mounted : '' };
      return argv.join(' ').includes('find ') ? { stdout: foreign } : undefined;
    },
  });
  const fleet = fakeFleet();
  const { program } = await prepare(input, { fleet, reader, facts, since: () => 0, exclusive: false });
  const warnings = events.flatMap((event) =>
    event.type === 'warning' ? [`${event.host ?? ''}: ${event.message}`] : [],
  );
  return { plan: program.plan, warnings };
}

const of = (stage: string, ...refs: string[]): OwnedEntry[] => refs.map((ref) => ({ ref, hash: 'h', stage }));

const OWNED = [
  ...of('system', 'directory:/etc/kubernetes', 'file:/etc/kubernetes/a', 'package:socat'),
  ...of('network', 'unit:mcpk-network.service'),
  ...of('nodes', 'unit:kubelet.service'),
  ...of('bygone', 'file:/etc/older'),
];

describe("somebody's disk below a folder that goes", () => {
  it('is told before anything stops', async () => {
    await expect(planned({ w2: OWNED }, '', '/var/lib/cni/disk\n/var/lib/mcpk/disk\n')).rejects.toMatchObject({
      code: 'preflight',
      host: 'w2',
      message: 'something is mounted on /var/lib/cni/disk, /var/lib/mcpk/disk, in a folder that goes',
    });
    await expect(planned({ w2: OWNED })).resolves.toBeDefined();
  });
});

describe('what mcpk owns on a host that leaves', () => {
  it('leaves with the last stage, units first and folders last, whatever stage laid it or is not known yet', async () => {
    const { plan } = await planned({ w2: OWNED });
    expect(plan.stages.map(({ name }) => name)).toEqual(['departure', 'network', 'addons', 'removal']);
    const [host] = plan.stages.at(-1)?.hosts.filter((each) => changesOf(each).length > 0) ?? [];
    expect([host?.host, host && changesOf(host).map(({ ref }) => ref)]).toEqual([
      'w2',
      [
        'unit:kubelet.service',
        'unit:mcpk-network.service',
        'file:/etc/older',
        'file:/etc/kubernetes/a',
        'package:socat',
        'directory:/etc/kubernetes',
      ],
    ]);
    expect(plan.stages.at(-1)).toMatchObject({
      batches: [['w2']],
      irreversible: 'keys and data of hosts that leave are destroyed',
    });
  });

  it('is all there is to do: afterwards the stages are none of the run', async () => {
    const { plan } = await planned({});
    expect(plan.stages.map(({ name }) => name)).toEqual(['network', 'addons']);
    // One that has left is not about to be set up.
    expect(plan.hosts['w2']).not.toHaveProperty('new');
  });

  it('tells what lies beside it and stays, but not what the services that it set up wrote', async () => {
    const owned = [...OWNED, ...of('api-server', 'directory:/var/log/kubernetes')];
    const found = ['/etc/kubernetes/a', '/etc/kubernetes/theirs', '/var/log/kubernetes/audit/audit.log'];
    const { warnings } = await planned({ w2: owned }, `${found.join('\n')}\n`);
    expect(warnings).toContain("w2: not of mcpk's making, and stays there: /etc/kubernetes/theirs");
  });
});
