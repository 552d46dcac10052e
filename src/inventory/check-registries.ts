import { inspectCertificate } from '../core/certificate.ts';
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
  if (draft.broken('registries')) return;
  const servers = serversOf(draft);
  for (const server of servers) checkServer(draft, server);
  checkLogins(draft, servers);
}

/** Each registry and its mirrors, where they are written. */
function serversOf({ cluster }: Draft): Server[] {
  return cluster.registries.flatMap((registry, index) => [
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
  if (ca !== undefined && inspectCertificate(ca) === undefined)
    draft.mistake([...path, 'ca'], 'holds no certificate that can be read');
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
