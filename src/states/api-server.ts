import { apiServerGates } from '../cluster/api-server.ts';
import type { Facts } from '../cluster/facts.ts';
import type { Guard } from '../cluster/gate.ts';
import { apiServerGuard } from '../cluster/guards.ts';
import { PATHS, SECRETS, USERS } from '../core/paths.ts';
import { losingTheirMember } from '../cluster/own-member.ts';
import { foreignApiServers } from '../cluster/foreign.ts';
import { hostsWith, type Cluster, type Host } from '../inventory/types.ts';
import { render } from '../render/render.ts';
import { ref } from '../resources/kinds.ts';
import type { Ref, Resource, UnitResource } from '../resources/types.ts';
import { file, inputs, linkTo, readableBy, unitPath } from './build.ts';
import { serviceEnvironment } from './environment.ts';
import { LEAVES } from './leaves/names.ts';
import { apiServes, mastersRollout } from './masters-rollout.ts';
import type { GuardContext, Problem, Stage, StateContext } from './stage.ts';
import { admission, podSecurity } from './api-server/admission.ts';
import { audit } from './api-server/audit.ts';
import { authenticationConfig, authorizationConfig } from './api-server/configuration.ts';
import { extraFiles } from './api-server/files.ts';
import { API_SERVER_FILES, apiServerFlags } from './api-server/flags.ts';
import { upgradeInquiry } from './api-server/upgrade.ts';

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
  problems: (cluster, facts) => [...foreignApiServers(cluster, facts), ...podSecurityLeft(cluster, facts)],
  inquire: upgradeInquiry,
  rollout: mastersRollout,
  down: (cluster, facts) => {
    const { standing } = facts;
    const lost = losingTheirMember(cluster, facts);
    const down = ({ name }: Host): boolean => lost.includes(name) || standing?.apiServers.includes(name) === false;
    return hostsWith(cluster, 'master').flatMap((host) => (down(host) ? [host.name] : []));
  },
  guard,
  gate: apiServerGates,
};

function podSecurityLeft(cluster: Cluster, facts: Facts): Problem[] {
  if (podSecurity(cluster, facts) !== 'left') return [];
  const message =
    'PodSecurity stays off, as this cluster was made without it: apiServer.admission.podSecurity.enabled: true switches it on, false ends this line';
  return [{ code: 'warning', message }];
}

function guard(context: GuardContext): Guard[] {
  if (!apiServes(context.cluster, context.facts)) return [];
  return apiServerGuard(
    context,
    context.batch.filter((host) => context.restarting.get(host)?.includes(UNIT)),
  );
}

function states(context: StateContext): Resource[] {
  const { cluster, host, facts } = context;
  const link = linkTo('kube-apiserver', context);
  const kubectl = linkTo('kubectl', context);
  const reads = readableBy(USERS.apiServer);
  const authentication = file(API_SERVER_FILES.authentication, authenticationConfig(cluster), reads);
  const authorization = file(API_SERVER_FILES.authorization, authorizationConfig(), reads);
  const admitted = admission(cluster, facts);
  const audited = audit(cluster);
  const environment = serviceEnvironment(cluster.apiServer.environment, `${PATHS.apiServer}/environment`);
  const { shutdownDelay, watchGracePeriod, port } = cluster.apiServer;
  const text = render('kube-apiserver/kube-apiserver.service', {
    flags: apiServerFlags(cluster, host, { ...admitted.flags, ...audited.flags }),
    ...environment.data,
    localEtcd: host.roles.includes('etcd'),
    lowPort: port < 1024,
    auditFolder: audited.folder,
    stopTimeout: shutdownDelay + watchGracePeriod + STOP_MARGIN,
  });
  const laid = [
    link,
    authentication,
    ...admitted.files,
    ...audited.resources,
    ...extraFiles(cluster),
    ...environment.files,
    file(unitPath(UNIT), text),
  ];
  const restart = laid.filter(({ kind }) => kind !== 'directory').map(ref);
  return [...laid, kubectl, authorization, unit(restart, ref(authorization))];
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
