import { expect, it } from 'vitest';
import { API, type HostPlan } from '../../../src/engine/types.ts';
import { convergeApi } from '../../../src/engine/work/api.ts';
import { turns, type Means } from '../../../src/engine/work/means.ts';
import { labCluster } from '../../states/cluster.ts';
import { fakeApi } from '../support/fake-api.ts';
import { CHANGE, runOf } from '../support/fake-run.ts';

function object(name: string): HostPlan {
  const id = `v1/ConfigMap/a/${name}`;
  return { host: API, items: [{ ref: `kubeObject:${id}`, title: id, kind: 'kubeObject', comparison: CHANGE }] };
}

it('what is ours is remembered of all stages that change side by side', async () => {
  const api = fakeApi(() => ({ status: 404, body: {} }));
  const { means } = runOf({});
  const ready: Means = {
    ...means,
    cluster: await labCluster(),
    fleet: { ...means.fleet, exec: api.exec },
    facts: { ...means.facts, apiHost: 'm1' },
    turn: turns(),
  };
  await Promise.all(['one', 'two', 'three'].map((stage) => convergeApi(ready, stage, object(stage))));
  const last = api.commands.at(-1)?.stdin ?? '';
  for (const stage of ['one', 'two', 'three']) expect(last).toContain(`kubeObject:v1/ConfigMap/a/${stage}`);
  expect([...(ready.owned.get(API)?.values() ?? [])].map((entry) => entry.stage)).toEqual(['one', 'two', 'three']);
});
