import { registryServer } from '../../core/registry.ts';
import { secretly, type Revealed } from '../../core/secret.ts';
import type { FreeText, Registry } from '../../inventory/types.ts';
import { toToml } from '../../render/toml.ts';
import type { DirectoryResource, FileResource } from '../../resources/types.ts';
import { directory, file } from '../build.ts';
import { CONTAINERD } from './config.ts';

/** A place that containerd asks; of its authorities the file that holds them. */
interface Server {
  url: FreeText;
  authority?: { path: string; pem: string };
}

/** One folder a registry with its hosts.toml and authorities, read at each pull (containerd's docs/hosts.md). */
export function registryFiles(registries: readonly Registry[]): (DirectoryResource | FileResource)[] {
  return registries.flatMap((registry) => {
    const folder = `${CONTAINERD.certs}/${registry.name}`;
    // Not called after the URL, in which there may be something of the environment.
    const server = (url: FreeText, ca: string | undefined, name: string): Server => ({
      url,
      ...(ca === undefined ? {} : { authority: { path: `${folder}/${name}.crt`, pem: ca } }),
    });
    const own = server(registryServer(registry.name), registry.ca, 'registry');
    const mirrors = registry.mirrors.map(({ url, ca }, index) => server(url, ca, `mirror-${String(index + 1)}`));
    const authorities = [own, ...mirrors].flatMap(({ authority }) => authority ?? []);
    const hosts = secretly({ own, mirrors }, (plain) => toToml(hostsToml(plain, registry.skipVerify)));
    return [
      directory(folder),
      ...authorities.map(({ path, pem }) => file(path, pem)),
      file(`${folder}/hosts.toml`, hosts),
    ];
  });
}

/** Mirrors in the order given, then the registry itself. Credentials are elsewhere: see credentials.ts. */
function hostsToml(
  { own, mirrors }: Revealed<{ own: Server; mirrors: Server[] }>,
  skipVerify: boolean,
): Record<string, unknown> {
  const host = ({ url, authority }: Revealed<Server>): [string, Record<string, unknown>] => [
    url,
    {
      capabilities: ['pull', 'resolve'],
      ...(isWholePath(url) ? { override_path: true } : {}),
      ...(skipVerify ? { skip_verify: true } : {}),
      ...(authority === undefined ? {} : { ca: authority.path }),
    },
  ];
  const also = own.authority === undefined && !skipVerify ? [] : [own];
  return { server: own.url, host: Object.fromEntries([...mirrors, ...also].map(host)) };
}

/** `https://harbor.example.org/v2/proxy` names a place inside of the API; to any other path containerd adds `/v2`. */
function isWholePath(url: string): boolean {
  return /^https?:\/\/[^/?#]+(\/[^?#]*)?\/v2(\/|$)/.test(url);
}
