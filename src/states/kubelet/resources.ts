import { PATHS, SECRETS } from '../../core/paths.ts';
import { secretly } from '../../core/secret.ts';
import type { Host } from '../../inventory/types.ts';
import { render } from '../../render/render.ts';
import { toYaml, type FlagValue } from '../../render/formats.ts';
import { ref } from '../../resources/kinds.ts';
import type { Ref, Resource, UnitResource } from '../../resources/types.ts';
import { file, inputs, linkTo, PRIVATE, unitPath } from '../build.ts';
import { serviceEnvironment, type ServiceEnvironment } from '../environment.ts';
import type { StateContext } from '../stage.ts';
import { kubeletConfiguration } from './configuration.ts';

const KUBELET_UNIT = 'kubelet.service';

export function kubelet(context: StateContext): Resource[] {
  const { cluster, host, own } = context;
  const link = linkTo('kubelet', context);
  const config = file(PATHS.kubeletConfig, secretly(kubeletConfiguration(cluster, host, own), toYaml), PRIVATE);
  const environment = serviceEnvironment(host.kubelet.environment, `${PATHS.kubelet}/environment`);
  const unitFile = file(unitPath(KUBELET_UNIT), kubeletUnit(context, environment.data), PRIVATE);
  const started = [link, config, ...environment.files, unitFile];
  return [...started, unit(started.map(ref))];
}

function kubeletUnit({ cluster, host }: StateContext, environment: ServiceEnvironment['data']): string {
  const flags = kubeletFlags(host);
  return render('kubelet/kubelet.service', { flags, swapOff: cluster.system.disableSwap, ...environment });
}

export function kubeletFlags(host: Host): Record<string, FlagValue> {
  return {
    config: PATHS.kubeletConfig,
    'hostname-override': host.name,
    kubeconfig: PATHS.kubeletKubeconfig,
    'node-ip': host.internalAddress,
    ...host.kubelet.extraArgs,
  };
}

function unit(started: readonly Ref[]): UnitResource {
  return {
    kind: 'unit',
    name: KUBELET_UNIT,
    enabled: true,
    state: 'running',
    timeout: 90,
    requires: ['unit:containerd.service'],
    inputs: [
      ...inputs('restart', [...started, `file:${PATHS.kubeletKubeconfig}`, `sharedSecret:${SECRETS.clusterAuthority}`]),
      // The serving pair is read anew when it changes; the client's the kubelet rotates itself, and ends if it could not.
      ...inputs('live', [`certificate:${PATHS.kubeletServerCert}`, `certificate:${PATHS.kubeletClient}`]),
    ],
  };
}
