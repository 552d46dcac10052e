import { readerOf } from '../../../src/engine/hosts/reader.ts';
import { describe, expect, it } from 'vitest';
import type { Command, Fleet } from '../../../src/engine/hosts/fleet.ts';
import { probeApi } from '../../../src/engine/read/probe-api.ts';
import type { KubeObjectResource } from '../../../src/resources/types.ts';
import { labCluster } from '../../states/cluster.ts';
import { fakeFleet } from '../support/fake-fleet.ts';

const PATHS: Readonly<Record<string, unknown>> = {
  '/api/v1/namespaces/kube-system/configmaps/mcpk-owned': {
    data: { owned: JSON.stringify({ 'kubeObject:v1/ConfigMap//a': 'addons' }) },
  },
  '/api/v1/namespaces/default/configmaps/a': { kind: 'ConfigMap', data: { text: 'ü€' } },
  '/api/v1/nodes/m1': { kind: 'Node' },
  '/apis/x.io/v1': { resources: [{ name: 'people', kind: 'Person' }] },
  '/apis/x.io/v1/people/eve': { kind: 'Person' },
};

/** An API server with these objects, which closes the connection after `patience` answers. */
function server(
  patience = Infinity,
  objects: Readonly<Record<string, unknown>> = PATHS,
): { fleet: Fleet; asked: string[][]; connections: Command[][] } {
  const asked: string[][] = [];
  const connections: Command[][] = [];
  const answer = (path: string): string => {
    const [kind, name] = path.split('/').slice(-2);
    const known = /\/(configmaps|nodes|people)$/.test(path.slice(0, path.lastIndexOf('/')));
    const details = known && !/namespaces\/default\/(nodes|people)|v1\/configmaps/.test(path) ? { name, kind } : {};
    const body = Buffer.from(JSON.stringify(objects[path] ?? { kind: 'Status', details })).toString('latin1');
    return `HTTP/1.1 ${path in objects ? '200' : '404'} X\r\nContent-Length: ${String(body.length)}\r\n\r\n${body}`;
  };
  const fleet = fakeFleet({
    exec(_host: string, commands: readonly Command[]) {
      connections.push([...commands]);
      const paths = commands.map(({ stdin }) =>
        [...(stdin ?? '').matchAll(/GET (\S+)/g)].map(([, path]) => path ?? ''),
      );
      asked.push(paths.flat());
      const out = paths.map((each) => each.slice(0, patience).map(answer).join(''));
      return Promise.resolve(out.map((stdout) => ({ exitCode: 0, stdout, stderr: '' })));
    },
  });
  return { fleet, asked, connections };
}

const objects = (...ids: string[]): KubeObjectResource[] => ids.map((id) => ({ kind: 'kubeObject', id, object: {} }));
const from = async (fleet: Fleet): Promise<Parameters<typeof probeApi>[0]> => ({
  reader: readerOf(fleet, new AbortController().signal),
  cluster: await labCluster(),
  host: 'm1',
});

it('reads all objects in one request over one connection, whole texts among them', async () => {
  const { fleet, connections } = server();
  const wanted = objects('v1/ConfigMap//a', 'v1/Node//m1', 'v1/ConfigMap/kube-system/none');
  const state = await probeApi(await from(fleet), wanted);
  expect(connections.map((commands) => commands.length)).toEqual([1]);
  expect(Object.entries(state?.observed.texts ?? {}).map(([id, json]) => [id, JSON.parse(json) as unknown])).toEqual([
    ['api:v1/ConfigMap//a', { kind: 'ConfigMap', data: { text: 'ü€' } }],
    ['api:v1/Node//m1', { kind: 'Node' }],
  ]);
  expect(state?.owned).toEqual(new Map([['kubeObject:v1/ConfigMap//a', 'addons']]));
});

