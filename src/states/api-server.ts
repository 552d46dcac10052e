import { apiServerGates } from '../cluster/api-server.ts';
import type { Guard } from '../cluster/gate.ts';
import { apiServerGuard } from '../cluster/guards.ts';
import { PATHS, SECRETS, USERS } from '../core/paths.ts';
import type { Secret } from '../core/secret.ts';
import { hostsWith } from '../inventory/types.ts';
import { render } from '../render/render.ts';
import { ref } from '../resources/kinds.ts';
import type { FileResource, Ref, Resource, UnitResource } from '../resources/types.ts';
import { directory, file, inputs, linkTo, readableBy, unitPath } from './build.ts';
import { serviceEnvironment, type ServiceEnvironment } from './environment.ts';
import { LEAVES } from './leaves/names.ts';
import { apiServes, mastersRollout } from './masters-rollout.ts';
import type { GuardContext, Stage, StateContext } from './stage.ts';
import { auditPolicy, authenticationConfig, authorizationConfig } from './api-server/configuration.ts';
import { API_SERVER_FILES, apiServerFlags } from './api-server/flags.ts';

const UNIT = 'kube-apiserver.service';
/** Seconds for requests that run when everything else of a graceful stop is over. */
const STOP_MARGIN = 80;

export const apiServer: Stage = {
  name: 'api-server',
  title: 'API server',
  about: 'kube-apiserver with its encryption, audit and authentication, one at a time',
  hosts: (cluster) => hostsWith(cluster, 'master'),
  needs: ['etcd', 'haproxy'],
  states,
  rollout: mastersRollout,
  down: (cluster, { standing }) =>
    hostsWith(cluster, 'master').flatMap(({ name }) => (standing?.apiServers.includes(name) === false ? [name] : [])),
  guard,
  gate: apiServerGates,
};

function guard(context: GuardContext): Guard[] {
  if (!apiServes(context.cluster, context.facts)) return [];
  return apiServerGuard(
    context,
    context.batch.filter((host) => context.restarting.get(host)?.includes(UNIT)),
  );
}

function states(context: StateContext): Resource[] {
  const link = linkTo('kube-apiserver', context);
  const kubectl = linkTo('kubectl', context);
  const authentication = config(API_SERVER_FILES.authentication, authenticationConfig());
  const authorization = config(API_SERVER_FILES.authorization, authorizationConfig());
  const audit = auditFiles(context);
  const environment = serviceEnvironment(context.cluster.apiServer.environment, `${PATHS.apiServer}/environment`);
  const unitFile = file(unitPath(UNIT), unitText(context, environment.data));
  const restart = [
    ref(link),
    ref(unitFile),
    ...environment.files.map(ref),
    ref(authentication),
    ...audit.filter((each) => each.kind === 'file').map(ref),
  ];
  const files = [authentication, authorization, ...audit, ...environment.files, unitFile];
  return [link, kubectl, ...files, unit(restart, ref(authorization))];
}

function config(path: string, text: string | Secret): FileResource {
  return file(path, text, readableBy(USERS.apiServer));
}

function auditFiles({ cluster }: StateContext): Resource[] {
  if (!cluster.apiServer.audit.enabled) return [];
  return [
    directory('/var/log/kubernetes'),
    directory('/var/log/kubernetes/audit', { mode: '0700', owner: USERS.apiServer, group: USERS.apiServer }),
    config(API_SERVER_FILES.auditPolicy, auditPolicy(cluster)),
  ];
}

function unitText({ cluster, host }: StateContext, environment: ServiceEnvironment['data']): string {
  const { shutdownDelay, watchGracePeriod, port, audit } = cluster.apiServer;
  return render('kube-apiserver/kube-apiserver.service', {
    flags: apiServerFlags(cluster, host),
    ...environment,
    localEtcd: host.roles.includes('etcd'),
    lowPort: port < 1024,
    auditFolder: audit.enabled ? '/var/log/kubernetes/audit' : '',
    stopTimeout: shutdownDelay + watchGracePeriod + STOP_MARGIN,
  });
}

function unit(restart: readonly Ref[], authorization: Ref): UnitResource {
  const leaves = [
    LEAVES.apiServer,
    LEAVES.apiServerEtcdClient,
    LEAVES.apiServerKubeletClient,
    LEAVES.apiServerFrontProxy,
  ];
  return {
    kind: 'unit',
    name: UNIT,
    enabled: true,
    state: 'running',
    timeout: 120,
    inputs: [
      ...inputs('restart', [
        ...restart,
        // The kubelets' and etcd's authorities are read at the start only.
        `sharedSecret:${SECRETS.clusterAuthority}`,
        `sharedSecret:${SECRETS.etcdAuthority}`,
        `sharedSecret:${SECRETS.serviceAccount}`,
      ]),
      // All of these it watches itself.
      ...inputs('live', [
        authorization,
        `sharedSecret:${SECRETS.frontProxyAuthority}`,
        `sharedSecret:${SECRETS.encryption}`,
        ...leaves.map((leaf): Ref => `certificate:${leaf}.crt`),
      ]),
    ],
  };
}
