import { isCertificateBundle, NO_CERTIFICATES } from '../core/certificate.ts';
import { isMap } from '../core/merge.ts';
import { hostOfUrl, namesUser, registryServer } from '../core/registry.ts';
import { revealed } from '../core/secret.ts';
import type { Draft } from './check.ts';
import { formatPath } from './mistake.ts';
import type { Path } from './node.ts';
import type { RegistryAccess } from './types.ts';

interface Server {
  path: Path;
  url: string;
  access: RegistryAccess;
}

export function checkRegistries(draft: Draft): void {
  checkOwnRegistries(draft);
  const servers = serversOf(draft);
  for (const server of servers) checkServer(draft, server);
  checkLogins(draft, servers);
}

/** Of containerd's CRI plugin, under whatever name its version has; it does not start with `mirrors` beside `config_path`. */
const OURS = ['config_path', 'mirrors', 'configs'];

function checkOwnRegistries(draft: Draft): void {
  const { plugins } = draft.cluster.containerd.config;
  for (const [name, plugin] of isMap(plugins) ? Object.entries(plugins) : []) {
    const registry = isMap(plugin) && isMap(plugin['registry']) ? plugin['registry'] : {};
    for (const key of OURS.filter((each) => Object.hasOwn(registry, each)))
      draft.mistake(
        ['containerd', 'config', 'plugins', name, 'registry', key],
        'mcpk writes it, and another would keep containerd from the registries: write mirrors, authorities and credentials into registries',
      );
  }
}

/** Each registry and its mirrors, where they are written. */
function serversOf(draft: Draft): Server[] {
  return draft.entries(['registries'], draft.cluster.registries).flatMap(([index, registry]): Server[] => [
    { path: ['registries', index], url: registryServer(registry.name), access: registry },
    ...registry.mirrors.map((mirror, at) => ({
      path: ['registries', index, 'mirrors', at],
      url: revealed(mirror.url),
      access: mirror,
    })),
  ]);
}

function checkServer(draft: Draft, { path, url, access: { username, password, ca } }: Server): void {
  if ((username === undefined) !== (password === undefined))
    draft.mistake(
      path,
      username === undefined ? 'username is missing beside the password' : 'password is missing beside the username',
    );
  // The text is not shown: the name may lead to any file.
  if (ca !== undefined && !isCertificateBundle(ca)) draft.mistake([...path, 'ca'], NO_CERTIFICATES);
  if (namesUser(url))
    draft.mistake(
      path,
      'containerd does not send what stands before the @: write { url, username, password } in place of it',
    );
  if (password !== undefined && url.startsWith('http:'))
    draft.warn(path, 'http:// lets everybody on the way read the password: use https://');
}

/** containerd knows one login for a host, whatever is asked of it. */
function checkLogins(draft: Draft, servers: readonly Server[]): void {
  const first = new Map<string, Server>();
  const login = ({ access }: Server): string => JSON.stringify([access.username, access.password].map(revealed));
  for (const server of servers.filter(({ access }) => access.password !== undefined)) {
    const host = hostOfUrl(server.url);
    const other = first.get(host) ?? server;
    first.set(host, other);
    if (login(other) !== login(server))
      draft.mistake(server.path, `has other credentials than ${formatPath(other.path)}, which is on the same host`);
  }
}
