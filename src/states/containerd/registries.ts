import { secretly, type Revealed } from '../../core/secret.ts';
import type { Registry } from '../../inventory/types.ts';
import { toToml } from '../../render/toml.ts';
import type { DirectoryResource, FileResource } from '../../resources/types.ts';
import { directory, file } from '../build.ts';
import { CONTAINERD } from './config.ts';

/** Where images named `docker.io/…` really live. */
const SERVERS: Readonly<Record<string, string>> = { 'docker.io': 'https://registry-1.docker.io' };

/** One folder and one hosts.toml a registry, read at each pull (containerd's docs/hosts.md). */
export function registryFiles(registries: readonly Registry[]): (DirectoryResource | FileResource)[] {
  return registries.flatMap((registry) => {
    const folder = `${CONTAINERD.certs}/${registry.name}`;
    return [directory(folder), hostsFile(registry, `${folder}/hosts.toml`)];
  });
}

function hostsFile(registry: Registry, path: string): FileResource {
  return file(
    path,
    secretly(registry, (plain) => toToml(hostsToml(plain))),
  );
}

/**
 * Mirrors in the order given, then the registry itself. The credentials are the registry's own: mirrors don't
 * get to see them.
 */
function hostsToml(registry: Revealed<Registry>): Record<string, unknown> {
  const server = SERVERS[registry.name] ?? `https://${registry.name}`;
  const mirrors = registry.mirrors.map((url) => [url, host(registry)] as const);
  const own =
    registry.password === undefined && !registry.skipVerify
      ? []
      : [[server, { ...host(registry), ...authorization(registry) }] as const];
  return { server, host: Object.fromEntries([...mirrors, ...own]) };
}

function host(registry: Revealed<Registry>): Record<string, unknown> {
  return { capabilities: ['pull', 'resolve'], ...(registry.skipVerify ? { skip_verify: true } : {}) };
}

function authorization(registry: Revealed<Registry>): Record<string, unknown> {
  if (registry.password === undefined) return {};
  const pair = `${registry.username ?? ''}:${registry.password}`;
  return { header: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}
