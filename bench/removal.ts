/**
 * `npm run bench -- removal`: a worker with ten pods leaves the cluster; beside it the drain that is a part of it, which
 * takes as long as the pods do.
 */
import { exec } from '../lab/lab.ts';
import { overlay } from '../test/e2e/support/mcpk.ts';
import { Running } from '../test/e2e/support/running.ts';
import { spread, timed } from './measure.ts';
import { apply, CALICO, settle, writeKubeconfig } from './mcpk.ts';
import { duration, spreadRow } from './report.ts';
import type { Options, Report } from './types.ts';

const WORKER = 'w2';
const PODS = 10;

/** Pods that end when they are told to, and that have nowhere else to go. */
const DEPLOYMENT = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { namespace: 'default', name: 'leaving' },
  spec: {
    replicas: PODS,
    selector: { matchLabels: { app: 'leaving' } },
    template: {
      metadata: { labels: { app: 'leaving' } },
      spec: {
        nodeSelector: { 'kubernetes.io/hostname': WORKER },
        containers: [
          {
            name: 'waits',
            image: 'docker.io/library/busybox:1',
            command: ['sh', '-c', 'trap exit TERM; while :; do sleep 1 & wait $!; done'],
          },
        ],
      },
    },
  },
};

export async function removal({ quick, rounds, note }: Options): Promise<Report> {
  await settle(CALICO);
  await writeKubeconfig(CALICO);
  const wholes: number[] = [];
  const drains: number[] = [];
  try {
    for (let round = 0; round < (rounds ?? (quick ? 1 : 3)); round += 1) {
      await pods();
      note(`${WORKER} leaves with ${String(PODS)} pods (${String(round + 1)})`);
      const { whole, drain } = await remove();
      wholes.push(whole);
      drains.push(drain);
      note(`${duration(whole)}, of which its drain ${duration(drain)}`);
      await timed(apply(undefined, { inventories: CALICO }));
    }
  } finally {
    await kubectl('delete', 'deployment', 'leaving', '--ignore-not-found');
  }
  return {
    tables: [
      {
        title: 'A worker with ten pods leaves',
        head: ['', 'median', 'spread', 'runs'],
        rows: [
          spreadRow('mcpk node remove, whole process', spread(wholes)),
          spreadRow('its drain', spread(drains)),
          spreadRow('all but its drain', spread(wholes.map((whole, at) => whole - (drains[at] ?? Number.NaN)))),
        ],
      },
    ],
    notes: ['The pods end as soon as they are told to. With Calico, whose pod on the worker is no part of a drain.'],
  };
}

/** Seconds from the command's start to its end, and of the step in it that drains. */
async function remove(): Promise<{ whole: number; drain: number }> {
  const file = await overlay(`hosts:\n  - { name: ${WORKER}, state: present }\n`);
  const started = performance.now();
  const run = new Running(['node', 'remove', WORKER, '--yes'], [file]);
  await run.must(new RegExp(`drain ${WORKER}, start`));
  const begun = performance.now();
  await run.must(new RegExp(`drain ${WORKER}, done`));
  const drained = performance.now();
  const said = await run.end();
  const ended = performance.now();
  if (said.code !== 0) throw new Error(`mcpk node remove: exit ${String(said.code)}\n${said.stderr}`);
  return { whole: (ended - started) / 1000, drain: (drained - begun) / 1000 };
}

async function pods(): Promise<void> {
  await kubectl('apply', '-f', await overlay(JSON.stringify(DEPLOYMENT)));
  await kubectl('rollout', 'status', 'deployment/leaving', '--timeout=180s');
}

async function kubectl(...words: string[]): Promise<void> {
  const said = await exec(['kubectl', ...words]);
  if (said.code !== 0) throw new Error(`kubectl ${words.join(' ')}: ${said.stderr}`);
}
