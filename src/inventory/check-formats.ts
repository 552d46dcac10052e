import { isMap } from '../core/merge.ts';
import { minorNumber } from '../core/versions.ts';
import type { Draft } from './check.ts';
import type { Path } from './node.ts';
import { childSchema, schemaAt, type JsonSchema } from './schema.ts';

/** Fields of upstream's formats that a later Kubernetes brought than the inventory's: it would not heed them. */
export function checkFormats(draft: Draft, schema: JsonSchema): void {
  const { kubernetes } = draft.cluster.versions;
  const visit = (value: unknown, rule: JsonSchema | undefined, path: Path): void => {
    const since = rule?.['x-since'];
    if (value === null || rule === undefined) return;
    if (since !== undefined && minorNumber(`${since}.0`) > minorNumber(kubernetes))
      draft.mistake(path, `came with Kubernetes ${since}, and ${kubernetes} does not know it`);
    for (const [key, child] of isMap(value) ? Object.entries(value) : [])
      visit(child, childSchema(rule, key, schema), [...path, key]);
  };
  if (draft.broken('versions', 'kubernetes')) return;
  const groups = (['master', 'etcd', 'worker'] as const).map((role): Path => ['groups', role]);
  const owners = [...groups, ...draft.cluster.hosts.map((host) => draft.host(host))];
  const written = owners.map((path) => ({ path, services: draft.written(path) }));
  for (const { path, services } of [{ path: [], services: draft.cluster }, ...written])
    for (const section of ['kubelet', 'kubeProxy'] as const) {
      const at = [...path, section, 'config'];
      visit(services[section]?.config, schemaAt(schema, at), at);
    }
}
