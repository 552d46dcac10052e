import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/cluster/gate.ts';
import { isObjectId, objectOf, objectPaths, parseObjectId, parseResources } from '../../src/cluster/objects.ts';

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
    [
      'rbac.authorization.k8s.io/v1/ClusterRole//a:b?c=d e',
      ['/apis/rbac.authorization.k8s.io/v1/clusterroles/a:b%3Fc%3Dd%20e'],
    ],
  ])('%s', (id, paths) => {
    expect(objectPaths(parseObjectId(id))).toEqual(paths);
  });

  it('by the name of its resource, when that is known', () => {
    expect(objectPaths(parseObjectId('x.io/v1/Person/a/b'), 'people')).toEqual(['/apis/x.io/v1/namespaces/a/people/b']);
  });
});

it.each<[string, boolean]>([
  ['v1/ConfigMap/kube-system/coredns', true],
  ['v1/Namespace//a', true],
  ['rbac.authorization.k8s.io/v1/ClusterRoleBinding//mcpk:cluster-admins', true],
  ['v1/Secret/a/../b', false],
  ['v1/Secret/a/..', false],
  ['v1/Secret/../b', false],
  ['v1/Secret/a/b%2fc', false],
  ['v1/Secret/a/b HTTP/1.1', false],
  ['v1/Secret/a/b\r\nDELETE', false],
  ['v1/Secret/a/b\n', false],
  ['v1/Secret/a/b\u001b[2J', false],
  ['../v1/Secret/a/b', false],
  ['v1/Secret?x/a/b', false],
  ['/etc/passwd', false],
  ['', false],
  [`v1/Secret/a/${'b'.repeat(2000)}`, false],
])('%j can be the id of an object: %s', (text, can) => {
  expect(isObjectId(text)).toBe(can);
});

it.each<[string, Answer[], ReturnType<typeof objectOf>]>([
  ['it is there', [http(200, { kind: 'Pod' })], { json: '{"kind":"Pod"}', place: 0 }],
  ['it is in the second place', [notFound(), http(200, {})], { json: '{}', place: 1 }],
  ['it is in none', [notFound('x')], 'absent'],
  ['one of two places can hold it', [notFound(), notFound('x')], 'absent'],
  ['there is no such resource', [notFound(), http(404, '404 page not found\n')], 'unknown'],
  ['the server may not or cannot tell', [http(403, {})], 'untold'],
  ['one of two places cannot tell', [notFound(), http(503, {})], 'untold'],
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
