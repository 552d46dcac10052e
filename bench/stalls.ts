/**
 * `npm run bench -- stalls`: which stalls of the master that holds the VIP move it, and what its clients see of them.
 * Everything of the host stops (as a paused virtual machine does), Keepalived alone does, its processors or its disk
 * are saturated, or its power is gone.
 */
import {
  keepalivedStopped,
  loaded,
  manyPods,
  LOADS,
  observed,
  paused,
  withoutPower,
  withoutPowerUnderLoad,
  type Observed,
  type Stall,
} from '../test/faults/support/stalls.ts';
import { CALICO, settle, writeKubeconfig } from './mcpk.ts';
import { duration } from './report.ts';
import type { Options, Report } from './types.ts';

/** How long a holder stops for, s. */
const LENGTHS = [0.2, 0.5, 0.8, 0.95, 1.5, 2, 3, 5];
/** What takes longer happens once. */
const LONG_S = 10;
/** What loads the holder, s. */
const LOAD_SECONDS: Readonly<Record<keyof typeof LOADS, number>> = {
  processors: 600,
  disk: 120,
  packages: 60,
  images: 60,
};
const QUICK_LOAD_SECONDS = 20;

export async function stalls({ quick, rounds, note }: Options): Promise<Report> {
  await settle(CALICO);
  await writeKubeconfig(CALICO);
  const rows: string[][] = [];
  for (const stall of all(quick)) {
    const runs: Observed[] = [];
    const times = stall.seconds > LONG_S ? 1 : (rounds ?? (quick ? 1 : 3));
    for (let round = 0; round < times; round += 1) {
      const seen = await observed(stall);
      note([stall.what, duration(stall.seconds), ...cells([seen])].join('  '));
      runs.push(seen);
    }
    rows.push([stall.what, duration(stall.seconds), ...cells(runs)]);
  }
  const head = [
    'what happens',
    'for',
    'the VIP moved',
    'resets of one kept connection',
    'no answer on new ones',
    'etcd elections',
  ];
  return {
    tables: [{ title: 'Stalls of the master that holds the VIP', head, rows }],
    notes: ['Each figure is the worst of its runs. Eight clients keep a connection; another makes one each 50 ms.'],
  };
}

function cells(runs: readonly Observed[]): string[] {
  const most = (of: (seen: Observed) => number): number => Math.max(...runs.map(of));
  return [
    String(most(({ moves }) => moves)),
    String(most(({ resets }) => Math.max(...resets))),
    duration(most(({ silentMs }) => silentMs) / 1000),
    String(most(({ elections }) => elections)),
  ];
}

function all(quick: boolean): Stall[] {
  const lengths = quick ? [0.5, 0.95, 2] : LENGTHS;
  const whole = lengths.map((seconds) => ({ what: 'the whole host stops', seconds, begin: paused }));
  const alone = lengths.map((seconds) => ({ what: 'Keepalived alone stops', seconds, begin: keepalivedStopped }));
  const loads = (Object.keys(LOADS) as (keyof typeof LOADS)[]).map((load) => {
    const seconds = quick ? QUICK_LOAD_SECONDS : LOAD_SECONDS[load];
    return { what: LOADED[load], seconds, begin: (holder: string) => loaded(holder, LOADS[load], seconds) };
  });
  return [
    ...whole,
    ...alone,
    ...loads,
    { what: 'its power is gone, and another leads etcd', seconds: 10, leads: false, begin: withoutPower },
    {
      what: 'its power is gone, another leads etcd, and processors are saturated',
      seconds: 10,
      leads: false,
      begin: withoutPowerUnderLoad,
    },
    { what: 'its power is gone, and it led etcd', seconds: 10, leads: true, begin: withoutPower },
    { what: '200 pods start, and end, at once', seconds: LONG_S + 1, begin: manyPods },
  ];
}

const LOADED: Readonly<Record<keyof typeof LOADS, string>> = {
  processors: 'its processors are saturated',
  disk: 'its disk is saturated',
  packages: 'packages are unpacked',
  images: 'images are unpacked',
};
