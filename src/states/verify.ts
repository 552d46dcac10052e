import { apiServerGates } from '../cluster/api-server.ts';
import { etcdGates } from '../cluster/etcd.ts';
import type { GateCheck, GateContext } from '../cluster/gate.ts';
import { haproxyGates } from '../cluster/haproxy.ts';
import { apiHost, kubectl } from '../cluster/kubectl.ts';
import { controllerGates } from '../cluster/leases.ts';
import { nodeReady } from '../cluster/nodes.ts';
import { runtimeAnswers } from '../cluster/runtime.ts';
import { vipGates } from '../cluster/vip.ts';
import { rolledOut } from '../cluster/workloads.ts';
import { COREDNS } from './coredns/objects.ts';
import { nodeHosts } from './node-rollout.ts';
import type { Stage, Verification } from './stage.ts';
import { podsReachEachOther } from './verify/reach.ts';
import { TEST, testObjects } from './verify/test-pods.ts';

/** What stands should stand already: a moment for a lease that just moves, not for a cluster that comes up. */
const PATIENCE = 10;

/** The whole checklist: what the gates of all stages ask, and pods that try the network. */
export const verify: Stage = {
  name: 'verify',
  title: 'Verification',
  hosts: (cluster) => cluster.hosts,
  needs: ['addons'],
  states: () => [],
  verify: checklist,
};

function checklist(context: GateContext): Verification {
  const { cluster, facts } = context;
  const on = apiHost(cluster, facts);
  const nodes = nodeHosts(cluster)
    .map((host) => host.name)
    .filter((name) => facts.hosts.has(name));
  const everybody = { ...context, hosts: cluster.hosts.map((host) => host.name).filter((name) => facts.hosts.has(name)) };
  const manifest = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: testObjects() });
  return {
    setup: [{ title: `make test pods in namespace ${TEST.namespace}`, on, run: kubectl(on, 'apply', '--filename=-').argv, stdin: manifest }],
    checks: [...standing(everybody, nodes), podsReachEachOther(context, nodes)],
    teardown: [
      {
        title: `delete namespace ${TEST.namespace}`,
        on,
        run: kubectl(on, 'delete', 'namespace', TEST.namespace, '--ignore-not-found', '--timeout=120s').argv,
      },
    ],
  };
}

function standing(context: GateContext, nodes: readonly string[]): GateCheck[] {
  const { cluster, facts } = context;
  const checks = [
    ...etcdGates(context),
    ...apiServerGates(context),
    ...haproxyGates(context),
    ...vipGates(context),
    ...controllerGates(context),
    ...nodes.map(runtimeAnswers),
    ...nodes.map((host) => nodeReady(cluster, facts, host, { withoutNetwork: false, deadline: PATIENCE })),
    ...(cluster.addons.coredns.enabled ? [rolledOut(cluster, apiHost(cluster, facts), { kind: 'Deployment', ...COREDNS }, PATIENCE)] : []),
  ];
  return checks.map((check) => ({ ...check, deadline: Math.min(check.deadline, PATIENCE) }));
}
