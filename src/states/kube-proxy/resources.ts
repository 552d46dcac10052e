import { PATHS, SECRETS } from '../../core/paths.ts';
import { secretly } from '../../core/secret.ts';
import type { Host } from '../../inventory/types.ts';
import { toYaml, type FlagValue } from '../../render/formats.ts';
import { render } from '../../render/render.ts';
import { ref } from '../../resources/kinds.ts';
import type { Resource } from '../../resources/types.ts';
import { file, inputs, linkTo, unitPath } from '../build.ts';
import { serviceEnvironment } from '../environment.ts';
import type { StateContext } from '../stage.ts';
import { kubeProxyConfiguration } from './configuration.ts';

const KUBE_PROXY_UNIT = 'kube-proxy.service';
const CONFIG = `${PATHS.kubeProxy}/config.yaml`;

/** Nothing when the network plugin does its work (`kubeProxy.enabled: false`). */
export function kubeProxy(context: StateContext): Resource[] {
  const { cluster, host } = context;
  if (!cluster.kubeProxy.enabled) return [];
  const environment = serviceEnvironment(host.kubeProxy.environment, `${PATHS.kubeProxy}/environment`);
  const link = linkTo('kube-proxy', context);
  const config = file(CONFIG, secretly(kubeProxyConfiguration(cluster, host), toYaml));
  const unitFile = file(
    unitPath(KUBE_PROXY_UNIT),
    render('kube-proxy/kube-proxy.service', { flags: kubeProxyFlags(host), ...environment.data }),
  );
  const started = [link, config, ...environment.files, unitFile];
  return [
    ...started,
    {
      kind: 'unit',
      name: KUBE_PROXY_UNIT,
      enabled: true,
      state: 'running',
      // client-go reads the certificate that the kubeconfig names anew by itself.
      inputs: inputs('restart', [
        ...started.map(ref),
        `file:${PATHS.kubeProxyKubeconfig}`,
        `sharedSecret:${SECRETS.clusterAuthority}`,
      ]),
    },
  ];
}

export function kubeProxyFlags(host: Host): Record<string, FlagValue> {
  return { config: CONFIG, ...host.kubeProxy.extraArgs };
}
