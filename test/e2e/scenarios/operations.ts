import { expect } from 'vitest';
import { powerOff, powerOn } from '../../../lab/lab.ts';
import type { Page } from '../../../scripts/scenario.ts';
import { PATHS } from '../../../src/core/paths.ts';
import { withFirmware } from '../support/firmware.ts';
import { installAnew } from '../support/host-key.ts';
import { left } from '../support/hosts.ts';
import { mcpk, NODES, on, writeKubeconfig } from '../support/mcpk.ts';
import { agreed, clear, DONE, hostsAre, members, named, READY } from './steps.ts';

/** What a master has and nobody else. */
const OF_MASTERS = [
  ...[PATHS.authorities, `${PATHS.apiServer}/encryption.yaml`, `${PATHS.controllerManager}/ca.key`, PATHS.admin],
  ...[PATHS.etcdPki, '/var/lib/etcd/member', PATHS.haproxyConfig, PATHS.keepalivedConfig],
  ...['kube-apiserver', 'etcd', 'haproxy', 'keepalived'].map((unit) => `${PATHS.units}/multi-user.target.wants/${unit}.service`), // prettier-ignore
];

const THEIRS = '/etc/kubernetes/theirs';

/** What docs/operations.md tells. */
export const OPERATIONS: Page = {
  path: 'docs/operations.md',
  sequences: {
    worker: [
      {
        name: 'remove-worker',
        steps: [
          agreed('mcpk node remove w2', /state: absent/, /drain w2/),
          { run: 'kubectl get nodes', shows: [/^w1 +Ready/m] },
          clear('w2'),
        ],
      },
      {
        name: 'add-worker',
        steps: [
          hostsAre({ w2: 'roles: [worker]' }),
          { run: 'mcpk host-key pin --limit w2' },
          agreed('mcpk apply', /New: w2/),
          READY,
        ],
      },
    ],
    'dead-master': [
      {
        name: 'remove-dead-master',
        steps: [
          { happens: 'm3 has lost its power, for good', by: () => powerOff('m3') },
          agreed('mcpk node remove m3 --gone', /state: gone/),
          members('m1', 'm2'),
        ],
      },
      {
        name: 'bring-back-master',
        steps: [
          { happens: 'm3 boots again', by: () => powerOn('m3') },
          agreed('mcpk node remove m3', /state: absent/),
          clear('m3'),
          hostsAre({ m3: 'roles: [master]' }),
          agreed('mcpk apply', /New: m3/),
          READY,
          members('m1', 'm2', 'm3'),
        ],
      },
    ],
    'replace-master': ['m3', 'm1'].map((name, first) => ({
      name: first === 1 ? 'replace-first-master' : 'replace-master',
      steps: [
        {
          happens: `${name} has a new disk: installed anew, with its name and address`,
          by: () => installAnew(name),
        },
        {
          run: `mcpk node replace ${name}`,
          answers: ['y', 'y', 'y'],
          shows: [/offers the host key/, /as it was leaves the cluster/, /New: /, /Failed: 0/],
        },
        READY,
        members('m1', 'm2', 'm3'),
      ],
    })),
    role: [
      {
        name: 'take-role',
        steps: [
          hostsAre({ m3: 'roles: [worker]' }),
          agreed('mcpk apply', /stop the API server of m3/, /destroy the keys and data of m3/),
          READY,
          members('m1', 'm2'),
          {
            check: 'm3 has nothing of a master, and is a node still',
            by: async () => {
              expect(await left('m3', OF_MASTERS)).toEqual([]);
              expect(await on('m3', 'systemctl', 'is-active', 'kubelet', 'kube-proxy')).toBe('active\nactive\n');
            },
          },
        ],
      },
      {
        name: 'give-role',
        steps: [
          hostsAre({ m3: 'roles: [master]' }),
          agreed('mcpk apply', /^etcd .*m3/m),
          READY,
          members('m1', 'm2', 'm3'),
        ],
      },
    ],
    drain: [
      {
        name: 'drain',
        steps: [
          agreed('mcpk node drain w1', /drain w1/),
          { run: 'kubectl get nodes', shows: [/^w1 +Ready,SchedulingDisabled/m] },
          agreed('mcpk node uncordon w1', /uncordon w1/),
        ],
      },
    ],
    reboot: [
      {
        name: 'reboot',
        steps: [
          { ...agreed('mcpk node reboot w1', /drain w1/, /reboot/), amid: (run) => withFirmware(['w1'], run) },
          READY,
          { run: 'mcpk node reboot all --if-needed', shows: [DONE] },
        ],
      },
      {
        name: 'patches',
        steps: [
          { run: 'mcpk node upgrade-packages role:worker', shows: [DONE] },
          { run: 'mcpk node upgrade-packages all --reboot', shows: [DONE] },
        ],
      },
    ],
    reset: [
      {
        name: 'reset-host',
        steps: [
          named('mcpk reset w2', /What stays there/),
          clear('w2'),
          agreed('mcpk node remove w2 --gone', /state: gone/),
          hostsAre({ w2: 'roles: [worker]' }),
          agreed('mcpk apply', /New: w2/),
          READY,
        ],
      },
      {
        name: 'reset',
        steps: [
          { check: 'somebody else has a file there', by: () => on('w1', 'sh', '-c', `echo mine >${THEIRS}`) },
          {
            check: 'not with the name of another cluster',
            by: async () => expect((await mcpk(['reset', '--yes', '--cluster', 'other'])).code).toBe(18),
          },
          named('mcpk reset', /not of mcpk's making, and stays there/, /What stays there/),
          ...NODES.map(clear),
          { check: 'that file is there still', by: async () => expect(await left('w1', [THEIRS])).toEqual([THEIRS]) },
          agreed('mcpk apply', /New: /),
          { check: 'it is another cluster', by: writeKubeconfig },
          { check: 'that file goes', by: () => on('w1', 'rm', THEIRS) },
          READY,
        ],
      },
    ],
  },
};
