import { powerOff, powerOn, wipe } from '../../../lab/lab.ts';
import type { Page, Step } from '../../../scripts/scenario.ts';
import { kubectl, on, writeKubeconfig } from '../support/mcpk.ts';
import { agreed, DONE, hostsAre, members, named, READY } from './steps.ts';

const RECIPIENT = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
const MASTER = 'roles: [master]';

/** What a restore is to bring back. */
const SHOP: Step = {
  check: 'the cluster has something to lose',
  by: async () => {
    await kubectl('delete', 'namespace', 'shop', '--ignore-not-found');
    await kubectl('create', 'namespace', 'shop');
  },
};
const SHOP_IS_THERE: Step = { check: 'it is there', by: () => kubectl('get', 'namespace', 'shop') };
const SNAPSHOT: Step = { run: 'mcpk etcd snapshot --out lab.tar', shows: [/proved by a restore/] };

/** A new disk, with the host key that it had. */
async function newDisk(name: string): Promise<void> {
  await wipe(name);
  await powerOn(name);
}

/** What docs/recovery.md tells. */
export const RECOVERY: Page = {
  path: 'docs/recovery.md',
  sequences: {
    member: [
      {
        name: 'lost-member',
        steps: [
          {
            happens: "m2 has lost etcd's data",
            by: () => on('m2', 'sh', '-ec', 'systemctl stop etcd.service; rm -r /var/lib/etcd/member'),
          },
          agreed('mcpk apply', /etcd/),
          { run: 'mcpk etcd status', shows: [/^m2 /m] },
          members('m1', 'm2', 'm3'),
        ],
      },
    ],
    away: [
      {
        name: 'quorum-away',
        steps: [
          {
            happens: 'm2 and m3 had no power; now they have it again',
            by: async () => {
              await Promise.all(['m2', 'm3'].map(powerOff));
              await Promise.all(['m2', 'm3'].map(powerOn));
            },
          },
          READY,
          { run: 'mcpk apply --yes', shows: [/Failed: 0/] },
          { run: 'mcpk verify', shows: [/checks hold/] },
          members('m1', 'm2', 'm3'),
        ],
      },
    ],
    restore: [
      {
        name: 'snapshot',
        steps: [
          SHOP,
          SNAPSHOT,
          { run: `mkdir backups\nmcpk etcd snapshot --out backups/ --keep 14 --age ${RECIPIENT}` },
          { run: 'mcpk etcd rehearse lab.tar', shows: [/revision/] },
        ],
      },
      {
        name: 'restore',
        steps: [
          {
            happens: 'somebody has deleted a namespace',
            by: () => kubectl('delete', 'namespace', 'shop'),
          },
          named('mcpk etcd restore lab.tar', /The API is away/),
          READY,
          { run: 'kubectl get namespace shop', shows: [/^shop +Active/m] },
          { run: "mcpk exec --limit role:master -- sh -c 'rm -rf /var/lib/etcd.before-* /var/lib/etcd/before-*'" },
          members('m1', 'm2', 'm3'),
        ],
      },
    ],
    recover: [
      {
        name: 'recover',
        steps: [
          SHOP,
          {
            happens: 'm2 and m3 are gone for good; there is no bundle',
            by: () => Promise.all(['m2', 'm3'].map(powerOff)),
          },
          hostsAre({ m2: `${MASTER}, state: gone`, m3: `${MASTER}, state: gone` }),
          named('mcpk etcd recover --from m1 --out m1.tar', /as a new cluster/),
          SHOP_IS_THERE,
        ],
      },
      {
        name: 'masters-again',
        steps: [
          {
            happens: 'm2 and m3 have new disks: installed anew, with their host keys',
            by: () => Promise.all(['m2', 'm3'].map(newDisk)),
          },
          hostsAre({ m2: MASTER, m3: MASTER }),
          agreed('mcpk apply', /New: m2, m3/),
          READY,
          members('m1', 'm2', 'm3'),
        ],
      },
    ],
    masters: [
      {
        name: 'all-masters',
        steps: [
          SHOP,
          SNAPSHOT,
          {
            happens: 'm1, m2 and m3 have new disks: installed anew, with their host keys',
            by: () => Promise.all(['m1', 'm2', 'm3'].map(newDisk)),
          },
          // What the authority signed that nobody has any more; mcpk takes none for lost while something rests on it.
          {
            run: 'mcpk exec --limit role:worker -- rm /var/lib/kubelet/pki/kubelet-client-current.pem /etc/kubernetes/kubelet/server.crt /etc/kubernetes/kube-proxy/client.crt',
          },
          agreed('mcpk apply', /New: m1, m2, m3/),
          { check: 'it is another cluster', by: writeKubeconfig },
          named('mcpk etcd restore lab.tar', /The API is away/),
          { run: 'mcpk apply', shows: [DONE] },
          READY,
          SHOP_IS_THERE,
          members('m1', 'm2', 'm3'),
        ],
      },
    ],
    backups: [
      {
        name: 'backups',
        steps: [
          {
            edit: `etcd:
  backup:
    schedule: '*-*-* 03:00' # OnCalendar of systemd.time(7)
    keep: 7
    ageRecipients: [${RECIPIENT}]
`,
          },
          agreed('mcpk apply', /etcd-backup/),
          { run: 'mcpk exec --limit m1 -- systemctl start mcpk-etcd-backup.service' },
          { run: 'mcpk etcd status', shows: [/newest backup/] },
        ],
      },
    ],
    defrag: [{ name: 'defrag', steps: [agreed('mcpk etcd defrag --min-free 1%', /Order|leads/)] }],
  },
};
