import { isIpv4 } from '../core/ipv4.ts';
import { deepMerge, layer } from '../core/merge.ts';
import { Secret } from '../core/secret.ts';
import type { ClusterInput, FilledInput, GroupInput, HostInput, JumpInput, ServiceInput, SshInput } from './input.ts';
import type { Host, HostState, NodeServiceSettings, Role, SshSettings } from './types.ts';

const ROLES: readonly Role[] = ['master', 'etcd', 'worker'];
const CONTROL_PLANE_TAINT = 'node-role.kubernetes.io/control-plane:NoSchedule';

export interface HostDefaults {
  readonly filled: Pick<FilledInput, 'ssh' | 'pillar' | 'kubelet' | 'kubeProxy'>;
  /** The schema's. */
  readonly ssh: SshInput;
  readonly groups: NonNullable<ClusterInput['groups']>;
  readonly priority: number;
  readonly state: HostState;
  readonly agent: boolean;
}

/** Hosts with all that they inherit: cluster, then groups (worker, etcd, master), then the host itself. */
export function resolveHosts(inputs: readonly HostInput[], defaults: HostDefaults): Omit<Host, 'source'>[] {
  const namesEtcd = inputs.some((host) => host.roles.includes('etcd'));
  return inputs.map((input) => {
    const roles = ROLES.filter(
      (role) => input.roles.includes(role) || (role === 'etcd' && !namesEtcd && input.roles.includes('master')),
    );
    return resolveHost(input, roles, defaults);
  });
}

function resolveHost(input: HostInput, roles: readonly Role[], defaults: HostDefaults): Omit<Host, 'source'> {
  // Nearest last: a master's group wins over the worker's.
  const groups = [...roles]
    .reverse()
    .flatMap((role): GroupInput[] => (defaults.groups[role] === undefined ? [] : [defaults.groups[role]]));
  const layers = [...groups, input];
  const taints = layers.findLast((layer) => layer.taints !== undefined)?.taints ?? undefined;
  const master = roles.includes('master') && !roles.includes('worker');
  return {
    name: input.name,
    address: input.address,
    internalAddress: input.internalAddress ?? (isIpv4(input.address) ? input.address : ''),
    roles,
    state: input.state ?? defaults.state,
    ssh: resolveSsh(sinceNull([defaults.filled.ssh, ...layers.map(({ ssh }) => ssh)]), defaults, input.name),
    labels: withoutNulls(together(layers.map(({ labels }) => labels))),
    taints: taints ?? (master ? [CONTROL_PLANE_TAINT] : []),
    kubelet: resolveService(sinceNull([defaults.filled.kubelet, ...layers.map(({ kubelet }) => kubelet)])),
    kubeProxy: resolveService(sinceNull([defaults.filled.kubeProxy, ...layers.map(({ kubeProxy }) => kubeProxy)])),
    priority: input.priority ?? defaults.priority,
    ...(input.vipInterface === undefined ? {} : { vipInterface: input.vipInterface }),
    pillar: sinceNull([defaults.filled.pillar, ...layers.map(({ pillar }) => pillar)]).reduce<Record<string, unknown>>(
      deepMerge,
      {},
    ),
  };
}

/** A null gives up what is below it. */
function sinceNull<T>(layers: readonly (T | null | undefined)[]): T[] {
  return layers.slice(layers.lastIndexOf(null) + 1).flatMap((each) => (each === undefined ? [] : [each as T]));
}

function together<T>(layers: readonly (Readonly<Record<string, T>> | null | undefined)[]): Record<string, T> {
  return sinceNull(layers).reduce<Record<string, T>>((below, over) => ({ ...below, ...over }), {});
}

function resolveService(layers: readonly ServiceInput[]): NodeServiceSettings {
  return {
    config: sinceNull(layers.map(({ config }) => config)).reduce(layer, {}),
    extraArgs: together(layers.map(({ extraArgs }) => extraArgs)),
    environment: withoutNulls(together(layers.map(({ environment }) => environment))),
  };
}

function withoutNulls<T>(map: Readonly<Record<string, T | null>>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).flatMap(([key, value]) => (value === null ? [] : [[key, value]])));
}

function resolveSsh(
  layers: readonly NonNullable<GroupInput['ssh']>[],
  defaults: Pick<HostDefaults, 'ssh' | 'agent'>,
  host: string,
): SshSettings {
  const given = withoutNulls(Object.assign({}, ...layers) as Record<string, unknown>);
  const { jump, becomePassword, ...ssh } = { agent: defaults.agent, ...defaults.ssh, ...given } as SshInput &
    Omit<SshSettings, 'jump' | 'becomePassword'>;
  const hops = typeof jump === 'string' ? [jump] : (jump ?? []);
  return {
    ...ssh,
    jump: hops.map(resolveJump),
    ...(becomePassword === undefined
      ? {}
      : { becomePassword: new Secret(becomePassword, `ssh.becomePassword of ${host}`) }),
  };
}

/** `user@host:port`, `host`, `[2001:db8::1]:22` or a map. */
function resolveJump(hop: JumpInput): SshSettings['jump'][number] {
  if (typeof hop !== 'string') return { ...userOf(hop.user), address: hop.address, port: hop.port ?? 22 };
  const [, login, bracketed, plain, port] = /^(?:([^@]+)@)?(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(hop) ?? [];
  return { ...userOf(login), address: bracketed ?? plain ?? hop, port: port === undefined ? 22 : Number(port) };
}

function userOf(user: string | undefined): { user?: string } {
  return user === undefined ? {} : { user };
}
