import { readFileSync } from 'node:fs';
import { bareHost } from '../../src/cluster/bare-host.ts';
import type { Facts, HostFacts } from '../../src/cluster/facts.ts';
import { loadTexts } from '../../src/inventory/load.ts';
import { readSchema } from '../../src/inventory/schema.ts';
import { packageValidator } from '../../src/core/package-validator.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import type { ArtifactIndex, StateContext } from '../../src/states/stage.ts';

const schema = readSchema();
const validator = await packageValidator('cluster');

const LAB = ['lab.yaml', 'lab-bridge.yaml'].map((file) => ({
  file,
  text: readFileSync(new URL(`../../inventories/${file}`, import.meta.url), 'utf8'),
}));

/** The lab's inventory with the bridge, whose stages need no file besides, and `overs` merged over it in turn, as a user's further files. */
export async function labCluster(...overs: string[]): Promise<Cluster> {
  const more = overs.filter((text) => text !== '').map((text, index) => ({ file: `over${String(index)}.yaml`, text }));
  const texts = [...LAB, ...more];
  return loadTexts(texts, {
    env: { HOME: '/root', MCPK_LAB_SSH_KEY: '/k', MCPK_LAB_KNOWN_HOSTS: '/h', MCPK_LAB_CALICO_MANIFEST: '/c.yaml' },
    directory: '/',
    schema,
    validator,
  });
}

/** A bare host as nobody asked it; `over` replaces single facts. */
export function hostFacts(address: string, over: Partial<HostFacts> = {}): HostFacts {
  return { ...bareHost('h', address), machineId: address, ...over };
}

export function factsOf(cluster: Cluster, over: Partial<Facts> = {}, own: Partial<HostFacts> = {}): Facts {
  return {
    hosts: new Map(cluster.hosts.map((host) => [host.name, hostFacts(host.internalAddress, own)])),
    unreachable: [],
    etcd: 'none',
    ...over,
  };
}

/** Every host a Ready node with the n-th part of podCidr. */
export function registered(cluster: Cluster, version = `v${cluster.versions.kubernetes}`): NonNullable<Facts['nodes']> {
  return new Map(
    cluster.hosts.map((host, index) => [
      host.name,
      { name: host.name, podCidr: `10.244.${String(index)}.0/24`, ready: true, kubeletVersion: version },
    ]),
  );
}

/** Any binary, its hash made from its name. */
export const anyArtifact: ArtifactIndex = {
  get: (name) => ({
    component: 'kubernetes',
    name,
    version: '1.37.1',
    sha256: Buffer.from(name.padEnd(32, '.')).toString('hex'),
    size: 1,
    source: `/b/${name}`,
  }),
  all: () => [],
};

export function contextOf(
  cluster: Cluster,
  name: string,
  facts: Facts,
  manifests: ReadonlyMap<string, string> = new Map(),
): StateContext {
  const host = cluster.hosts.find((each) => each.name === name);
  const own = facts.hosts.get(name);
  if (!host || !own) throw new Error(`the fixture has no host ${name}`);
  return { cluster, host, facts, own, artifacts: anyArtifact, manifests };
}
