import { describe, expect, it } from 'vitest';
import type { Answer, Explanation } from '../../src/cluster/gate.ts';
import { podTroubles } from '../../src/cluster/pod-troubles.ts';
import { labCluster } from '../states/cluster.ts';

const place = { cluster: await labCluster(), asked: 'm1', namespace: 'kube-system' };

function http(body: unknown, status = 200): Answer {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { host: 'm1', exitCode: 0, stdout: `HTTP/1.1 ${String(status)} X\r\n\r\n${text}`, stderr: '' };
}

const requestOf = (explanation: Explanation | undefined, index: number): string =>
  explanation?.asks[index]?.stdin?.split('\r\n')[0] ?? '';

const CRASHING = {
  metadata: { name: 'web-2' },
  spec: { nodeName: 'w1' },
  status: {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: 'False' }],
    containerStatuses: [
      {
        name: 'web',
        ready: false,
        restartCount: 4,
        state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 40s restarting failed container' } },
        lastState: { terminated: { exitCode: 1, reason: 'Error' } },
      },
    ],
  },
};
const FINE = { metadata: { name: 'web-1' }, status: { conditions: [{ type: 'Ready', status: 'True' }] } };
const UNSCHEDULED = {
  metadata: { name: 'web-3' },
  status: {
    phase: 'Pending',
    conditions: [{ type: 'PodScheduled', status: 'False', message: '0/5 nodes are available' }],
  },
};
const PULLING = {
  metadata: { name: 'web-4' },
  spec: { nodeName: 'w2' },
  status: {
    conditions: [{ type: 'Ready', status: 'False' }],
    initContainerStatuses: [
      {
        name: 'install',
        ready: false,
        restartCount: 0,
        state: { waiting: { reason: 'ImagePullBackOff', message: 'not found' } },
      },
    ],
    containerStatuses: [
      { name: 'web', ready: false, restartCount: 0, state: { waiting: { reason: 'PodInitializing' } } },
    ],
  },
};

describe('what is told of pods that do not come up', () => {
  it.each([
    [
      'one that crashes, before one that is fine',
      [FINE, CRASHING],
      'pod web-2 on w1: container web CrashLoopBackOff: back-off 40s restarting failed container (4 restarts; it ended with exit code 1)',
    ],
    ['one without a node', [UNSCHEDULED], 'pod web-3: 0/5 nodes are available'],
    ['the first container that waits', [PULLING], 'pod web-4 on w2: container install ImagePullBackOff: not found'],
    ['none at all', [], 'no pod of it has been made'],
  ])('%s', (_name, items, line) => {
    expect(podTroubles(place, { app: 'web' }).tell([http({ items })]).lines).toEqual([line]);
  });

  it('nothing, where all are ready by now', () => {
    expect(podTroubles(place, { app: 'web' }).tell([http({ items: [FINE] })])).toEqual({ lines: [] });
  });

  it('its last events in order, and the log of the container that ended', () => {
    const first = podTroubles(place, { app: 'web', tier: 'a b' });
    expect(requestOf(first, 0)).toContain('/pods?labelSelector=app%3Dweb%2Ctier%3Da%20b&');
    const { next } = first.tell([http({ items: [CRASHING] })]);
    expect(requestOf(next, 0)).toContain('involvedObject.name%3Dweb-2');
    expect(requestOf(next, 1)).toMatch(/\/pods\/web-2\/log\?container=web&tailLines=\d+&limitBytes=\d+&previous=true/);
    const events = [
      { reason: 'BackOff', message: 'Back-off restarting', count: 9, lastTimestamp: '2026-11-28T12:00:04Z' },
      { reason: 'Scheduled', message: 'assigned', lastTimestamp: null, eventTime: '2026-11-28T12:00:00Z' },
      { reason: 'Pulled', message: 'pulled', count: 1, lastTimestamp: '2026-11-28T12:00:02Z' },
      { reason: 'Started', message: 'started', lastTimestamp: '2026-11-28T12:00:03Z' },
    ];
    expect(next?.tell([http({ items: events }), http('one\nfatal: no route to host\n')]).lines).toEqual([
      'event  Pulled: pulled',
      'event  Started: started',
      'event  BackOff: Back-off restarting (9 times)',
      'log of container web:',
      '  one',
      '  fatal: no route to host',
    ]);
  });

  it('no log where the kubelet gives none', () => {
    const { next } = podTroubles(place, {}).tell([http({ items: [PULLING] })]);
    expect(next?.tell([http({ items: [] }), http('container "install" is waiting to start', 400)]).lines).toEqual([]);
  });
});
