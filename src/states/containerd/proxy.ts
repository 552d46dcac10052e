import { Secret } from '../../core/secret.ts';
import type { Cluster } from '../../inventory/types.ts';
import { render } from '../../render/render.ts';
import type { FileResource } from '../../resources/types.ts';
import { directory, PRIVATE, PUBLIC, unitPath } from '../build.ts';
import { CONTAINERD } from './config.ts';
import type { DirectoryResource } from '../../resources/types.ts';

const FOLDER = `${unitPath(CONTAINERD.unit)}.d`;
export const PROXY_DROP_IN = `${FOLDER}/10-mcpk-proxy.conf`;

/** Drop-in with the proxies for image pulls; nothing when the inventory names none. */
export function proxyDropIn(cluster: Cluster): (DirectoryResource | FileResource)[] {
  const environment = proxyEnvironment(cluster);
  if (environment === undefined) return [];
  const text = render('containerd/proxy.conf', { environment });
  // http://user:password@proxy: the credentials make the whole file one that no view shows.
  const secret = [cluster.proxy.http, cluster.proxy.https].some((url) => url?.includes('@'));
  return [
    directory(FOLDER),
    {
      kind: 'file',
      path: PROXY_DROP_IN,
      content: secret ? new Secret(text, 'proxies') : text,
      ...(secret ? PRIVATE : PUBLIC),
    },
  ];
}

function proxyEnvironment({ proxy, network, endpoint, hosts }: Cluster): Record<string, string> | undefined {
  if (proxy.http === undefined && proxy.https === undefined) return undefined;
  const inside = [
    'localhost',
    '127.0.0.1',
    network.podCidr,
    network.serviceCidr,
    `.${network.domain}`,
    endpoint.address,
  ];
  const without = [...new Set([...inside, ...hosts.map((host) => host.internalAddress), ...proxy.noProxy])].join(',');
  return {
    ...(proxy.http === undefined ? {} : { HTTP_PROXY: proxy.http }),
    ...(proxy.https === undefined ? {} : { HTTPS_PROXY: proxy.https }),
    NO_PROXY: without,
  };
}
