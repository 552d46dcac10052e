import { expect } from 'vitest';
import { powerOff, powerOn } from '../../../lab/lab.ts';
import { DEFAULT_VERSIONS } from '../../../lab/versions.ts';
import type { Page, Step } from '../../../scripts/scenario.ts';
import { holders } from '../support/hosts.ts';
import { allNodesReady, eventually, kubectl, MASTERS, on } from '../support/mcpk.ts';
import { RELEASE_BEFORE } from '../support/start-from.ts';
import { lay, layWorkloads, lonely, SHOP } from '../support/workloads.ts';
import { agreed, DONE, members, READY } from './steps.ts';

const { kubernetes, etcd } = DEFAULT_VERSIONS;
const VERSIONS = { edit: `versions:\n  kubernetes: ${kubernetes}\n  etcd: ${etcd}\n` };
const [MINOR, ETCD_MINOR] = [kubernetes, etcd].map((version) => version.replace(/\.\d+$/, ''));

/** Once a process of the new version is there, in a shell of its host. */
const runsNew = (program: string, minor = ''): string =>
  `pid=$(pidof ${program}) && "/proc/$pid/exe" --version | grep -q "[ v]${minor}\\."`;

/** On the VIP's holder, whose turn is last: its first API server of the new version answers no more, but does not end. */
async function hangLast(): Promise<void> {
  const [last = ''] = await holders(MASTERS);
  const hang = `until ${runsNew('kube-apiserver', MINOR)}; do sleep 0.05; done; kill -STOP "$pid"`;
  await on(last, 'systemd-run', '--quiet', '--collect', 'sh', '-c', hang);
}

async function allAreOld(): Promise<void> {
  const said = await Promise.all(MASTERS.map((name) => on(name, 'kube-apiserver', '--version')));
  expect(said.map((line) => line.trim())).toEqual(MASTERS.map(() => `Kubernetes v${RELEASE_BEFORE.kubernetes}`));
  await allNodesReady();
}

const WORKLOADS: Step = { check: 'the cluster has work', by: layWorkloads };

/** What docs/upgrade.md tells. */
export const UPGRADES: Page = {
  path: 'docs/upgrade.md',
  from: 'before',
  sequences: {
    upgrade: [
      {
        name: 'upgrade',
        steps: [
          WORKLOADS,
          VERSIONS,
          { run: 'mcpk explain versions' },
          { run: 'mcpk validate' },
          {
            run: 'mcpk plan --out upgrade.json',
            code: 2,
            shows: [/^runs +kubernetes/m, /[Ss]napshot/, /w1: \d+ pods go/],
          },
          { ...agreed('mcpk apply --plan upgrade.json'), shows: [/[Ss]napshot/, DONE] },
          { run: 'mcpk verify', shows: [/checks hold/] },
          READY,
        ],
      },
      {
        name: 'to-upstream',
        steps: [
          { edit: 'containerd:\n  source: upstream\n' },
          agreed('mcpk apply', /^runtime/m, /w1: \d+ pods go/),
          READY,
          members('m1', 'm2', 'm3'),
        ],
      },
    ],
    'upgrade-wrong': [
      {
        name: 'wrong-api-server',
        steps: [
          WORKLOADS,
          { edit: `versions:\n  kubernetes: ${kubernetes}\n  etcd: ${RELEASE_BEFORE.etcd}\n` },
          { happens: 'the last API server to be upgraded hangs in its new version', by: hangLast },
          { run: 'mcpk apply --yes', code: 19, shows: [/went back to what was there before/] },
          { run: 'mcpk rollback --yes', shows: [/api-server/, DONE] },
          { check: 'all API servers are of the old version', by: allAreOld },
        ],
      },
      {
        name: 'wrong-flag',
        steps: [
          VERSIONS,
          { edit: 'apiServer:\n  extraArgs: { no-such-flag: 1 }\n' },
          { run: 'mcpk apply --yes', code: 14, shows: [/no-such-flag/] },
          { edit: 'apiServer:\n  extraArgs: {}\n' },
        ],
      },
      {
        name: 'wrong-power',
        steps: [
          { happens: 'm2 loses its power while members of etcd get another version', by: () => Promise.resolve() },
          {
            run: 'mcpk apply --yes',
            code: 11,
            shows: [/m2: the connection was lost/],
            amid: (run) =>
              Promise.all([
                run(),
                eventually('m2 runs the new etcd', 300, async () =>
                  (await on('m2', 'sh', '-c', `${runsNew('etcd', ETCD_MINOR)} && echo new || :`)) === ''
                    ? undefined
                    : true,
                ).then(() => powerOff('m2')),
              ]),
          },
          { happens: 'm2 boots again', by: () => powerOn('m2') },
        ],
      },
      {
        name: 'wrong-drain',
        steps: [
          {
            happens: 'a pod on w1 does not end',
            by: () => lay(lonely('w1', 'stuck', { finalizers: ['example.org/stays'] })),
          },
          { edit: 'rollout:\n  drain: { timeout: 30, unmanaged: delete }\n' },
          { run: 'mcpk apply --yes', code: 15, shows: [/stuck/] },
          { run: 'kubectl get nodes', shows: [/^w1 +Ready +worker/m] },
          {
            happens: 'it was helped to its end',
            by: () =>
              kubectl('-n', SHOP, 'patch', 'pod', 'stuck', '--type=merge', '-p', '{"metadata":{"finalizers":null}}'),
          },
          { run: 'mcpk apply --yes', shows: [DONE] },
          { run: 'mcpk verify', shows: [/checks hold/] },
          READY,
          members('m1', 'm2', 'm3'),
          { check: 'the work goes', by: () => kubectl('delete', 'namespace', SHOP, '--wait') },
        ],
      },
    ],
  },
};
