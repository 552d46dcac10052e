import { describe, expect, it } from 'vitest';
import type { Answer, GateCheck } from '../../src/cluster/gate.ts';
import { nodeReady, type WantedNode } from '../../src/cluster/nodes.ts';
import { missingPods } from '../../src/cluster/pods.ts';
import { rolledOut, type Workload } from '../../src/cluster/workloads.ts';
import { factsOf, labCluster } from '../states/cluster.ts';

const cluster = await labCluster();

function said(stdout: string, exitCode = 0): Answer {
  return { host: 'm1', exitCode, stdout, stderr: exitCode === 0 ? '' : 'connection refused' };
}

/** As the API server answers a request with HTTP/1.0. */
function api(body: unknown, status = '200 OK'): Answer {
  return said(`HTTP/1.0 ${status}\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(body)}`);
}

describe('node gate', () => {
  const unit = (state: string, start = 1000): Answer =>
    said(`ActiveState=${state}\nSubState=running\nExecMainStartTimestamp=@${String(start)}\n`);
  const node = (status: string, message: string, heartbeat = 2000, podCIDR?: string): Answer =>
    api({
      metadata: { name: 'w1' },
      spec: { podCIDR },
      status: {
        conditions: [{ type: 'Ready', status, message, lastHeartbeatTime: new Date(heartbeat * 1000).toISOString() }],
      },
    });
  const missing =
    'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized';
  const unmade =
    'failed to initialize CSINode: error updating CSINode annotation: timed out waiting for the condition; caused by: nodes "w1" not found';
  const complete: WantedNode = { withoutNetwork: false, deadline: 1 };
  const bare: WantedNode = { withoutNetwork: true, deadline: 1 };

  const CASES: [string, WantedNode, Answer[], string | undefined][] = [
    ['holds for a Ready node', complete, [node('True', 'kubelet is posting ready status'), unit('active')], undefined],
    ['fails where the network is missing', complete, [node('False', missing), unit('active')], missing],
    ['holds without the network before the network stage', bare, [node('False', missing), unit('active')], undefined],
    ...['CSINode is not yet initialized', unmade].map((storage): (typeof CASES)[number] => [
      `holds as the first report says it: ${storage}`,
      bare,
      [node('False', `[${missing}, ${storage}]`), unit('active')],
      undefined,
    ]),
    ...[
      `[PLEG is not healthy, ${missing}]`,
      `[PLEG is not healthy, ${missing}, CSINode is not yet initialized]`,
      `[${missing}, CSINode is not yet initialized, node is shutting down]`,
      `[${missing}, ${unmade}, node is shutting down]`,
      'CSINode is not yet initialized',
    ].map((message): (typeof CASES)[number] => [
      `fails when more than the network is missing: ${message}`,
      bare,
      [node('False', message), unit('active')],
      message,
    ]),
    [
      'fails before CSINode is there',
      complete,
      [node('False', 'CSINode is not yet initialized'), unit('active')],
      'CSINode',
    ],
    [
      'fails when the kubelet is down, whatever the API still shows',
      complete,
      [node('True', ''), unit('activating')],
      'kubelet.service is activating',
    ],
    [
      'does not believe what an earlier kubelet said',
      complete,
      [node('True', '', 2000), unit('active', 2001)],
      'not reported since its kubelet started',
    ],
    [
      'fails when the node is unknown',
      complete,
      [api({ kind: 'Status' }, '404 Not Found'), unit('active')],
      'has not registered',
    ],
    ['fails when the API server does not answer', complete, [said('', 1), unit('active')], 'connection refused'],
    [
      'waits for the part of podCidr that a bridge is made from',
      { ...bare, podCidr: true },
      [node('True', ''), unit('active')],
      'no part of podCidr',
    ],
    ['holds with it', { ...bare, podCidr: true }, [node('True', '', 2000, '10.244.0.0/24'), unit('active')], undefined],
  ];
  it.each(CASES)('%s', (_title, wanted, answers, problem) => {
    expectProblem(nodeReady(cluster, factsOf(cluster), 'w1', wanted), answers, problem);
  });

  it('asks for the node alone, of all hosts over one connection: a list of many nodes is none that is read in one go', () => {
    const asks = ['w1', 'w2'].map((host) => nodeReady(cluster, factsOf(cluster), host, complete).asks[0]);
    expect(asks.map((each) => /GET (\S+)/.exec(each?.stdin ?? '')?.[1])).toEqual([
      '/api/v1/nodes/w1',
      '/api/v1/nodes/w2',
    ]);
    expect(asks).toMatchObject([{ http: true, argv: asks[1]?.argv }, { http: true }]);
  });

  it('asks a master that answered', () => {
    const facts = factsOf(cluster);
    const alive = { ...facts, hosts: new Map([...facts.hosts].filter(([name]) => name !== 'm1')) };
    expect(nodeReady(cluster, alive, 'w1', complete).asks[0]?.host).toBe('m2');
  });
});

