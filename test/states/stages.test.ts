import { describe, expect, it } from 'vitest';
import { stagesInScope } from '../../src/engine/runs/in-scope.ts';
import { UNSEEN_ARTIFACTS } from '../../src/engine/runs/with-materials.ts';
import { ref } from '../../src/resources/kinds.ts';
import type { Resource } from '../../src/resources/types.ts';
import { STAGES } from '../../src/states/index.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import { contextOf, factsOf, labCluster, registered } from './cluster.ts';
import { outOfOrder } from './order.ts';

const VARIANTS: Record<string, string> = {
  'the lab': '',
  'TLS termination': 'endpoint: { tls: terminate }',
  'an external endpoint': 'endpoint: { external: true, address: api.example.net }',
  'etcd on hosts of its own': 'hosts: [{ name: e1, address: 10.77.0.31, roles: [etcd] }]',
};

/** What every stage describes on one host; `api` counts as a host. */
function describeHost(cluster: Cluster, name: string): { stage: string; resource: Resource }[] {
  const facts = factsOf(cluster, { nodes: registered(cluster) });
  return STAGES.filter((stage) => !stage.api && stage.hosts(cluster).some((host) => host.name === name)).flatMap(
    (stage) => {
      const states = stage.states(contextOf(cluster, name, facts));
      return Array.isArray(states) ? states.map((resource) => ({ stage: stage.name, resource })) : [];
    },
  );
}

describe('the order of the stages', () => {
  it('has every stage after all that it needs', () => {
    const names = STAGES.map((stage) => stage.name);
    expect(outOfOrder(STAGES)).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe.each(Object.entries(VARIANTS))('with %s', (_name, over) => {
  it('each path, unit and sysctl of a host belongs to one stage', async () => {
    const cluster = await labCluster(over);
    for (const host of cluster.hosts) {
      const seen = new Map<string, string>();
      for (const { stage, resource } of describeHost(cluster, host.name)) {
        const key = 'path' in resource && !('block' in resource) ? resource.path : ref(resource);
        expect(seen.get(key), `${key} on ${host.name}: ${stage} and ${String(seen.get(key))}`).toBeUndefined();
        seen.set(key, stage);
      }
    }
  });

  it('what a binary has for a sum shows only in stages that need the one that sends them', async () => {
    const cluster = await labCluster(over);
    const facts = factsOf(cluster, { nodes: registered(cluster) });
    for (const stage of STAGES) {
      const inScope = stagesInScope({ stages: STAGES, selection: { only: new Set([stage.name]) } });
      if (STAGES.some(({ name, binaries }) => binaries && inScope.has(name))) continue;
      for (const { name } of stage.hosts(cluster)) {
        const context = contextOf(cluster, name, facts);
        const unseen = stage.states({ ...context, artifacts: UNSEEN_ARTIFACTS });
        expect(unseen, stage.name).toEqual(stage.states(context));
      }
    }
  });

  it('every input and requisite names a resource of the same host', async () => {
    const cluster = await labCluster(over);
    for (const host of cluster.hosts) {
      const all = describeHost(cluster, host.name).map(({ resource }) => resource);
      const refs = new Set(all.map(ref));
      const wanted = all.flatMap((resource) => [
        ...(resource.requires ?? []),
        ...(resource.kind === 'unit' ? resource.inputs.map((input) => input.ref) : []),
      ]);
      expect(
        wanted.filter((each) => !refs.has(each)),
        host.name,
      ).toEqual([]);
    }
  });

  it('every file lies in a folder and has an owner that exist before it', async () => {
    const cluster = await labCluster(over);
    for (const host of cluster.hosts) {
      const all = describeHost(cluster, host.name).map(({ resource }) => resource);
      const folders = new Set(all.flatMap((each) => (each.kind === 'directory' ? [each.path] : [])));
      const users = new Set(['root', ...all.flatMap((each) => (each.kind === 'user' ? [each.name] : []))]);
      const owned = all.flatMap((each) =>
        each.kind === 'file' || each.kind === 'certificate' || each.kind === 'directory'
          ? [each.owner, each.group]
          : [],
      );
      expect(
        owned.filter((name) => !users.has(name)),
        host.name,
      ).toEqual([]);
      const ours = all.flatMap((each) =>
        'path' in each && each.path.startsWith('/etc/kubernetes/')
          ? [each.path.slice(0, each.path.lastIndexOf('/'))]
          : [],
      );
      expect(
        ours.filter((folder) => folder !== '/etc/kubernetes' && !folders.has(folder)),
        host.name,
      ).toEqual([]);
    }
  });

  it('no file holds a private key', async () => {
    const cluster = await labCluster(over);
    for (const host of cluster.hosts) {
      const texts = describeHost(cluster, host.name).flatMap(({ resource }) =>
        resource.kind === 'file' && typeof resource.content === 'string' ? [resource.content] : [],
      );
      expect(texts.filter((text) => /PRIVATE KEY|-data:|BEGIN CERT/.test(text))).toEqual([]);
    }
  });

  it('a second look gives the same', async () => {
    const [first, second] = await Promise.all([labCluster(over), labCluster(over)]);
    for (const host of first.hosts) expect(describeHost(second, host.name)).toEqual(describeHost(first, host.name));
  });
});
