import { readerOf } from '../../../src/engine/hosts/reader.ts';
import { expect, it } from 'vitest';
import { convergeApi } from '../../../src/engine/work/api.ts';
import { judgeLeaving } from '../../../src/engine/hosts/leaving.ts';
import { API } from '../../../src/core/places.ts';
import type { Event, PlanItem } from '../../../src/engine/types.ts';
import type { Verb } from '../../../src/resources/types.ts';
import { labCluster } from '../../states/cluster.ts';
import { fakeApi, type FakeApi } from '../support/fake-api.ts';
import { runOf, withFleet } from '../support/fake-run.ts';
import { fakeFleet } from '../support/fake-fleet.ts';

const LABEL = { 'app.kubernetes.io/managed-by': 'mcpk' };
const APPLIED = [{ manager: 'mcpk', operation: 'Apply' }];
const OURS = { uid: 'u1', labels: LABEL, managedFields: APPLIED };
const ID = 'v1/ConfigMap/a/b';
const PATH = '/api/v1/namespaces/a/configmaps/b';
const signal = new AbortController().signal;

/** An API server in which that object is at {@link PATH}. */
function apiWith(metadata: object | undefined, kind = 'ConfigMap'): FakeApi {
  return fakeApi(({ request }) => {
    if (request === `DELETE ${PATH}`) return { status: 200 };
    if (request !== `GET ${PATH}` || metadata === undefined)
      return { status: 404, body: { kind: 'Status', details: { name: 'b', kind: 'configmaps' } } };
    return { status: 200, body: { kind, metadata } };
  });
}

async function judged(api: FakeApi): Promise<unknown> {
  const reader = readerOf(fakeFleet({ exec: api.exec }), signal);
  const from = { reader, cluster: await labCluster(), host: 'm1' };
  return (await judgeLeaving(from, [`kubeObject:${ID}`])).get(`kubeObject:${ID}`);
}

it('is ours with our label and our apply', async () => {
  expect(await judged(apiWith(OURS))).toEqual({ ours: true, path: PATH, uid: 'u1' });
});

it.each<[string, object, string]>([
  ['has no label', { ...OURS, labels: undefined }, 'label'],
  ['has the label of another', { ...OURS, labels: { 'app.kubernetes.io/managed-by': 'Helm' } }, 'label'],
  ['was applied by nobody', { ...OURS, managedFields: undefined }, 'did not apply'],
  ['was applied by another', { ...OURS, managedFields: [{ manager: 'argocd', operation: 'Apply' }] }, 'did not apply'],
  [
    'was only changed by one of our name',
    { ...OURS, managedFields: [{ manager: 'mcpk', operation: 'Update' }] },
    'did not apply',
  ],
])('is not ours when it %s', async (_how, metadata, why) => {
  expect(await judged(apiWith(metadata))).toMatchObject({
    ours: false,
    gone: false,
    why: expect.stringContaining(why) as string,
  });
});

it('is not ours when it is of another kind than its list says', async () => {
  expect(await judged(apiWith(OURS, 'Secret'))).toMatchObject({ ours: false, gone: false });
});

it('is gone, or not known, as the server says', async () => {
  expect(await judged(apiWith(undefined))).toMatchObject({ ours: false, gone: true });
  expect(await judged(fakeApi(() => ({ status: 503 })))).toMatchObject({ ours: undefined });
  await expect(judged({ ...fakeApi(() => ({ status: 200 })), exec: () => Promise.resolve([]) })).rejects.toMatchObject({
    code: 'unexpected',
    host: 'm1',
  });
});

/** Carries out a plan with one object that leaves. */
async function converged(api: FakeApi, verb: Verb): Promise<{ events: Event[]; remembered: string }> {
  const { means, events } = runOf({});
  const item: PlanItem = {
    ref: `kubeObject:${ID}`,
    title: ID,
    kind: 'kubeObject',
    comparison: { result: 'change', verb, reasons: [], hash: '', rests: '' },
  };
  const ready = {
    ...withFleet(means, { exec: api.exec }),
    cluster: await labCluster(),
    facts: { ...means.facts, apiHost: 'm1' },
    owned: new Map([[API, new Map([[item.ref, { hash: '', stage: 'addons' }]])]]),
  };
  await convergeApi(ready, 'addons', { host: API, items: [item] });
  return { events, remembered: api.commands.at(-1)?.stdin ?? '' };
}

const deleted = ({ asked }: FakeApi): unknown[] =>
  asked
    .filter((each) => each.request.startsWith('DELETE'))
    .map(({ request, body }) => [request, JSON.parse(body) as unknown]);

it('is deleted as the one that was looked at, and forgotten', async () => {
  const api = apiWith(OURS);
  const { remembered } = await converged(api, 'remove');
  expect(deleted(api)).toEqual([[`DELETE ${PATH}`, expect.objectContaining({ preconditions: { uid: 'u1' } })]]);
  expect(api.commands.flatMap(({ argv }) => argv)).not.toContain('delete');
  expect(remembered).not.toContain(ID);
});

it('stays when it turns out not to be ours after all, which is told', async () => {
  const api = apiWith({ ...OURS, labels: {} });
  const { events, remembered } = await converged(api, 'remove');
  expect(deleted(api)).toEqual([]);
  expect(events.filter((each) => each.type === 'warning')).toMatchObject([
    { message: expect.stringContaining(ID) as string },
  ]);
  expect(remembered).not.toContain(ID);
});

it('is not even asked for when it is only forgotten', async () => {
  const api = apiWith(OURS);
  const { remembered } = await converged(api, 'forget');
  expect(deleted(api)).toEqual([]);
  expect(remembered).toContain('mcpk-owned');
  expect(remembered).not.toContain(ID);
});

it('stays remembered when the server does not delete it', async () => {
  const api = fakeApi(({ request }) =>
    request.startsWith('DELETE')
      ? { status: 403, body: { message: 'no' } }
      : { status: 200, body: { kind: 'ConfigMap', metadata: OURS } },
  );
  await expect(converged(api, 'remove')).rejects.toMatchObject({ code: 'stage' });
  expect(api.commands.at(-1)?.stdin).toContain(ID);
});
