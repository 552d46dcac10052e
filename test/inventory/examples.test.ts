import { readFileSync } from 'node:fs';
import { dump, load, loadAll } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { isMap } from '../../src/core/merge.ts';
import { revealed } from '../../src/core/secret.ts';
import { compile } from '../../src/engine/plan/compile.ts';
import { loadTexts } from '../../src/inventory/load.ts';
import type { Cluster } from '../../src/inventory/types.ts';
import type { FileResource } from '../../src/resources/types.ts';
import { STAGES } from '../../src/states/index.ts';
import { anyArtifact, factsOf, registered } from '../states/cluster.ts';

const REFERENCE = readFileSync(new URL('../../inventories/reference.yaml', import.meta.url), 'utf8');
/** A line such as `#name: value` is an example. */
const ON = REFERENCE.replaceAll(/^( *)#(?=[^\s#])/gm, '$1');

type Tree = Record<string, unknown>;

/** What a tree has, and another one lacks: each with the path to it. Of lists, the first host's own settings. */
function added(tree: Tree, from: Tree, path: string[] = []): { path: string[]; value: unknown }[] {
  return Object.entries(tree).flatMap(([key, value]) => {
    const at = [...path, key];
    if (!Object.hasOwn(from, key) || from[key] === null) return [{ path: at, value }];
    const [own, other] = [value, from[key]].map((each) => (Array.isArray(each) ? { 0: each[0] as unknown } : each));
    return isMap(own) && isMap(other) ? added(own, other, at) : [];
  });
}

const EXAMPLES = added(load(ON) as Tree, load(REFERENCE) as Tree);

/** The example alone: a list is that of one host, found by its name. */
function alone([key = '', ...rest]: readonly string[], value: unknown): Tree {
  if (key === 'hosts') return { hosts: [{ name: 'm1', ...alone(rest.slice(1), value) }] };
  return { [key]: rest.length === 0 ? value : alone(rest, value) };
}

const ENV = { HOME: '/home/ada', MCPK_SUDO_PASSWORD: 'a', MCPK_REGISTRY_PASSWORD: 'b' };
const MANIFEST = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: more }\n';

function clusterOf(over: Tree): Promise<Cluster> {
  const files = [
    { file: 'reference.yaml', text: REFERENCE },
    // Calico's own manifest is not at hand.
    { file: 'bridge.yaml', text: 'network: { plugin: bridge }\n' },
    { file: 'example.yaml', text: dump(over) },
  ];
  return loadTexts(files, { env: ENV, directory: '/srv' });
}

function filesOf(cluster: Cluster): FileResource[] {
  const names = cluster.addons.manifests.map(({ name }): [string, string] => [name, MANIFEST]);
  const facts = factsOf(cluster, { etcd: 'formed', nodes: registered(cluster) });
  const tree = compile({ cluster, facts, stages: STAGES, artifacts: anyArtifact, manifests: new Map(names) });
  const resources = tree.stages.flatMap((stage) => stage.hosts.flatMap((host) => host.resources));
  return resources.filter((each) => each.kind === 'file');
}

/** Files of Kubernetes that do not say what they are: what reads them ends with that. */
function nameless(files: readonly FileResource[]): string[] {
  const own = files.filter(({ path }) => /^\/etc\/kubernetes\/.*(\.yaml|kubeconfig)$/.test(path));
  expect(own.length).toBeGreaterThan(5);
  return own.flatMap(({ path, content }) =>
    (loadAll(revealed(content)) as Tree[])
      .filter(({ apiVersion, kind }) => typeof apiVersion !== 'string' || typeof kind !== 'string')
      .map(() => path),
  );
}

describe('each example of reference.yaml, by itself', () => {
  it('there are some, and they reach into sections, lists and hosts', () => {
    const paths = EXAMPLES.map(({ path }) => path.join('.'));
    expect(paths).toEqual(expect.arrayContaining(['registries', 'apiServer.audit.policy', 'endpoint.port', 'groups', 'hosts.0.labels'])); // prettier-ignore
  });

  it.each(EXAMPLES.map(({ path, value }): [string, Tree] => [path.join('.'), alone(path, value)]))(
    '%s is valid, and what is rendered of it says what it is',
    async (_path, over) => {
      const cluster = await clusterOf(over);
      expect(nameless(filesOf(cluster))).toEqual([]);
    },
  );

  it('and one that renders what says nothing of itself is found', async () => {
    const files = filesOf(await clusterOf({}));
    const broken = files.map((file) => ({ ...file, content: revealed(file.content).replaceAll(/^kind: .*$/gm, '') }));
    expect(nameless(broken).length).toBeGreaterThan(5);
  });
});
