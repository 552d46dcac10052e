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
  checkAlike(draft, servers);
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

/** containerd knows one login for a host, and mcpk one file of authorities, whatever is asked of it. */
function checkAlike(draft: Draft, servers: readonly Server[]): void {
  checkSame(draft, servers, 'credentials', ({ username, password }) =>
    password === undefined ? undefined : JSON.stringify([username, password].map(revealed)),
  );
  checkSame(draft, servers, 'authorities', ({ ca }) => ca?.trim());
}

function checkSame(
  draft: Draft,
  servers: readonly Server[],
  what: string,
  of: (access: RegistryAccess) => string | undefined,
): void {
  const first = new Map<string, Server>();
  for (const server of servers.filter(({ access }) => of(access) !== undefined)) {
    const host = hostOfUrl(server.url);
    const other = first.get(host) ?? server;
    first.set(host, other);
    if (of(other.access) !== of(server.access))
      draft.mistake(server.path, `has other ${what} than ${formatPath(other.path)}, which is on the same host`);
  }
}
