import { revealed, Secret, secretsIn } from '../../core/secret.ts';
import type { Cluster, FreeText } from '../../inventory/types.ts';
import { render } from '../../render/render.ts';
import type { DirectoryResource, FileResource } from '../../resources/types.ts';
import { directory, file, unitPath } from '../build.ts';
import { serviceEnvironment } from '../environment.ts';
import { CONTAINERD } from './config.ts';

const FOLDER = `${unitPath(CONTAINERD.unit)}.d`;
const PROXY_DROP_IN = `${FOLDER}/10-mcpk-proxy.conf`;
const PROXY_ENVIRONMENT = `${CONTAINERD.folder}/proxy.environment`;

/** Drop-in with the proxies for image pulls, and a file with those that hold a secret; nothing when none is named. */
export function proxyFiles(cluster: Cluster): (DirectoryResource | FileResource)[] {
  const environment = proxyEnvironment(cluster);
  if (environment === undefined) return [];
  const { data, files } = serviceEnvironment(environment, PROXY_ENVIRONMENT);
  return [...files, directory(FOLDER), file(PROXY_DROP_IN, render('containerd/proxy.conf', data))];
}

function proxyEnvironment({ proxy, network, endpoint, hosts }: Cluster): Record<string, FreeText> | undefined {
  if (proxy.http === undefined && proxy.https === undefined) return undefined;
  const inside = [
    'localhost',
    '127.0.0.1',
    network.podCidr,
    network.serviceCidr,
    `.${network.domain}`,
    endpoint.address,
    ...hosts.map((host) => host.internalAddress),
  ];
  const without = [...new Set([...inside, ...revealed(proxy.noProxy)])].join(',');
  const [secret] = secretsIn(proxy.noProxy);
  return {
    ...(proxy.http === undefined ? {} : { HTTP_PROXY: withoutPassword(proxy.http, 'proxy.http') }),
    ...(proxy.https === undefined ? {} : { HTTPS_PROXY: withoutPassword(proxy.https, 'proxy.https') }),
    NO_PROXY: secret === undefined ? without : new Secret(without, secret.label),
  };
}

/** http://user:password@proxy is a secret also where it stands in the inventory. */
function withoutPassword(url: FreeText, setting: string): FreeText {
  return typeof url === 'string' && url.includes('@') ? new Secret(url, setting) : url;
}
