import { load } from 'js-yaml';
import { expect, it } from 'vitest';
import { revealed } from '../../src/core/secret.ts';
import { auditPolicy } from '../../src/states/api-server/audit.ts';
import { labCluster } from './cluster.ts';

interface Rule {
  level: string;
  users?: string[];
  userGroups?: string[];
  verbs?: string[];
  resources?: { group: string; resources?: string[] }[];
  nonResourceURLs?: string[];
}

const { rules } = load(revealed(auditPolicy(await labCluster()))) as { rules: Rule[] };

/** `get secrets` by a node; `create tokenreviews.authentication.k8s.io`. */
function levelOf(request: string, user: string, group = ''): string | undefined {
  const [verb = '', what = ''] = request.split(' ');
  const [resource = '', ...api] = what.split('.');
  const takes = (list: string[] | undefined, value: string): boolean => list === undefined || list.includes(value);
  return rules.find(
    (rule) =>
      rule.nonResourceURLs === undefined &&
      takes(rule.users, user) &&
      takes(rule.userGroups, group) &&
      takes(rule.verbs, verb) &&
      (rule.resources?.some((each) => each.group === api.join('.') && takes(each.resources, resource)) ?? true),
  )?.level;
}

const NODE = ['system:node:w1', 'system:nodes'] as const;

it.each(['get', 'list', 'watch'])('what a node %ss of secrets and configuration leaves a trace', (verb) => {
  for (const resource of ['secrets', 'configmaps']) expect(levelOf(`${verb} ${resource}`, ...NODE)).toBe('Metadata');
});

it.each([
  ['a node', ...NODE],
  ['a node that plays another user', 'system:kube-proxy', 'system:nodes'],
  ['kube-proxy', 'system:kube-proxy', ''],
  ['the controllers', 'system:kube-controller-manager', ''],
  ['an administrator', 'kubernetes-admin', 'system:masters'],
])('tokens and secrets in the hands of %s leave one without what they hold', (_who, user, group) => {
  for (const request of ['get secrets', 'list secrets', 'update secrets', 'create serviceaccounts/token'])
    expect(levelOf(request, user, group)).toBe('Metadata');
  expect(levelOf('create tokenreviews.authentication.k8s.io', user, group)).toBe('Metadata');
});

it.each([
  ['a node', ...NODE],
  ['an administrator', 'kubernetes-admin', 'mcpk:cluster-admins'],
])('what goes into a pod, or past the API, leaves a trace: by %s', (_who, user, group) => {
  for (const into of ['exec', 'attach', 'portforward', 'proxy'])
    for (const verb of ['create', 'get']) expect(levelOf(`${verb} pods/${into}`, user, group)).toBe('Metadata');
  for (const request of ['get services/proxy', 'get nodes/proxy', 'create pods', 'patch deployments.apps'])
    expect(levelOf(request, user, group)).toBe('Metadata');
});

it("the cluster's own chatter stays out", () => {
  expect(levelOf('watch pods', ...NODE)).toBe('None');
  expect(levelOf('update leases.coordination.k8s.io', ...NODE)).toBe('None');
  expect(levelOf('list endpointslices.discovery.k8s.io', 'system:kube-proxy')).toBe('None');
  expect(levelOf('create rolebindings.rbac.authorization.k8s.io', 'kubernetes-admin')).toBe('RequestResponse');
});