describe('rollout gate', () => {
  const deployment = (status: object): Answer => api({ metadata: { generation: 2 }, spec: { replicas: 2 }, status });
  const daemonSet = (status: object): Answer =>
    api({ metadata: { generation: 1 }, spec: {}, status: { observedGeneration: 1, ...status } });
  const done = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 };
  const CASES: [string, Workload['kind'], Answer, string | undefined][] = [
    ['holds when all pods are new and available', 'Deployment', deployment(done), undefined],
    ['waits for the controller', 'Deployment', deployment({ ...done, observedGeneration: 1 }), 'has not seen'],
    ['waits for new pods', 'Deployment', deployment({ ...done, updatedReplicas: 1 }), '1 of 2 pods are new'],
    ['waits for old pods', 'Deployment', deployment({ ...done, replicas: 3 }), '1 old pods still end'],
    [
      'waits for availability',
      'Deployment',
      deployment({ ...done, availableReplicas: undefined }),
      '0 of 2 pods available',
    ],
    ['tells what is not there', 'Deployment', api({}, '404 Not Found'), 'is not there'],
    [
      'holds for a DaemonSet',
      'DaemonSet',
      daemonSet({ desiredNumberScheduled: 5, updatedNumberScheduled: 5, numberAvailable: 5 }),
      undefined,
    ],
    [
      'waits for a DaemonSet',
      'DaemonSet',
      daemonSet({ desiredNumberScheduled: 5, updatedNumberScheduled: 5, numberAvailable: 4 }),
      '4 of 5',
    ],
  ];
  it.each(CASES)('%s', (_title, kind, answer, problem) => {
    expectProblem(rolledOut(cluster, 'm1', { kind, namespace: 'kube-system', name: 'x' }, 1), [answer], problem);
  });
});

describe('test pods', () => {
  it('are missing by node, with the runtime’s own words', () => {
    const waiting = { waiting: { reason: 'ImagePullBackOff', message: 'not found' } };
    const pods = api({
      items: [
        {
          metadata: { name: 'a' },
          spec: { nodeName: 'w1' },
          status: { podIP: '10.244.0.2', conditions: [{ type: 'Ready', status: 'True' }] },
        },
        {
          metadata: { name: 'b' },
          spec: { nodeName: 'w2' },
          status: { phase: 'Pending', containerStatuses: [{ state: waiting }] },
        },
      ],
    });
    expect(missingPods(['w1'], pods)).toBeUndefined();
    expect(missingPods(['w1', 'w2', 'm1'], pods)).toBe(
      'no test pod is Ready on w2 (ImagePullBackOff: not found), m1 (none made yet)',
    );
  });
});

function expectProblem(gate: GateCheck, answers: Answer[], problem: string | undefined): void {
  const found = gate.check(answers);
  if (problem === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(problem);
}
