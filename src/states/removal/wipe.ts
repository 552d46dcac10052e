import { etcdFolders } from '../../cluster/etcd-folders.ts';
import type { Facts } from '../../cluster/facts.ts';
import type { Leaver } from '../../cluster/leaving.ts';
import { PATHS } from '../../core/paths.ts';
import { ROUTE_PROTOCOL } from '../../core/routes.ts';
import type { Cluster, Host } from '../../inventory/types.ts';
import { HAPROXY_STATE } from '../haproxy.ts';
import { CALICO } from '../calico/objects.ts';
import { sharedSecretsOf } from '../secrets.ts';
import type { StepAround, Steps } from '../stage.ts';
import { CLEAR_NETWORK, DESTROY, END_PODS, TAKE_OFF } from './scripts.ts';

/** What the kubelet and CNI plugins lay on a host beside their own folders. */
const GROWN_ON_NODES = ['/var/lib/cni', '/var/log/pods', '/var/log/containers'];

/**
 * Around the removal of what mcpk laid on a host: what grew of it goes before, while the commands that know it are there,
 * and what mcpk kept for itself after. Each step may be taken again.
 */
export function wipe(cluster: Cluster, facts: Facts, leaver: Leaver): Steps {
  const { host, whole, node } = leaver;
  const { name } = host;
  const owned = facts.hosts.get(name)?.owned ?? [];
  const named = (kind: string): string[] =>
    owned.flatMap(({ ref }) => (ref.startsWith(`${kind}:`) ? [ref.slice(kind.length + 1)] : []));
  const step = (title: string, script: string, ...args: string[]): StepAround => ({
    title,
    on: name,
    run: ['sh', '-c', script, 'sh', ...args],
  });
  // What stays on a host that only gives up a role is described still, and its units run on.
  const units = whole ? named('unit').filter((unit) => !isHosts(unit)) : unitsOf(leaver, named('unit'));
  return {
    before: [
      ...(node
        ? [
            step(`end the pods of ${name}`, END_PODS, PATHS.kubeletData, '/sys/fs/cgroup'),
            step(`take the network of the pods off ${name}`, CLEAR_NETWORK, ROUTE_PROTOCOL),
          ]
        : []),
      step(
        `destroy the keys and data of ${name}`,
        DESTROY,
        ...lists(inStopOrder(units), keysOf(cluster, host), dataOf(cluster, leaver)),
      ),
    ],
    after: whole
      ? [
          step(
            `take off ${name} what mcpk kept there for itself`,
            TAKE_OFF,
            PATHS.state,
            PATHS.run,
            HAPROXY_STATE,
            ...lists(named('package').filter(isHeld), inner(named('directory')), named('unit').filter(isHosts)),
          ),
        ]
      : [],
  };
}

/** First of all: a kubelet that runs would start pods, and register its Node, anew. */
export function stopKubelet(host: string): StepAround {
  return { title: `stop the kubelet of ${host}`, on: host, run: ['systemctl', 'stop', 'kubelet.service'] };
}

/** Lists as arguments: the count of each before it. */
function lists(...all: readonly (readonly string[])[]): string[] {
  return all.flatMap((list) => [String(list.length), ...list]);
}

/** Folders within others first. */
function inner(folders: readonly string[]): string[] {
  return folders.toSorted((a, b) => b.length - a.length);
}

function unitsOf({ master, member, node, vip }: Leaver, owned: readonly string[]): string[] {
  const parts: readonly (readonly [boolean, readonly string[]])[] = [
    [
      master,
      ['kube-scheduler.service', 'kube-controller-manager.service', 'kube-apiserver.service', 'haproxy.service'],
    ],
    [vip, ['keepalived.service']],
    [member, ['etcd.service']],
    [node, ['kubelet.service', 'kube-proxy.service', 'mcpk-network.service', 'containerd.service']],
  ];
  const leaving = parts.flatMap(([leaves, names]) => (leaves ? names : []));
  return owned.filter((unit) => leaving.includes(unit));
}

/** What others need stops after them: the API server waits for etcd as long as systemd lets it. */
function inStopOrder(units: readonly string[]): string[] {
  const last = ['containerd.service', 'etcd.service'];
  return units.toSorted((a, b) => last.indexOf(a) - last.indexOf(b));
}

/** Files of the secrets that masters share; of a host that stays those that it does not need any more. */
function keysOf(cluster: Cluster, host: Host): string[] {
  const of = (each: Host): string[] =>
    sharedSecretsOf(cluster, each).flatMap(({ files }) => files.map(({ path }) => path));
  const kept = host.state === 'present' ? of(host) : [];
  const all = of({ ...host, roles: ['master', 'etcd', 'worker'] });
  return [...new Set(all)].filter((path) => !kept.includes(path));
}

/** Of etcd only what it makes itself in its folders. With a slash behind it: what lies in it. */
export function dataOf(cluster: Cluster, { member, node }: Leaver): string[] {
  const { network } = cluster;
  const [data, ...wal] = etcdFolders(cluster);
  return [
    ...(member ? [`${data}/member`, ...wal.map((folder) => `${folder}/`)] : []),
    ...(node ? [`${PATHS.kubeletData}/`, ...GROWN_ON_NODES] : []),
    ...(node && network.plugin === 'calico' ? CALICO.grows : []),
  ];
}

/** mcpk held them, so that no upgrade restarts them. */
function isHeld(name: string): boolean {
  return ['runc', 'containerd', 'haproxy', 'keepalived'].includes(name);
}

/** Keeps the time of the host, which has nothing to do with the cluster. */
function isHosts(unit: string): boolean {
  return unit === 'chrony.service';
}