describe('objects of mcpk that lie in one place', () => {
  const item = (name: string): object => ({ metadata: { name }, data: { is: name } });
  const listed = (names: readonly string[]): Record<string, unknown> => ({
    '/api/v1/namespaces/kube-system/configmaps/mcpk-owned': { data: {} },
    '/api/v1/namespaces/a/configmaps?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dmcpk&limit=500': {
      kind: 'ConfigMapList',
      apiVersion: 'v1',
      items: names.map(item),
    },
    '/api/v1/namespaces/a/configmaps/y': { kind: 'ConfigMap', apiVersion: 'v1', ...item('y') },
  });
  const seen = async (
    wanted: readonly KubeObjectResource[],
    { fleet, asked }: ReturnType<typeof server>,
  ): Promise<{ texts: unknown; asked: string[][] }> => {
    const state = await probeApi(await from(fleet), wanted);
    const texts = Object.entries(state?.observed.texts ?? {}).map(([id, json]) => [id, JSON.parse(json) as unknown]);
    return { texts: state && Object.fromEntries(texts), asked };
  };
  const wanted = objects('v1/ConfigMap/a/x', 'v1/ConfigMap/a/y');
  const x = { 'api:v1/ConfigMap/a/x': { kind: 'ConfigMap', apiVersion: 'v1', ...item('x') } };
  const y = { 'api:v1/ConfigMap/a/y': { kind: 'ConfigMap', apiVersion: 'v1', ...item('y') } };

  it('are read by one list, each as it would be by itself', async () => {
    const { texts, asked } = await seen(wanted, server(Infinity, listed(['z', 'x', 'y'])));
    expect(asked.map((paths) => paths.length)).toEqual([2]);
    expect(texts).toEqual({ ...x, ...y });
  });

  it('are looked for by themselves when they are not in it: somebody took the label away', async () => {
    const { texts, asked } = await seen(wanted, server(Infinity, listed(['x'])));
    expect(asked.slice(1)).toEqual([['/api/v1/namespaces/a/configmaps/y']]);
    expect(texts).toEqual({ ...x, ...y });
  });

  it('are read one by one where there is no list', async () => {
    const only = Object.entries(listed([])).filter(([path]) => !path.includes('?'));
    expect((await seen(wanted, server(Infinity, Object.fromEntries(only)))).texts).toEqual(y);
  });

  it('are not known when the list was not answered, and are not asked for again', async () => {
    const { texts, asked } = await seen(wanted, server(0, listed(['x', 'y'])));
    expect(texts).toBeUndefined();
    expect(asked.length).toBe(1);
  });

  it('are asked for by themselves where others made them, and where there is but one', async () => {
    const parts = wanted.map((each) => ({ ...each, partial: true }));
    expect((await seen(parts, server(Infinity, listed([])))).asked.flat().filter((path) => path.includes('?'))).toEqual(
      [],
    );
    expect((await seen(wanted.slice(1), server(Infinity, listed([])))).texts).toEqual(y);
  });
});

it('asks the server how a resource is called only where it is not called as its kind', async () => {
  const { fleet, asked } = server();
  const wanted = objects('x.io/v1/Person//eve', 'y.io/v1/Thing//z', 'v1/Node//m1');
  const state = await probeApi(await from(fleet), wanted);
  expect(asked.slice(1)).toEqual([
    ['/apis/x.io/v1', '/apis/y.io/v1'],
    ['/apis/x.io/v1/people/eve', '/apis/x.io/v1/namespaces/default/people/eve'],
  ]);
  expect(Object.keys(state?.observed.texts ?? {}).sort()).toEqual(['api:v1/Node//m1', 'api:x.io/v1/Person//eve']);
});

describe('the list of what is ours, as anybody may have written it', () => {
  const owned = '/api/v1/namespaces/kube-system/configmaps/mcpk-owned';
  const probe = async (text: string): ReturnType<typeof probeApi> =>
    probeApi(await from(server(Infinity, { [owned]: { data: { owned: text } } }).fleet), []);

  it('counts entries that can name no object, and does not go on with them', async () => {
    const entries = {
      'kubeObject:v1/ConfigMap/a/b': 'addons',
      'file:/etc/passwd': 'addons',
      'kubeObject:v1/Secret/a/b\r\n\r\nDELETE /api/v1/namespaces/a HTTP/1.1': 'addons',
      'kubeObject:v1/Secret/../../namespaces/a': 'addons',
      'kubeObject:v1/ConfigMap/a/c': { stage: 'addons' },
    };
    const state = await probe(JSON.stringify(entries));
    expect([...(state?.owned ?? [])]).toEqual([['kubeObject:v1/ConfigMap/a/b', 'addons']]);
    expect(state?.nonsense).toBe(4);
  });

  it.each(['{', '[]', '"x"', 'null'])('is told when it is damaged: %s', async (text) => {
    await expect(probe(text)).rejects.toMatchObject({ code: 'refused', host: 'm1' });
  });
});

it('knows nothing when the server went away before it had answered all', async () => {
  const { fleet } = server(2);
  const wanted = objects('v1/ConfigMap//a', 'v1/Node//m1');
  expect(await probeApi(await from(fleet), wanted)).toBeUndefined();
});
