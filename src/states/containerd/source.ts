import type { Facts, HostFacts } from '../../cluster/facts.ts';
import { owns } from '../../cluster/laid.ts';
import { minorNumber } from '../../core/versions.ts';
import { isOfUpstream } from '../../core/upstream-runtime.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { PackageResource } from '../../resources/types.ts';
import { nodeHosts } from '../node-rollout.ts';
import type { Problem } from '../stage.ts';
import { containerdMajor } from './config.ts';

/** What the distribution's packages are called. */
const PACKAGES = ['runc', 'containerd'];

/** Kubernetes 1.37 takes containerd 1.x for the last time (its release notes on the CRI's RuntimeConfig). */
const LAST_WITH_FIRST_MAJOR = 37;

/** The packages of a host that has upstream's now: they stay, held, so that no upgrade of them restarts the unit. */
export function formerPackages(own: HostFacts): PackageResource[] {
  return PACKAGES.filter((name) => owns(own, `package:${name}`)).map((name) => {
    return { kind: 'package', name, units: [], hold: true };
  });
}

/** Hosts that go on with a containerd that the next Kubernetes, or the one that is wanted, does not take. */
export function runtimeTooOld(cluster: Cluster, facts: Facts): Problem[] {
  const minor = minorNumber(cluster.versions.kubernetes);
  if (minor < LAST_WITH_FIRST_MAJOR || isOfUpstream(cluster)) return [];
  const old = nodeHosts(cluster).flatMap(({ name }) => {
    const own = facts.hosts.get(name);
    return own && containerdMajor(own.os, cluster.versions.containerd ?? own.runs.containerd) === 1 ? [name] : [];
  });
  if (old.length === 0) return [];
  const hint =
    "containerd.source: upstream gives the nodes upstream's containerd in this run, each drained for it in its turn.";
  if (minor > LAST_WITH_FIRST_MAJOR) {
    const message = `Kubernetes ${cluster.versions.kubernetes} takes no containerd 1.x`;
    return old.map((host) => ({ code: 'refused', host, message, hint }));
  }
  const message = `containerd 1.x of ${old.length === 1 ? String(old[0]) : `${String(old.length)} hosts`}: Kubernetes 1.38 takes it no more; containerd.source: upstream changes it`;
  return [{ code: 'warning', message }];
}
