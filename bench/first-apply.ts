/**
 * `npm run bench -- first-apply`: from bare hosts to five ready nodes, binaries sent; beside it a plain script that
 * only starts the same parts. For the script all that apply laid down (files, certificates, packages, binaries) is
 * put back on fresh hosts beforehand, outside the measured time.
 */
import { exec, host, reset } from '../lab/lab.ts';
import { HOSTS } from '../lab/topology.ts';
import { criticalPath } from '../src/report/critical-path.ts';
import { applied, apply as mcpkApply, inventoryFlags, settle } from './mcpk.ts';
import type { RunResult } from '../lab/run.ts';
import { spread, timed, type Spread } from './measure.ts';
import type { Options, Report } from './types.ts';

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
  'mcpk-network',
];

/** Starts everything on all hosts at once and waits until the API tells of five ready nodes: the scheduler, as nobody is bound yet. */
const PLAIN = `
for host in ${NAMES.join(' ')}; do
  ssh -F "$MCPK_LAB_SSH_CONFIG" "$host" 'systemctl daemon-reload; sysctl -q --system >/dev/null; for u in ${UNITS.join(' ')}; do systemctl cat $u >/dev/null 2>&1 && systemctl start --no-block $u; done' &
done
wait
ask="kubectl --kubeconfig /etc/kubernetes/scheduler/kubeconfig get nodes --no-headers --request-timeout=2s"
until [ "$(ssh -F "$MCPK_LAB_SSH_CONFIG" m1 "$ask" 2>/dev/null | grep -c ' Ready ')" = ${String(NAMES.length)} ]; do sleep 0.5; done`;

interface Round {
  apply: number;
  plain: number;
  said: RunResult;
  needs: ReadonlyMap<string, readonly string[]>;
}

export async function firstApply({ note, quick, rounds }: Options): Promise<Report> {
  const all: Round[] = [];
  for (let round = 0; round < (rounds ?? (quick ? 1 : 3)); round += 1) all.push(await measured(note));
  note('the cluster is made again');
  await reset();
  await settle();
  const [apply, plain] = [spread(all.map((one) => one.apply)), spread(all.map((one) => one.plain))];
  const { said, needs } = all.at(-1) as Round;
  const { stages, traffic } = applied(said);
  const ran = stages.map(({ name, ms }) => ({ name, ms, needs: needs.get(name) ?? [] })).filter(({ ms }) => ms > 0);
  const path = criticalPath(ran);
  return {
    tables: [
      {
        title: 'Bare hosts to ready nodes',
        head: ['', 'median, s', 'spread, s', 'runs', 'to the plain script'],
        rows: [
          ['plain script, all of it already there', ...figures(plain), '1'],
          ['first apply, binaries sent', ...figures(apply), `${(apply.median / plain.median).toFixed(2)} ×`],
        ],
      },
      {
        title: 'Its stages',
        head: ['stage', 'seconds', 'critical path'],
        rows: ran.map((stage) => [stage.name, (stage.ms / 1000).toFixed(1), path.includes(stage) ? 'yes' : '']),
      },
      {
        title: 'What it sent',
        head: ['host', 'MB sent', 'MB received', 'round trips', 'connections'],
        rows: Object.entries(traffic).map(([name, each]) => [
          name,
          (each.bytesSent / 1e6).toFixed(1),
          (each.bytesReceived / 1e6).toFixed(2),
          String(each.roundTrips),
          String(each.connections),
        ]),
      },
    ],
    notes: [
      'Stages and bytes are those of the last run. The plain script starts all units on all hosts at once and waits for five ready nodes.',
    ],
  };
}

function figures({ median, min, max, runs }: Spread): string[] {
  return [median.toFixed(1), `${min.toFixed(1)}–${max.toFixed(1)}`, String(runs)];
}

async function measured(note: Options['note']): Promise<Round> {
  await reset();
  note('first apply, from bare hosts');
  const { seconds: apply, said } = await timed(mcpkApply(undefined));
  const needs = await stageNeeds();
  const packages = await snapshot();
  await reset();
  note('the same put back onto bare hosts, for the plain script');
  await restore(packages);
  note('plain script');
  const { seconds: plain } = await timed({ argv: ['timeout', '180', 'sh', '-c', PLAIN] });
  return { apply, plain, said, needs };
}

async function stageNeeds(): Promise<ReadonlyMap<string, readonly string[]>> {
  const { said } = await timed({ argv: ['mcpk', 'show', ...inventoryFlags(), '--json'] });
  const { stages } = JSON.parse(said.stdout) as { stages: { name: string; needs: string[] }[] };
  return new Map(stages.map(({ name, needs }) => [name, needs]));
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
