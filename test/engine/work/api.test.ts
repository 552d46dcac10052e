import { expect, it } from 'vitest';
import { parseObjectId } from '../../../src/cluster/objects.ts';
import type { Fleet } from '../../../src/engine/hosts/fleet.ts';
import { API } from '../../../src/core/places.ts';
import type { HostPlan, PlanItem } from '../../../src/engine/types.ts';
import { emptyObserved } from '../../../src/engine/wire/wire.ts';
import type { Verb } from '../../../src/resources/types.ts';
import { convergeApi } from '../../../src/engine/work/api.ts';
import { turns, type Means } from '../../../src/engine/work/means.ts';
import { labCluster } from '../../states/cluster.ts';
import { fakeApi } from '../support/fake-api.ts';
import { CHANGE, runOf, withFleet } from '../support/fake-run.ts';

function object(name: string): HostPlan {
  const id = `v1/ConfigMap/a/${name}`;
  return { host: API, items: [{ ref: `kubeObject:${id}`, title: id, kind: 'kubeObject', comparison: CHANGE }] };
}

interface Applied {
  /** `VERB KIND/NAME …` of what kubectl was given. */
  commands: string[];
  means: Means;
}

/** An API stage with these objects; `fails`: the verb of kubectl that does. */
async function applied(objects: Readonly<Record<string, Verb>>, fails?: string): Promise<Applied> {
  const { means } = runOf({});
  const commands: string[] = [];
  const items = Object.entries(objects).map(([id, verb]): PlanItem => ({
    ref: `kubeObject:${id}`,
    title: id,
    kind: 'kubeObject',
    comparison: { ...CHANGE, verb },
  }));
  const known = items.map(({ ref, title, comparison }) => {
    const { kind, name } = parseObjectId(title);
    return [ref, { comparison, resource: { kind: 'kubeObject', id: title, object: { kind, metadata: { name } } } }];
  });
  const exec: Fleet['exec'] = (_host, all) =>
    Promise.resolve(
      all.map(({ argv, stdin = '{}' }) => {
        const verb = argv[4] ?? '';
        const { items: given = [] } = JSON.parse(stdin) as { items?: { kind: string; metadata: { name: string } }[] };
        commands.push([verb, ...given.map((each) => `${each.kind}/${each.metadata.name}`)].join(' '));
        return { exitCode: verb === fails ? 1 : 0, stdout: '', stderr: 'error: no such field\nline 7\n' };
      }),
    );
  const ready = {
    ...withFleet(means, { exec }),
    cluster: await labCluster(),
    facts: { ...means.facts, apiHost: 'm1' },
    comparisons: { ...means.comparisons, byHost: new Map([[API, new Map(known as never)]]) },
    observed: new Map([[API, emptyObserved()]]),
  } as Means;
  const done = convergeApi(ready, 'addons', { host: API, items });
  await (fails === undefined ? done : expect(done).rejects.toMatchObject({ code: 'stage', details: ['line 7'] }));
  return { commands, means: ready };
}

const CRD = 'apiextensions.k8s.io/v1/CustomResourceDefinition//pools.x.io';
const OWNED = 'ConfigMap/mcpk-owned';

it('what others live in or are of goes first, and is waited for, with the list of what is ours', async () => {
  const { commands } = await applied({ 'x.io/v1/Pool//p': 'create', 'v1/Namespace//n': 'create', [CRD]: 'create' });
  expect(commands).toEqual([
    `apply ${OWNED} Namespace/n CustomResourceDefinition/pools.x.io`,
    'wait CustomResourceDefinition/pools.x.io',
    'apply Pool/p',
  ]);
});

it('what is forgotten leaves the list after all is done', async () => {
  const { commands, means } = await applied({ 'v1/ConfigMap/a/kept': 'update', 'v1/ConfigMap/a/theirs': 'forget' });
  expect(commands).toEqual([`apply ${OWNED}`, 'apply ConfigMap/kept', `apply ${OWNED}`]);
  expect([...(means.owned.get(API)?.keys() ?? [])]).toEqual(['kubeObject:v1/ConfigMap/a/kept']);
});

it.each([
  ['apply', [`apply ${OWNED} CustomResourceDefinition/pools.x.io`]],
  ['wait', [`apply ${OWNED} CustomResourceDefinition/pools.x.io`, 'wait CustomResourceDefinition/pools.x.io']],
])('what the API server refuses ends the stage there, and is told with its words: %s', async (verb, expected) => {
  const { commands, means } = await applied({ [CRD]: 'create', 'x.io/v1/Pool//p': 'create' }, verb);
  expect(commands).toEqual(expected);
  expect(means.owned.get(API)).toBeUndefined();
});

it('without an API server that answers nothing is begun', async () => {
  const { means } = runOf({});
  await expect(convergeApi(means, 'addons', object('x'))).rejects.toMatchObject({
    code: 'stage',
    message: 'addons: no API server answers on any master',
  });
});

it('what is ours is remembered of all stages that change side by side', async () => {
  const api = fakeApi(() => ({ status: 404, body: {} }));
  const { means } = runOf({});
  const ready: Means = {
    ...withFleet(means, { exec: api.exec }),
    cluster: await labCluster(),
    facts: { ...means.facts, apiHost: 'm1' },
    turn: turns(),
  };
  await Promise.all(['one', 'two', 'three'].map((stage) => convergeApi(ready, stage, object(stage))));
  const last = api.commands.at(-1)?.stdin ?? '';
  for (const stage of ['one', 'two', 'three']) expect(last).toContain(`kubeObject:v1/ConfigMap/a/${stage}`);
  expect([...(ready.owned.get(API)?.values() ?? [])].map((entry) => entry.stage)).toEqual(['one', 'two', 'three']);
});
