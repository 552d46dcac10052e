import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/cluster/gate.ts';
import { askObject, objectOf, parseObjectId, parseResources } from '../../src/cluster/objects.ts';
import { labCluster } from '../states/cluster.ts';

const http = (status: number, body: unknown): Answer => ({
  host: 'm1',
  exitCode: 0,
  stdout: `HTTP/1.1 ${String(status)} X\r\n\r\n${typeof body === 'string' ? body : JSON.stringify(body)}`,
  stderr: '',
});
const nothing: Answer = { host: 'm1', exitCode: 1, stdout: '', stderr: 'refused' };
const notFound = (name?: string): Answer =>
  http(404, { kind: 'Status', details: name === undefined ? {} : { name, kind: 'pods' }, code: 404 });

describe('where an object is asked for', () => {
  it.each<[string, string[]]>([
    ['v1/ConfigMap/kube-system/coredns', ['/api/v1/namespaces/kube-system/configmaps/coredns']],
    ['apps/v1/Deployment/a/b', ['/apis/apps/v1/namespaces/a/deployments/b']],
    ['v1/Node//m1', ['/api/v1/nodes/m1']],
    ['v1/ConfigMap//a', ['/api/v1/configmaps/a', '/api/v1/namespaces/default/configmaps/a']],
    ['v1/Endpoints/a/b', ['/api/v1/namespaces/a/endpoints/b']],
    ['networking.k8s.io/v1/Ingress/a/b', ['/apis/networking.k8s.io/v1/namespaces/a/ingresses/b']],
    ['networking.k8s.io/v1/NetworkPolicy/a/b', ['/apis/networking.k8s.io/v1/namespaces/a/networkpolicies/b']],
    ['gateway.networking.k8s.io/v1/Gateway/a/b', ['/apis/gateway.networking.k8s.io/v1/namespaces/a/gateways/b']],
  ])('%s', async (id, paths) => {
    const asks = askObject(await labCluster(), 'm1', parseObjectId(id));
    expect(asks.map((ask) => / (\S+) HTTP/.exec(ask.stdin ?? '')?.[1])).toEqual(paths);
  });

  it('by the name of its resource, when that is known', async () => {
    const [ask] = askObject(await labCluster(), 'm1', parseObjectId('x.io/v1/Person/a/b'), 'people');
    expect(ask?.stdin).toContain('GET /apis/x.io/v1/namespaces/a/people/b ');
  });
});

it.each<[string, Answer[], ReturnType<typeof objectOf>]>([
  ['it is there', [http(200, { kind: 'Pod' })], { json: '{"kind":"Pod"}' }],
  ['it is in the second place', [notFound(), http(200, {})], { json: '{}' }],
  ['it is in none', [notFound('x')], 'absent'],
  ['one of two places can hold it', [notFound(), notFound('x')], 'absent'],
  ['there is no such resource', [notFound(), http(404, '404 page not found\n')], 'unknown'],
  ['the server may not or cannot tell', [http(403, {})], 'absent'],
  ['nothing answers', [notFound(), nothing], undefined],
  ['the connection broke in it', [http(200, '{"kind":"Po')], undefined],
])('what is known of an object when %s', (_name, answers, known) => {
  expect(objectOf(answers)).toEqual(known);
});

it('reads the names of resources, not of their parts', () => {
  const resources = [
    { name: 'people', kind: 'Person' },
    { name: 'people/status', kind: 'Person' },
  ];
  expect([...parseResources(http(200, { resources }))]).toEqual([['Person', 'people']]);
  expect(parseResources(notFound()).size).toBe(0);
});
