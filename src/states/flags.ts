import type { Answer, GateCheck, GateContext } from '../cluster/gate.ts';
import type { Facts } from '../cluster/facts.ts';
import type { Service } from '../core/services.ts';
import type { Cluster, Host } from '../inventory/types.ts';
import { flagArguments, type FlagValue } from '../render/formats.ts';
import { admission } from './api-server/admission.ts';
import { audit } from './api-server/audit.ts';
import { apiServerFlags } from './api-server/flags.ts';
import { controllerManagerFlags, schedulerFlags } from './controllers.ts';
import { kubeProxyFlags } from './kube-proxy/resources.ts';
import { kubeletFlags } from './kubelet/resources.ts';
import type { Stage } from './stage.ts';

/**
 * Changes nothing: where another version of Kubernetes runs than is wanted, the new binary itself says whether it takes
 * the flags that it will get, before anything is stopped for it. What no table of mcpk's knows is found here.
 */
export const flags: Stage = {
  name: 'flags',
  title: 'Flags of new binaries',
  about: 'changes nothing: in an upgrade, has each new Kubernetes binary read the flags that it will get',
  hosts: (cluster) => cluster.hosts,
  needs: ['artifacts'],
  states: () => [],
  gate,
};

function gate({ cluster, facts, hosts, staged }: GateContext): GateCheck[] {
  if (staged === undefined) return [];
  return cluster.hosts
    .filter(({ name }) => hosts.includes(name))
    .flatMap((host) =>
      upgraded(cluster, facts, host).map(({ service, args }): GateCheck => ({
        title: `${service} ${cluster.versions.kubernetes} takes its flags on ${host.name}`,
        // Parsed first, feature gates as well; then it tells its version and ends (k8s.io/component-base/version/verflag).
        asks: [{ host: host.name, argv: [staged(host.name, service), ...flagArguments(args), '--version'] }],
        check: ([answer]) => whyNot(answer),
        host: host.name,
        deadline: 0,
        code: 'preflight',
      })),
    );
}

interface Upgraded {
  service: Service;
  args: Record<string, FlagValue>;
}

function upgraded(cluster: Cluster, facts: Facts, host: Host): Upgraded[] {
  const runs = facts.hosts.get(host.name)?.runs ?? {};
  return flagsOf(cluster, facts, host).filter(({ service }) => {
    return runs[service] !== undefined && runs[service] !== cluster.versions.kubernetes;
  });
}

function flagsOf(cluster: Cluster, facts: Facts, host: Host): Upgraded[] {
  const controllers = { ...controllerManagerFlags(cluster), ...cluster.controllerManager.extraArgs };
  const more = { ...admission(cluster, facts).flags, ...audit(cluster).flags };
  const ofMaster: Upgraded[] = [
    { service: 'kube-apiserver', args: apiServerFlags(cluster, host, more) },
    { service: 'kube-controller-manager', args: controllers },
    { service: 'kube-scheduler', args: schedulerFlags(cluster) },
  ];
  return [
    ...(host.roles.includes('master') ? ofMaster : []),
    { service: 'kubelet', args: kubeletFlags(host) },
    ...(cluster.kubeProxy.enabled ? [{ service: 'kube-proxy' as const, args: kubeProxyFlags(host) }] : []),
  ];
}

/** `unknown flag: --cloud-provider`, `unrecognized feature gate: X`, or what it said last. */
function whyNot(answer: Answer | undefined): string | undefined {
  if (answer?.exitCode === 0) return undefined;
  const text = (answer?.stderr ?? '').slice(-4096).trim();
  const known = /(?:unknown (?:shorthand )?flag|unrecognized feature gate|invalid argument)\b[^\n]*/.exec(text)?.[0];
  return known ?? text.split('\n').at(-1) ?? 'no answer';
}
