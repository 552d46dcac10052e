import { controllerGates } from '../cluster/leases.ts';
import { PATHS, SECRETS, USERS } from '../core/paths.ts';
import { hostsWith, type Cluster } from '../inventory/types.ts';
import { toYaml, type FlagValue } from '../render/formats.ts';
import { render } from '../render/render.ts';
import { ref } from '../resources/kinds.ts';
import type { Ref, Resource, UnitResource } from '../resources/types.ts';
import { file, inputs, linkTo, readableBy, unitPath } from './build.ts';
import { CONTROLLER_MANAGER_KUBECONFIG, SCHEDULER_KUBECONFIG } from './certificates.ts';
import { serviceEnvironment } from './environment.ts';
import { LEAVES } from './leaves/names.ts';
import { mastersRollout } from './masters-rollout.ts';
import { SHARED_FILES, TRUST } from './secrets.ts';
import type { Stage, StateContext } from './stage.ts';
import { TLS_FLAGS } from './tls.ts';

const SCHEDULER_CONFIG = `${PATHS.scheduler}/config.yaml`;

export const controllers: Stage = {
  name: 'controllers',
  title: 'Scheduler and controller-manager',
  about: 'kube-scheduler and kube-controller-manager',
  hosts: (cluster) => hostsWith(cluster, 'master'),
  needs: ['api-server'],
  states: (context) => [...controllerManager(context), ...scheduler(context)],
  rollout: mastersRollout,
  gate: controllerGates,
};

function controllerManager(context: StateContext): Resource[] {
  const { cluster } = context;
  const link = linkTo('kube-controller-manager', context);
  const flags = { ...controllerManagerFlags(cluster), ...cluster.controllerManager.extraArgs };
  const environment = serviceEnvironment(
    cluster.controllerManager.environment,
    `${PATHS.controllerManager}/environment`,
  );
  const text = render('kube-controller-manager/kube-controller-manager.service', { flags, ...environment.data });
  const unitFile = file(unitPath('kube-controller-manager.service'), text);
  const restart: Ref[] = [
    ref(link),
    ref(unitFile),
    ...environment.files.map(ref),
    `file:${CONTROLLER_MANAGER_KUBECONFIG}`,
    `sharedSecret:${SECRETS.clusterAuthority}`,
    `sharedSecret:${SECRETS.serviceAccount}`,
  ];
  const live: Ref[] = [
    `certificate:${LEAVES.controllerManager}.crt`,
    `certificate:${LEAVES.controllerManagerServer}.crt`,
  ];
  return [link, ...environment.files, unitFile, unit('kube-controller-manager.service', restart, live)];
}

export function controllerManagerFlags({ name, network }: Cluster): Record<string, FlagValue> {
  return {
    ...localPort(CONTROLLER_MANAGER_KUBECONFIG, LEAVES.controllerManagerServer),
    'allocate-node-cidrs': true,
    'cluster-cidr': network.podCidr,
    'cluster-name': name,
    'cluster-signing-cert-file': SHARED_FILES.signingCert,
    'cluster-signing-key-file': SHARED_FILES.signingKey,
    kubeconfig: CONTROLLER_MANAGER_KUBECONFIG,
    'leader-elect': true,
    'node-cidr-mask-size': network.nodePrefix,
    profiling: false,
    'root-ca-file': TRUST.cluster,
    'service-account-private-key-file': SHARED_FILES.serviceAccountOfControllerManager,
    'service-cluster-ip-range': network.serviceCidr,
    'terminated-pod-gc-threshold': 1000,
    'use-service-account-credentials': true,
  };
}

function scheduler(context: StateContext): Resource[] {
  const { cluster } = context;
  const link = linkTo('kube-scheduler', context);
  const config = file(SCHEDULER_CONFIG, schedulerConfig(), readableBy(USERS.scheduler));
  const environment = serviceEnvironment(cluster.scheduler.environment, `${PATHS.scheduler}/environment`);
  const text = render('kube-scheduler/kube-scheduler.service', {
    flags: schedulerFlags(cluster),
    ...environment.data,
  });
  const unitFile = file(unitPath('kube-scheduler.service'), text);
  const restart: Ref[] = [
    ref(link),
    ref(config),
    ref(unitFile),
    ...environment.files.map(ref),
    `file:${SCHEDULER_KUBECONFIG}`,
    `sharedSecret:${SECRETS.clusterAuthority}`,
  ];
  const live: Ref[] = [`certificate:${LEAVES.scheduler}.crt`, `certificate:${LEAVES.schedulerServer}.crt`];
  return [link, config, ...environment.files, unitFile, unit('kube-scheduler.service', restart, live)];
}

export function schedulerFlags(cluster: Cluster): Record<string, FlagValue> {
  return {
    ...localPort(SCHEDULER_KUBECONFIG, LEAVES.schedulerServer),
    config: SCHEDULER_CONFIG,
    ...cluster.scheduler.extraArgs,
  };
}

function schedulerConfig(): string {
  return toYaml({
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    clientConnection: { kubeconfig: SCHEDULER_KUBECONFIG },
    enableProfiling: false,
    leaderElection: { leaderElect: true },
  });
}

/** Health and metrics, on loopback; who asks more than /healthz is checked by the API server. */
function localPort(kubeconfig: string, leaf: string): Record<string, FlagValue> {
  return {
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': '127.0.0.1',
    'client-ca-file': TRUST.cluster,
    'requestheader-client-ca-file': TRUST.frontProxy,
    'tls-cert-file': `${leaf}.crt`,
    'tls-private-key-file': `${leaf}.key`,
    ...TLS_FLAGS,
  };
}

function unit(name: string, restart: readonly Ref[], live: readonly Ref[]): UnitResource {
  const all = [...inputs('restart', restart), ...inputs('live', live)];
  return { kind: 'unit', name, enabled: true, state: 'running', timeout: 60, inputs: all };
}
