import { describe, it } from 'vitest';
import { powerOff, powerOn } from '../../lab/lab.ts';
import { leader } from '../e2e/support/etcdctl.ts';
import { on } from '../e2e/support/mcpk.ts';
import { startFrom } from '../e2e/support/start-from.ts';
import { API_SERVER, ETCD, KUBELET, prove, SCHEDULER, type Fault } from './support/prove.ts';
import { selected } from './support/tier.ts';

startFrom('ready');

/** A proxy that holds the VIP is gone: three adverts, an election, and HAProxy's own connections. */
const VIP_MOVES_MS = 8000;

const FAULTS: Fault[] = [
  {
    name: 'a worker loses its power during its own converge',
    change: KUBELET,
    args: ['--limit', 'w2'],
    async act(run) {
      await run.must(/nodes w2: update .*kubelet/);
      await powerOff('w2');
    },
    repair: () => powerOn('w2'),
    codes: [11, 15],
    says: [/w2/],
  },
  {
    name: "a worker loses its power during a master's converge",
    change: SCHEDULER,
    async act(run) {
      await run.must(/controllers m\d: .*kube-scheduler/);
      await powerOff('w2');
    },
    repair: () => powerOn('w2'),
    codes: [0, 11],
  },
  {
    name: 'a master loses its power during its own converge',
    change: API_SERVER,
    async act(run) {
      await run.must(/api-server m1: update .*kube-apiserver/);
      await powerOff('m1');
    },
    repair: () => powerOn('m1'),
    codes: [11, 15],
    says: [/m1/],
    apiGapMs: VIP_MOVES_MS,
    writeGapMs: VIP_MOVES_MS,
  },
  {
    name: 'the etcd leader is killed in the middle of the rollout of etcd',
    quick: true,
    change: ETCD,
    async act(run) {
      await run.must(/etcd m\d: .*etcd\.service, changed/);
      await on(await leader(), 'systemctl', 'kill', '--kill-whom=main', '--signal=KILL', 'etcd.service');
    },
    codes: [0, 16, 18],
    apiGapMs: VIP_MOVES_MS,
    writeGapMs: VIP_MOVES_MS,
  },
];

describe('power', () => {
  for (const fault of selected(FAULTS)) it(fault.name, () => prove(fault));
});
