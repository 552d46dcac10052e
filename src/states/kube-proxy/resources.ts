import { PATHS } from '../../core/paths.ts';
import { toYaml } from '../../render/formats.ts';
import { render } from '../../render/render.ts';
import { ref, type Resource } from '../../resources/types.ts';
import { file, inputs, linkTo, unitPath } from '../build.ts';
import type { StateContext } from '../stage.ts';
import { kubeProxyConfiguration } from './configuration.ts';

const KUBE_PROXY_UNIT = 'kube-proxy.service';
const CONFIG = `${PATHS.kubeProxy}/config.yaml`;

/** Nothing when the network plugin does its work (`kubeProxy.enabled: false`). */
export function kubeProxy(context: StateContext): Resource[] {
  const { cluster, host } = context;
  if (!cluster.kubeProxy.enabled) return [];
  const { environment } = cluster.kubeProxy;
  const flags = { config: CONFIG, ...cluster.kubeProxy.extraArgs };
  const link = linkTo('kube-proxy', context);
  const config = file(CONFIG, toYaml(kubeProxyConfiguration(cluster, host)));
  const unitFile = file(
    unitPath(KUBE_PROXY_UNIT),
    render('kube-proxy/kube-proxy.service', {
      flags,
      environment,
      hasEnvironment: Object.keys(environment).length > 0,
    }),
  );
  return [
    link,
    config,
    unitFile,
    {
      kind: 'unit',
      name: KUBE_PROXY_UNIT,
      enabled: true,
      state: 'running',
      // client-go reads the certificate that the kubeconfig names anew by itself.
      inputs: inputs('restart', [ref(link), ref(config), ref(unitFile), `file:${PATHS.kubeProxyKubeconfig}`]),
    },
  ];
}
