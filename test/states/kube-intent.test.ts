import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { kindOf, pathsOf } from '../../src/resources/kinds.ts';
import type { CompareContext } from '../../src/resources/types.ts';
import { owned, type KubeObject } from '../../src/states/kube-objects.ts';
import { manifestObjects, parseManifest } from '../../src/states/manifests.ts';
import { emptyObserved } from '../resources/case.ts';

/** As generators print them: each line that nobody intends is one that a run once changed anew, for ever. */
const PRINTED: Record<string, string> = {
  'controller-gen, with an empty status': `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  annotations: { controller-gen.kubebuilder.io/version: v0.14.0 }
  creationTimestamp: null
  name: pools.example.org
spec:
  group: example.org
  names: { kind: Pool, listKind: PoolList, plural: pools, singular: pool }
  scope: Cluster
  versions:
    - name: v1
      schema: { openAPIV3Schema: { type: object, properties: { mode: { enum: [Always, null], nullable: true } } } }
      served: true
      storage: true
status:
  acceptedNames: { kind: "", plural: "" }
  conditions: null
  storedVersions: null
`,
  'kubectl create --dry-run, with a template': `
apiVersion: apps/v1
kind: Deployment
metadata: { creationTimestamp: null, labels: { app: web }, name: web, namespace: default }
spec:
  replicas: 2
  selector: { matchLabels: { app: web } }
  strategy: {}
  template:
    metadata: { creationTimestamp: null, labels: { app: web } }
    spec: { containers: [{ image: 'web:1', name: web, resources: {} }] }
status: {}
`,
  'helm, with values that were not given': `
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent, namespace: default, labels: { app: agent }, annotations: null }
spec:
  selector: { matchLabels: { app: agent } }
  template:
    metadata: { labels: { app: agent } }
    spec:
      affinity: null
      nodeSelector:
      tolerations: null
      containers: [{ name: agent, image: 'agent:1', env: null, resources: { limits: null } }]
`,
  'kubectl get -o yaml, with all that the server wrote': `
apiVersion: v1
kind: ConfigMap
metadata:
  name: copied
  namespace: default
  creationTimestamp: "2024-01-01T00:00:00Z"
  generation: 3
  resourceVersion: "812"
  selfLink: /api/v1/namespaces/default/configmaps/copied
  uid: 0d5bbf5a-7ca1-4b5b-8a4f-f8d9ee4ac7a0
  managedFields: [{ manager: kubectl, operation: Update, fieldsV1: { 'f:data': {} } }]
data: { key: value }
`,
};

const context: CompareContext = {
  host: 'api',
  shared: new Map(),
  owned: new Map(),
  of: () => undefined,
  pathsOf,
  now: new Date('2026-06-01T00:00:00Z'),
};

/** What the server keeps of a server-side apply and gives back: by the API's own rules, not by mcpk's. */
function readBack(applied: KubeObject): KubeObject {
  const { status: _status, ...kept } = dropNulls(applied) as Record<string, unknown>;
  const server = {
    uid: '5d7f2a51-8a52-4a1e-9d5e-1f2c3d4e5f60',
    resourceVersion: '4711',
    generation: 1,
    creationTimestamp: '2026-11-28T12:00:00Z',
    managedFields: [{ manager: 'mcpk', operation: 'Apply', fieldsV1: {} }],
  };
  return { ...kept, metadata: { ...(kept['metadata'] as object), ...server }, status: { observedGeneration: 1 } };
}

function dropNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropNulls);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) => (each === null ? [] : [[key, dropNulls(each)]])),
  );
}

function secondRun(manifest: KubeObject): unknown {
  const resource = owned(manifest, 'test');
  const observed = emptyObserved();
  observed.texts[`api:${resource.id}`] = JSON.stringify(readBack(resource.object));
  return kindOf(resource).compare(resource, observed, context);
}

describe('an object that was applied has nothing to change', () => {
  it.each(Object.entries(PRINTED))('%s', (_by, text) => {
    for (const object of parseManifest('test', text)) expect(secondRun(object)).toMatchObject({ result: 'unchanged' });
  });

  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, '', 0, false),
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.array(tie('any'), { maxLength: 4 }),
      tie('map'),
    ),
    map: fc.dictionary(fc.constantFrom('name', 'labels', 'env', 'spec', 'value', 'x', 'status'), tie('any')),
  }));
  const metadata = fc.record(
    {
      labels: fc.dictionary(fc.string({ minLength: 1 }), fc.string()),
      annotations: fc.oneof(fc.constant(null), fc.dictionary(fc.string({ minLength: 1 }), fc.string())),
      creationTimestamp: fc.constantFrom(null, '2020-01-01T00:00:00Z'),
      generation: fc.nat(),
      uid: fc.uuid(),
      resourceVersion: fc.constantFrom('', '1'),
      managedFields: fc.constant([]),
    },
    { requiredKeys: [] },
  );

  it('whatever is in it', () => {
    fc.assert(
      fc.property(metadata, value.map, value.map, (more, spec, status) => {
        const object = { apiVersion: 'x/v1', kind: 'X', metadata: { ...more, name: 'x' }, spec, status };
        expect(secondRun(object)).toMatchObject({ result: 'unchanged' });
      }),
      // A list in which one name stands twice is not merged by names.
      {
        examples: [
          [
            {},
            {
              x: [
                { name: '', env: {} },
                { name: '', env: 0 },
              ],
            },
            {},
          ],
        ],
      },
    );
  });
});

it('nothing that the server owns is sent', () => {
  const sent = Object.values(PRINTED).flatMap((text) =>
    parseManifest('test', text).map((object) => owned(object, 'test').object),
  );
  for (const object of sent) {
    expect(object).not.toHaveProperty('status');
    expect(Object.keys(object['metadata'] as object).toSorted()).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/creationTimestamp|uid|resourceVersion|generation|managedFields/)]),
    );
  }
});

it('a null in a list is a value and stays', () => {
  const [definition] = parseManifest('test', PRINTED['controller-gen, with an empty status'] ?? '');
  expect(JSON.stringify(owned(definition ?? {}, 'test').object)).toContain('["Always",null]');
});

it('the manifests of a run are parsed once each, however many stages look at them', () => {
  const manifests = new Map(Object.entries(PRINTED));
  const names = [...manifests.keys()];
  const first = names.map((name) => manifestObjects(name, manifests));
  for (const [index, name] of names.entries()) {
    expect(first[index]).toEqual(parseManifest(name, manifests.get(name) ?? ''));
    expect(manifestObjects(name, manifests)).toBe(first[index]);
  }
  expect(manifestObjects(names[0] ?? '', new Map(manifests))).not.toBe(first[0]);
});
