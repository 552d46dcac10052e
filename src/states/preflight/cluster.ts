import { hasVip } from '../../cluster/endpoint.ts';
import type { Facts, HostFacts } from '../../cluster/facts.ts';
import { isNew } from '../../cluster/laid.ts';
import { hostsWith, type Cluster } from '../../inventory/types.ts';
import type { Problem } from '../stage.ts';
import { subnets } from './subnets.ts';
import { versionProblems } from './versions.ts';

/** Certificates are valid from five minutes ago on, and etcd warns from one second. */
const MAX_SKEW_MS = 2000;

/** What shows only when hosts are held against each other. */
export function clusterProblems(cluster: Cluster, facts: Facts): Problem[] {
  return [
    ...same(
      facts,
      (own) => own.machineId,
      'machine-id',
      'Cloned hosts share it: empty /etc/machine-id, run systemd-machine-id-setup, boot.',
    ),
    ...same(facts, (own) => own.hostname, 'host name', 'Give each host its own: hostnamectl set-hostname NAME.'),
    ...clocks(facts),
    ...vip(cluster, facts),
    ...subnets(cluster, facts),
    ...versionProblems(cluster, facts),
  ];
}

function same(facts: Facts, of: (own: HostFacts) => string, what: string, hint: string): Problem[] {
  const groups = Map.groupBy(facts.hosts.keys(), (name) => of(facts.hosts.get(name) as HostFacts));
  return [...groups]
    .filter(([value, names]) => value !== '' && names.length > 1)
    .map(([value, names]) => ({
      message: `${names.join(', ')} have the same ${what} ${value}`,
      hint,
    }));
}

/** The clocks of hosts against each other: what the operator's own clock says is of no matter to the cluster. */
function clocks(facts: Facts): Problem[] {
  const all = [...facts.hosts].map(([name, own]) => ({ name, skew: own.clockSkewMs })).sort((a, b) => a.skew - b.skew);
  const first = all[0];
  const last = all.at(-1);
  if (!first || !last || last.skew - first.skew <= MAX_SKEW_MS) return [];
  const seconds = ((last.skew - first.skew) / 1000).toFixed(1);
  const hint = 'Set the clocks (chronyc makestep), then run again.';
  return [
    {
      host: last.name,
      message: `its clock is ${seconds} s ahead of ${first.name}'s; ${String(MAX_SKEW_MS / 1000)} s are allowed`,
      hint,
    },
  ];
}

/** Free, or on one of our own hosts. Whether a stranger has it must be asked: see mesh.ts. */
function vip(cluster: Cluster, facts: Facts): Problem[] {
  if (!hasVip(cluster)) return [];
  const { address } = cluster.endpoint;
  const holders = [...facts.hosts].filter(([, own]) => own.holdsVip);
  const foreign = holders.filter(([name, own]) => !mayHold(cluster, name) || isNew(own));
  return foreign.map(([host]) => ({
    host,
    message: `has the VIP ${address}, which mcpk did not put there`,
    hint: 'Take it off, or choose another one.',
  }));
}

/** One that leaves hands it over. */
function mayHold(cluster: Cluster, name: string): boolean {
  return isMaster(cluster, name) || cluster.leaving.some((host) => host.name === name);
}

function isMaster(cluster: Cluster, name: string): boolean {
  return hostsWith(cluster, 'master').some((host) => host.name === name);
}
