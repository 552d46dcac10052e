import { expect, it } from 'vitest';
import { neededImages } from '../../src/states/image-list.ts';
import { labCluster } from './cluster.ts';

const pod = (image: string): string =>
  `spec: { initContainers: [{ image: 'r/init:1' }], containers: [{ image: '${image}' }] }`;
const MORE = [
  `kind: Deployment\nspec: { template: { ${pod('r/app:1')} } }`,
  `kind: CronJob\nspec: { jobTemplate: { spec: { template: { ${pod('r/job@sha256:0')} } } } }`,
  `kind: Pod\n${pod('docker.io/library/busybox:1')}`,
  `kind: CustomResourceDefinition\nspec: { containers: { type: array, image: no } }`,
].join('\n---\n');

it('all images are listed once, with what wants them, whatever kind of object has the pods', async () => {
  const cluster = await labCluster(`addons: { manifests: [{ name: more, source: ./more.yaml }] }`);
  expect(neededImages(cluster, new Map([['more', MORE]]))).toEqual([
    { image: 'docker.io/library/busybox:1', wantedBy: ['manifest more', 'the test pods of mcpk verify'] },
    { image: 'r/app:1', wantedBy: ['manifest more'] },
    { image: 'r/init:1', wantedBy: ['manifest more'] },
    { image: 'r/job@sha256:0', wantedBy: ['manifest more'] },
    { image: 'registry.k8s.io/coredns/coredns:v1.15.0', wantedBy: ['CoreDNS'] },
    { image: 'registry.k8s.io/pause:3.10.1', wantedBy: ['the sandbox of each pod'] },
  ]);
});

it('what is not set up wants none', async () => {
  const cluster = await labCluster('addons: { coredns: { enabled: false } }');
  expect(neededImages(cluster, new Map()).flatMap(({ wantedBy }) => wantedBy)).not.toContain('CoreDNS');
});
