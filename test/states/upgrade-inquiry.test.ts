import { expect, it } from 'vitest';
import type { HostFacts } from '../../src/cluster/facts.ts';
import { apiServer } from '../../src/states/api-server.ts';
import { factsOf, labCluster } from './cluster.ts';

const METRIC = 'apiserver_requested_deprecated_apis';
const metric = (group: string, version: string, resource: string, removed: string): string =>
  `${METRIC}{group="${group}",removed_release="${removed}",resource="${resource}",subresource="",version="${version}"} 1\n`;

const cluster = await labCluster();
const inquiryOf = (runs: HostFacts['runs']) =>
  apiServer.inquire?.({ cluster, facts: factsOf(cluster, { apiHost: 'm1' }, { runs }), newcomers: new Set() });

it.each<[string, HostFacts['runs'], boolean]>([
  ['an older minor version', { 'kube-apiserver': '1.36.3' }, true],
  ['an older patch', { 'kube-apiserver': '1.37.0' }, false],
  ['what is wanted', { 'kube-apiserver': '1.37.1' }, false],
  ['nothing', {}, false],
])('API servers are asked what they were asked for only where they run %s', (_what, runs, asks) => {
  expect(inquiryOf(runs) !== undefined).toBe(asks);
});

it('what a new minor version no longer has is told in a line each, and stops nothing', () => {
  const inquiry = inquiryOf({ 'kube-apiserver': '1.36.3' });
  const said = [
    metric('certificates.k8s.io', 'v1alpha1', 'clustertrustbundles', '1.37'),
    metric('certificates.k8s.io', 'v1alpha1', 'clustertrustbundles', '1.37') +
      metric('storage.k8s.io', 'v1beta1', 'volumeattributesclasses', '1.38') +
      metric('', 'v1', 'componentstatuses', ''),
    '',
    'foos.example.com\t["v1beta1","v1"]\tv1 v2\nbars.example.com\t["v1"]\tv1\n',
    'workload.scheduling.k8s.io/a\nworkload.scheduling.k8s.io/b\n',
    '',
  ];
  expect(inquiry?.asks.map(({ host }) => host)).toEqual(['m1', 'm2', 'm3', 'm1', 'm1', 'm1']);
  const answers = said.map((stdout) => ({ host: 'm1', exitCode: 0, stdout, stderr: '' }));
  expect(inquiry?.judge(answers)).toEqual(
    [
      'certificates.k8s.io/v1alpha1 clustertrustbundles is asked for at m1, m2 since their start: gone in 1.37',
      'objects of foos.example.com v1beta1 may be stored in a version that is not served any more',
      "delete 2 workloads.v1alpha2.scheduling.k8s.io before 1.37, which can't read them",
    ].map((message) => ({ code: 'warning', message })),
  );
  // An API server of which these kinds are not known answers so.
  const failed = answers.map((answer) => ({ ...answer, exitCode: 1, stdout: '' }));
  expect(inquiry?.judge(failed)).toEqual([]);
});
