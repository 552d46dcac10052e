import type { Facts } from '../../cluster/facts.ts';
import { hasServed, owns } from '../../cluster/laid.ts';
import { USERS } from '../../core/paths.ts';
import { secretly } from '../../core/secret.ts';
import type { Cluster } from '../../inventory/types.ts';
import { toYaml, type FlagValue } from '../../render/formats.ts';
import type { FileResource } from '../../resources/types.ts';
import { file, readableBy } from '../build.ts';
import { API_SERVER_FILES } from './flags.ts';

const PLUGIN = 'PodSecurity';

/** Calico's pods, and the like, would be refused by any level but `privileged`. */
const OURS = 'kube-system';

/** AdmissionConfiguration and what it names; nothing where it would configure nothing. */
export function admission(
  cluster: Cluster,
  facts: Facts,
): { files: FileResource[]; flags: Readonly<Record<string, FlagValue>> } {
  const on = podSecurity(cluster, facts) === 'on';
  const { plugins } = cluster.apiServer.admission;
  if (!on && plugins.length === 0) return { files: [], flags: {} };
  const configuration = {
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'AdmissionConfiguration',
    plugins: [...(on ? [{ name: PLUGIN, path: API_SERVER_FILES.podSecurity }] : []), ...plugins],
  };
  const reads = readableBy(USERS.apiServer);
  return {
    files: [
      ...(on ? [file(API_SERVER_FILES.podSecurity, podSecurityConfig(cluster), reads)] : []),
      file(API_SERVER_FILES.admission, secretly(configuration, toYaml), reads),
    ],
    flags: { 'admission-control-config-file': API_SERVER_FILES.admission },
  };
}

function podSecurityConfig({ apiServer }: Cluster): string {
  const { enforce, audit, warn, exemptNamespaces } = apiServer.admission.podSecurity;
  return toYaml({
    apiVersion: 'pod-security.admission.config.k8s.io/v1',
    kind: 'PodSecurityConfiguration',
    defaults: {
      enforce,
      'enforce-version': 'latest',
      audit,
      'audit-version': 'latest',
      warn,
      'warn-version': 'latest',
    },
    exemptions: {
      namespaces: exemptNamespaces.includes(OURS) ? exemptNamespaces : [...exemptNamespaces, OURS],
    },
  });
}

/**
 * `left`: off, because nobody said anything about it and pods may already run that it would not let in again. Whether a
 * cluster that stands has it is told by the file on its masters.
 */
export function podSecurity({ apiServer }: Cluster, facts: Facts): 'on' | 'off' | 'left' {
  const { enabled } = apiServer.admission.podSecurity;
  if (enabled !== undefined) return enabled ? 'on' : 'off';
  const laid = [...facts.hosts.values()].some((host) => owns(host, `file:${API_SERVER_FILES.podSecurity}`));
  return laid || !hasServed(facts) ? 'on' : 'left';
}
