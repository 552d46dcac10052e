/**
 * `npm run bench -- first-apply`: from bare hosts to five ready nodes, binaries sent; beside it a plain script that
 * only starts the same parts. For the script all that apply laid down (files, certificates, packages, binaries) is
 * put back on fresh hosts beforehand, outside the measured time.
 */
import { exec, host, reset } from '../lab/lab.ts';
import { HOSTS } from '../lab/topology.ts';
import { seconds } from './measure.ts';

const NAMES = HOSTS.map((each) => each.name);

/** What apply owns on a host, without anything that its services wrote while they ran. */
const KEEP = [
  'etc/kubernetes',
  'etc/etcd',
  'etc/haproxy',
  'etc/keepalived',
  'etc/containerd',
  'etc/cni',
  'etc/mcpk',
  'etc/hosts',
  'etc/sysctl.d',
  'etc/modules-load.d',
  'etc/systemd/system',
  'etc/passwd',
  'etc/group',
  'etc/shadow',
  'etc/gshadow',
  'usr/local/bin',
  'opt/cni/bin',
  'var/lib/mcpk/store',
  'var/lib/mcpk/owned.json',
  'var/lib/kubelet/pki',
  'var/log/kubernetes',
];

const UNITS = [
  'containerd',
  'etcd',
  'haproxy',
  'keepalived',
  'kube-apiserver',
  'kube-scheduler',
  'kube-controller-manager',
  'kubelet',
  'kube-proxy',
  'mcpk-routes',
];

/** Starts everything on all hosts at once and waits until the API tells of five ready nodes. */
const PLAIN = `
for host in ${NAMES.join(' ')}; do
  ssh -F "$MCPK_LAB_SSH_CONFIG" "$host" 'systemctl daemon-reload; sysctl -q --system >/dev/null; for u in ${UNITS.join(' ')}; do systemctl cat $u >/dev/null 2>&1 && systemctl start --no-block $u; done' &
done
wait
ask="kubectl --kubeconfig /etc/kubernetes/admin/break-glass.kubeconfig get nodes --no-headers --request-timeout=2s"
until [ "$(ssh -F "$MCPK_LAB_SSH_CONFIG" m1 "$ask" 2>/dev/null | grep -c ' Ready ')" = ${String(NAMES.length)} ]; do :; done`;

export async function firstApply(): Promise<string[]> {
  await reset();
  const apply = await seconds(['mcpk', 'apply', '-i', 'inventories/lab.yaml', '--yes', '--json']);
  const packages = await snapshot();
  await reset();
  await restore(packages);
  const plain = await seconds(['sh', '-c', PLAIN]);
  return [
    `first apply, bare hosts to ready nodes  ${apply.toFixed(1)} s`,
    `plain script, all of it already there   ${plain.toFixed(1)} s`,
    `ratio                                   ${(apply / plain).toFixed(2)} (one run each)`,
  ];
}

async function must(name: string, script: string): Promise<string> {
  const said = await host(name, ['sh', '-c', script]);
  if (said.code !== 0) throw new Error(`${name}: ${script}\n${said.stderr}`);
  return said.stdout;
}

/** Packs what apply laid down on each host, and answers which packages it installed there. */
async function snapshot(): Promise<Map<string, string>> {
  const packages = new Map<string, string>();
  for (const name of NAMES) {
    packages.set(name, (await must(name, "apt-mark showmanual | tr '\\n' ' '")).trim());
    await must(name, `cd / && ls -d ${KEEP.join(' ')} 2>/dev/null > /tmp/kept; tar -cf /root/kept.tar -T /tmp/kept`);
    await pull(name);
  }
  return packages;
}

async function restore(packages: ReadonlyMap<string, string>): Promise<void> {
  await Promise.all(
    NAMES.map(async (name) => {
      await must(
        name,
        `systemctl mask --runtime haproxy keepalived containerd chrony >/dev/null 2>&1; apt-get -qq update; DEBIAN_FRONTEND=noninteractive apt-get -y -qq install ${packages.get(name) ?? ''} >/dev/null; systemctl unmask --runtime haproxy keepalived containerd chrony >/dev/null 2>&1; true`,
      );
      await push(name);
      await must(
        name,
        'cd / && tar -xf /root/kept.tar && mkdir -p /var/lib/etcd && chown etcd:etcd /var/lib/etcd 2>/dev/null; chmod 700 /var/lib/etcd; true',
      );
    }),
  );
}

const ARCHIVES = '/tmp/mcpk-bench';

async function pull(name: string): Promise<void> {
  await scp(`${name}:/root/kept.tar`, `${ARCHIVES}-${name}.tar`);
}

async function push(name: string): Promise<void> {
  await scp(`${ARCHIVES}-${name}.tar`, `${name}:/root/kept.tar`);
  await exec(['rm', '-f', `${ARCHIVES}-${name}.tar`]);
}

async function scp(from: string, to: string): Promise<void> {
  const said = await exec(['sh', '-c', 'exec scp -q -F "$MCPK_LAB_SSH_CONFIG" "$1" "$2"', 'sh', from, to]);
  if (said.code !== 0) throw new Error(`scp ${from} ${to}: ${said.stderr}`);
}
