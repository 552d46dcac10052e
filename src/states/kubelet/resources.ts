import { PATHS } from '../../core/paths.ts';
import { render } from '../../render/render.ts';
import { toYaml } from '../../render/formats.ts';
import { ref, type Ref, type Resource, type UnitResource } from '../../resources/types.ts';
import { file, inputs, linkTo, unitPath } from '../build.ts';
import { atLeast } from '../minor.ts';
import type { StateContext } from '../stage.ts';
import { kubeletConfiguration } from './configuration.ts';

export const KUBELET_UNIT = 'kubelet.service';
const CONFIG = `${PATHS.kubelet}/config.yaml`;

export function kubelet(context: StateContext): Resource[] {
  const { cluster, own } = context;
  const link = linkTo('kubelet', context);
  const config = file(CONFIG, toYaml(kubeletConfiguration(cluster, own)));
  const unitFile = file(unitPath(KUBELET_UNIT), kubeletUnit(context));
  return [link, config, unitFile, unit(context, [ref(link), ref(config), ref(unitFile)])];
}

function kubeletUnit({ cluster, host }: StateContext): string {
  const flags = {
    config: CONFIG,
    'hostname-override': host.name,
    kubeconfig: PATHS.kubeletKubeconfig,
    'node-ip': host.internalAddress,
    ...cluster.kubelet.extraArgs,
  };
  const { environment } = cluster.kubelet;
  return render('kubelet/kubelet.service', { flags, environment, hasEnvironment: Object.keys(environment).length > 0 });
}

function unit({ cluster }: StateContext, started: readonly Ref[]): UnitResource {
  // ReloadKubeletServerCertificateFile is on from 1.31; before, the pair is read at the start only.
  const serving = atLeast(cluster.versions.kubernetes, 31) ? 'live' : 'restart';
  return {
    kind: 'unit',
    name: KUBELET_UNIT,
    enabled: true,
    state: 'running',
    timeout: 90,
    requires: ['unit:containerd.service'],
    inputs: [
      ...inputs('restart', [...started, `file:${PATHS.kubeletKubeconfig}`]),
      ...inputs(serving, [`certificate:${PATHS.kubeletServerCert}`]),
      // The kubelet rotates this one itself, and ends by itself when it could not.
      ...inputs('live', [`certificate:${PATHS.kubeletClient}`]),
    ],
  };
}
