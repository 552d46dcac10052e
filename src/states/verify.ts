import { backupGates } from '../cluster/etcd-backup.ts';
import type { GateContext } from '../cluster/gate.ts';
import { apiHost, kubectl } from '../cluster/kubectl.ts';
import { hostsWith, type Host } from '../inventory/types.ts';
import { nodeHosts } from './node-rollout.ts';
import type { Stage, Step, Verification } from './stage.ts';
import { podsReachEachOther } from './verify/reach.ts';
import { TEST, testObjects } from './verify/test-pods.ts';

/** Lays down nothing; `mcpk verify` asks the gates of all stages before it, and then looks at what none of them waits for. */
export const verify: Stage = {
  name: 'verify',
  title: 'Verification',
  about: 'lays down nothing; `mcpk verify` lets test pods try the network, and looks at the age of backups',
  hosts: nodeHosts,
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
  const kubectlStep = (title: string, words: readonly string[]): Step => ({
    title,
    on,
    run: kubectl(cluster, on, ...words).argv,
  });
  const manifest = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: testObjects(cluster.verify.image) });
  return {
    setup: [
      kubectlStep(`wait until namespace ${TEST.namespace} of the run before is gone`, [
        'wait',
        '--for=delete',
        `namespace/${TEST.namespace}`,
        '--timeout=120s',
      ]),
      { ...kubectlStep(`make test pods in namespace ${TEST.namespace}`, ['apply', '--filename=-']), stdin: manifest },
    ],
    checks: [podsReachEachOther(context, nodes), ...backupGates(cluster, membersOf(context))],
    // Nothing that is told depends on when it has gone.
    teardown: [
      kubectlStep(`delete namespace ${TEST.namespace}`, [
        'delete',
        'namespace',
        TEST.namespace,
        '--ignore-not-found',
        '--wait=false',
      ]),
    ],
  };
}

function membersOf({ cluster, facts }: GateContext): Host[] {
  return hostsWith(cluster, 'etcd').filter(({ name }) => facts.hosts.has(name));
}
