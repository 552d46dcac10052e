import type { KubeObjectResource } from '../../../src/resources/types.ts';
import type { Case } from '../case.ts';

const id = 'apps/v1/Deployment/kube-system/coredns';
const container = {
  name: 'coredns',
  image: 'coredns:1',
  ports: [{ containerPort: 53, protocol: 'UDP' }, { containerPort: 53 }],
  resources: { limits: { cpu: '1000m', memory: '170Mi' } },
};
const deployment = (more: object = {}, parts: object = {}): KubeObjectResource => ({
  kind: 'kubeObject',
  id,
  object: {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'coredns' },
    spec: { replicas: 2, template: { spec: { containers: [{ ...container, ...parts }] } }, ...more },
  },
});
const live = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'coredns', uid: 'u', resourceVersion: '5', managedFields: [] },
  spec: {
    replicas: 2,
    progressDeadlineSeconds: 600,
    template: {
      spec: {
        restartPolicy: 'Always',
        containers: [
          { name: 'sidecar', image: 's' },
          {
            name: 'coredns',
            image: 'coredns:1',
            imagePullPolicy: 'IfNotPresent',
            ports: [
              { containerPort: 53, protocol: 'TCP' },
              { containerPort: 53, protocol: 'UDP' },
            ],
            resources: { limits: { cpu: '1', memory: '170Mi' } },
          },
        ],
      },
    },
  },
  status: { replicas: 1 },
};
const seen = { texts: { [`api:${id}`]: JSON.stringify(live) } };
const node = (taints: object[]): KubeObjectResource => ({
  kind: 'kubeObject',
  id: 'v1/Node//m1',
  partial: true,
  object: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'm1', labels: { role: 'master' } }, spec: { taints } },
});
const secret: KubeObjectResource = {
  kind: 'kubeObject',
  id: 'v1/Secret/ns/s',
  object: { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { a: 'b' } },
};

export const cases: Case[] = [
  {
    name: 'an object that is absent is created',
    wanted: deployment(),
    gives: { verb: 'create', reasons: ['absent'] },
    ops: [],
  },
  {
    name: 'defaults, other containers, the order of keyed lists and the form of quantities are no difference',
    wanted: deployment(),
    seen,
    gives: 'unchanged',
  },
  {
    name: 'empty values that the server leaves out are no difference',
    wanted: deployment({ paused: false, selector: {} }, { env: [], command: null }),
    seen,
    gives: 'unchanged',
  },
  {
    name: 'a status is never wanted',
    wanted: { ...deployment(), object: { ...deployment().object, status: { replicas: 9 } } },
    seen,
    gives: 'unchanged',
  },
  {
    name: 'a field that differs is named',
    wanted: deployment({ replicas: 3 }),
    seen,
    gives: { verb: 'update', reasons: ['differs in spec.replicas'] },
  },
  {
    name: 'another quantity is a difference',
    wanted: deployment({}, { resources: { limits: { cpu: '2' } } }),
    seen,
    gives: { reasons: ['differs in spec.template.spec.containers'] },
  },
  {
    name: 'a field that live lacks is a difference',
    wanted: deployment({ minReadySeconds: 5 }),
    seen,
    gives: { reasons: ['differs in spec.minReadySeconds'] },
  },
  {
    name: 'a list without keys is wanted as a whole',
    wanted: deployment({}, { args: ['-conf'] }),
    seen: {
      texts: {
        [`api:${id}`]: JSON.stringify(live).replace('"imagePullPolicy"', '"args":["-conf","-x"],"imagePullPolicy"'),
      },
    },
    gives: { verb: 'update' },
  },
  {
    name: 'taints of others on a node are left alone',
    wanted: node([{ key: 'cp', effect: 'NoSchedule' }]),
    seen: {
      texts: {
        'api:v1/Node//m1': JSON.stringify({
          ...node([
            { key: 'cp', effect: 'NoSchedule' },
            { key: 'not-ready', effect: 'NoExecute' },
          ]).object,
        }),
      },
    },
    gives: 'unchanged',
  },
  {
    name: 'the same taint with another effect is another taint',
    wanted: node([{ key: 'cp', effect: 'NoSchedule' }]),
    seen: { texts: { 'api:v1/Node//m1': JSON.stringify(node([{ key: 'cp', effect: 'NoExecute' }]).object) } },
    gives: { verb: 'update' },
  },
  {
    name: 'a label with an empty value is a label, as those of node roles',
    wanted: { ...node([]), object: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'm1', labels: { role: '' } } } },
    seen: { texts: { 'api:v1/Node//m1': '{"apiVersion":"v1","kind":"Node","metadata":{"name":"m1"}}' } },
    gives: { verb: 'update', reasons: ['differs in metadata.labels.role'] },
  },
  { name: 'a part of an object that is not there yet is no creation', wanted: node([]), gives: { verb: 'update' } },
  { name: 'a Secret in the API has no diff', wanted: secret, gives: { verb: 'create' }, without: ['diff'] },
  {
    name: 'stringData is the data that it becomes',
    wanted: secret,
    seen: {
      texts: { 'api:v1/Secret/ns/s': JSON.stringify({ ...secret.object, stringData: undefined, data: { a: 'Yg==' } }) },
    },
    gives: 'unchanged',
  },
];
