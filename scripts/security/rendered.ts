import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { withRuntimeSource } from '../../src/cluster/runtime-source.ts';
import { assumedFacts } from '../../src/commands/shared/assumed-facts.ts';
import { UNSEEN_ARTIFACTS } from '../../src/engine/runs/with-materials.ts';
import { revealed } from '../../src/core/secret.ts';
import { compile } from '../../src/engine/plan/compile.ts';
import { loadTexts } from '../../src/inventory/load.ts';
import type { Resource } from '../../src/resources/types.ts';
import { STAGES } from '../../src/states/index.ts';
import { ROOT } from '../process.ts';

/** A file or folder of one host. */
export interface Laid {
  readonly path: string;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
}

/** What mcpk lays on the hosts of a cluster. */
export interface Rendered {
  readonly laid: readonly Laid[];
  /** Path → the texts that files of that name have on hosts, each once. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
}

const INVENTORY = 'inventories/three-masters.yaml';

/**
 * The three masters and two workers of {@link INVENTORY}, with every default but for the network, of which only the
 * bridge's configuration comes from mcpk; `over` is an inventory merged over that.
 */
export async function renderCluster(over = ''): Promise<Rendered> {
  const text = await readFile(join(ROOT, INVENTORY), 'utf8');
  const files = [text, 'network: { plugin: bridge }', over].filter((each) => each !== '');
  const texts = files.map((each, index) => ({ file: `${String(index)}.yaml`, text: each }));
  const cluster = withRuntimeSource(await loadTexts(texts, { env: { HOME: '/root' }, directory: '/' }));
  const nodes = cluster.hosts.map(({ name }, index) => ({
    name,
    podCidr: `10.244.${String(index)}.0/24`,
    ready: true,
    kubeletVersion: `v${cluster.versions.kubernetes}`,
  }));
  const facts = { ...assumedFacts(cluster), nodes: new Map(nodes.map((node) => [node.name, node])) };
  const tree = compile({ cluster, facts, stages: STAGES, artifacts: UNSEEN_ARTIFACTS, manifests: new Map() });
  const resources = tree.stages.flatMap((stage) => stage.hosts.flatMap((host) => host.resources));
  return { laid: resources.flatMap(laidBy), texts: textsOf(resources) };
}

function laidBy(resource: Resource): Laid[] {
  switch (resource.kind) {
    case 'file':
    case 'directory':
      return [resource];
    case 'sharedSecret':
      return resource.files;
    case 'certificate': {
      const { path, keyPath, owner, group } = resource;
      const key = { path: keyPath, mode: '0600', owner, group };
      return path === keyPath ? [key] : [key, { path, mode: '0644', owner, group }];
    }
    default:
      return [];
  }
}

function textsOf(resources: readonly Resource[]): Map<string, string[]> {
  const files = resources.flatMap((each) => (each.kind === 'file' ? [each] : []));
  return new Map(
    [...Map.groupBy(files, ({ path }) => path)].map(([path, all]) => [
      path,
      [...new Set(all.map(({ content }) => revealed(content)))],
    ]),
  );
}

/** The flags of a service, once for each way in which its unit is written. */
export function flagsOf({ texts }: Rendered, service: string): Record<string, string>[] {
  return (texts.get(`/etc/systemd/system/${service}.service`) ?? []).map((text) =>
    Object.fromEntries(
      [...text.matchAll(/^ {2}"?--([a-z0-9-]+)=(.*?)"?(?: \\)?$/gm)].map(([, name = '', value = '']) => [name, value]),
    ),
  );
}

/** What stands at a path of a configuration file (`authentication.anonymous.enabled`), once for each of its texts. */
export function settingsAt({ texts }: Rendered, file: string, path: readonly string[]): unknown[] {
  return (texts.get(file) ?? []).map((text) =>
    path.reduce<unknown>(
      (tree, key) => (typeof tree === 'object' && tree !== null ? (tree as Record<string, unknown>)[key] : undefined),
      load(text),
    ),
  );
}
