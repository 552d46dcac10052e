import { hostOfUrl, registryServer } from '../../core/registry.ts';
import { revealed, type Secret } from '../../core/secret.ts';
import type { FreeText, Registry } from '../../inventory/types.ts';

/**
 * `registry.configs` of the CRI plugin's configuration, by host. Only from there do credentials reach the token service
 * that a registry names, too: a header in hosts.toml goes to the registry alone, and the token then takes its place
 * (containerd's docs/cri/registry.md). Empty where there are none.
 */
export function registryCredentials(
  registries: readonly Registry[],
): Record<string, { auth: { username: FreeText; password: Secret } }> {
  const servers = registries.flatMap((registry) => [
    { ...registry, url: registryServer(registry.name) },
    ...registry.mirrors,
  ]);
  return Object.fromEntries(
    servers.flatMap(({ url, username, password }) =>
      username === undefined || password === undefined
        ? []
        : [[hostOfUrl(revealed(url)), { auth: { username, password } }]],
    ),
  );
}
