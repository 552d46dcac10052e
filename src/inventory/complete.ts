import { defaultArtifactsFolder } from '../core/cache-folder.ts';
import { nthAddress, parseCidr } from '../core/ipv4.ts';
import { Secret } from '../core/secret.ts';
import { expandHome } from './adapt.ts';
import { fillDefaults } from './defaults.ts';
import { resolveHosts } from './hosts.ts';
import { childSchema, type JsonSchema } from './schema.ts';
import type { ClusterInput, FilledInput, HostInput, RegistryInput } from './input.ts';
import type { Environment } from './substitute.ts';
import type { Cluster, Endpoint, Host, HostState, Registry } from './types.ts';

export interface CompleteOptions {
  schema: JsonSchema;
  env: Environment;
  home: string;
  files: readonly string[];
  /** `inventories/lab.yaml:14` of the host at that place of the list. */
  sourceOf: (index: number) => string;
}

/** Turns checked input into a cluster: defaults filled, what is computed computed, what is inherited inherited. */
export function complete(
  input: ClusterInput,
  options: CompleteOptions,
): { cluster: Cluster; places: ReadonlyMap<Host, number> } {
  const filled = fillDefaults(input, options.schema, options.schema, ['hosts', 'groups']) as FilledInput;
  const { ssh, groups: _groups, ...settings } = filled as FilledInput & { groups?: unknown };
  const places = new Map<Host, number>();
  const present = (input.hosts ?? []).flatMap((host, index): { host: HostInput; index: number }[] =>
    host === undefined ? [] : [{ host, index }],
  );
  const withHome = (files: readonly string[]): string[] => files.map((file) => expandHome(file, options.home));
  const sshDefaults = fillDefaults({}, options.schema.definitions?.['ssh'] ?? {}, options.schema) as typeof ssh;
  const hostDefault = (name: string): unknown =>
    childSchema(options.schema.definitions?.['host'], name, options.schema)?.default;
  const all = resolveHosts(
    present.map(({ host }) => host),
    {
      filled: { ...filled, ssh: { ...ssh, knownHostsFiles: withHome(ssh.knownHostsFiles) } },
      ssh: { ...sshDefaults, knownHostsFiles: withHome(sshDefaults.knownHostsFiles) },
      groups: input.groups ?? {},
      priority: Number(hostDefault('priority')),
      state: hostDefault('state') as HostState,
      agent: (options.env['SSH_AUTH_SOCK'] ?? '') !== '',
    },
  ).map((host, at): Host => {
    const index = present[at]?.index ?? at;
    const placed = { ...host, source: options.sourceOf(index) };
    places.set(placed, index);
    return placed;
  });
  const hosts = all.filter(({ state }) => state === 'present');
  const cluster: Cluster = {
    ...settings,
    name: filled.name,
    files: options.files,
    hosts,
    leaving: all.filter((host) => !hosts.includes(host)),
    endpoint: resolveEndpoint(filled, input.endpoint ?? {}, hosts),
    artifacts: {
      ...filled.artifacts,
      directory: filled.artifacts.directory ?? defaultArtifactsFolder(options.env, options.home),
    },
    registries: filled.registries.map(resolveRegistry),
    apiServer: { ...filled.apiServer, files: resolveFiles(filled.apiServer.files) },
    addons: { ...filled.addons, coredns: resolveCoredns(filled) },
  };
  return { cluster, places };
}

function resolveRegistry({ mirrors, ...registry }: RegistryInput): Registry {
  return {
    ...withSecret(registry, `password of registry ${registry.name}`),
    mirrors: mirrors.map((mirror) =>
      typeof mirror === 'string' || mirror instanceof Secret
        ? { url: mirror }
        : withSecret(mirror, `password of a mirror of ${registry.name}`),
    ),
  };
}

function withSecret<T extends { readonly password?: string }>(
  { password, ...access }: T,
  label: string,
): Omit<T, 'password'> & { readonly password?: Secret } {
  return { ...access, ...(password === undefined ? {} : { password: new Secret(password, label) }) };
}

/** One master and no VIP: clients go straight to that master's API server, and nothing stands in between. */
function resolveEndpoint(filled: FilledInput, given: Partial<Endpoint>, hosts: readonly Host[]): Endpoint {
  const masters = hosts.filter((host) => host.roles.includes('master'));
  const [master] = masters;
  const { address } = filled.endpoint;
  const own =
    master !== undefined && (address === undefined || address === master.internalAddress || address === master.address);
  if (masters.length === 1 && own && given.external !== false) {
    return {
      ...filled.endpoint,
      address: address ?? master.internalAddress,
      port: given.port ?? filled.apiServer.port,
      external: true,
    };
  }
  return { ...filled.endpoint, address: address ?? '' };
}

function resolveFiles(files: FilledInput['apiServer']['files']): Cluster['apiServer']['files'] {
  return files.map(({ secret, content, ...file }) => {
    const hide = secret && !(content instanceof Secret);
    return { ...file, content: hide ? new Secret(content, `apiServer.files ${file.path}`) : content };
  });
}

function resolveCoredns(filled: FilledInput): Cluster['addons']['coredns'] {
  const { coredns } = filled.addons;
  const { serviceCidr } = filled.network;
  const roomy = (parseCidr(serviceCidr)?.size ?? 0) > 10;
  return {
    ...coredns,
    image: coredns.image ?? `registry.k8s.io/coredns/coredns:v${filled.versions.coredns}`,
    serviceAddress: coredns.serviceAddress ?? (roomy ? nthAddress(serviceCidr, 10) : ''),
  };
}
