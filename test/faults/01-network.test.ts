import { describe, it } from 'vitest';
import { on } from '../e2e/support/mcpk.ts';
import { startFrom } from '../e2e/support/start-from.ts';
import { BY_RELAY, makeLongLine, mendLine } from './support/long-line.ts';
import { mendSlowLine, operatorNetwork, slowLine } from './support/network.ts';
import { prove, SCHEDULER, type Fault } from './support/prove.ts';
import { selected } from './support/tier.ts';

startFrom('ready');

const FAULTS: Fault[] = [
  {
    name: "the operator's network is gone for 5 s, in the middle of the rollout",
    quick: true,
    change: SCHEDULER,
    async act(run) {
      await run.must(/controllers m\d: .*kube-scheduler/);
      await operatorNetwork('gone');
      await new Promise((resolve) => setTimeout(resolve, 5000)); // the fault itself: five seconds without a network
      await operatorNetwork('back');
    },
    repair: () => operatorNetwork('back'),
    codes: [0],
  },
  {
    name: "the operator's network is gone for good",
    change: SCHEDULER,
    async act(run) {
      await run.must(/controllers m\d: .*kube-scheduler/);
      await operatorNetwork('gone');
      await run.end();
    },
    repair: () => operatorNetwork('back'),
    codes: [11],
    says: [/m\d: the connection was lost/],
  },
  {
    name: '200 ms there and back, and each twentieth packet lost',
    change: (n) => SCHEDULER(n) + BY_RELAY,
    args: ['--accept-new-host-keys'],
    arrange: makeLongLine,
    repair: mendLine,
    codes: [0],
    healWith: SCHEDULER,
  },
  {
    // More than 8 s of silence ended sessions here: their signs of life waited behind megabytes of binaries.
    name: 'a line of 1 Mbit/s to a host that lacks a binary',
    change: SCHEDULER,
    async arrange() {
      const [program = ''] = (await on('m3', 'readlink', '/usr/local/bin/etcdutl')).split('\n');
      await on('m3', 'rm', program);
      await slowLine('m3');
    },
    repair: () => mendSlowLine('m3'),
    codes: [0],
  },
];

describe("faults of the operator's network", () => {
  for (const fault of selected(FAULTS)) it(fault.name, () => prove(fault));
});
