import { PATHS, SECRETS, USERS } from '../core/paths.ts';
import type { Cluster, Host } from '../inventory/types.ts';
import type { SecretRecipe, SharedSecretResource } from '../resources/types.ts';
import { PRIVATE, privateTo, PUBLIC, type Access } from './build.ts';

type SecretFile = SharedSecretResource['files'][number];

/** Trust bundles and shared files by path; stages name them as inputs by their secret's reference. */
export const TRUST = {
  cluster: `${PATHS.pki}/ca.crt`,
  etcd: `${PATHS.pki}/etcd-ca.crt`,
  frontProxy: `${PATHS.pki}/front-proxy-ca.crt`,
  serviceAccount: `${PATHS.pki}/service-account.pub`,
} as const;

export const SHARED_FILES = {
  encryption: `${PATHS.apiServer}/encryption.yaml`,
  serviceAccountOfApiServer: `${PATHS.apiServer}/service-account.key`,
  serviceAccountOfControllerManager: `${PATHS.controllerManager}/service-account.key`,
  /** The one authority that signs (no bundle), with its key: CSRs of kubelets are signed with it. */
  signingCert: `${PATHS.controllerManager}/ca.crt`,
  signingKey: `${PATHS.controllerManager}/ca.key`,
} as const;

/** What a host keeps of each sharedSecret: masters the secret itself, the others only what they trust. */
export function sharedSecretsOf(cluster: Cluster, host: Host): SharedSecretResource[] {
  const master = host.roles.includes('master');
  const node = master || host.roles.includes('worker');
  const etcd = master || host.roles.includes('etcd');
  return [
    ...(node ? [clusterAuthority(cluster, master)] : []),
    ...(etcd ? [authority(cluster, SECRETS.etcdAuthority, 'etcd', TRUST.etcd, master)] : []),
    ...(master ? [authority(cluster, SECRETS.frontProxyAuthority, 'front-proxy', TRUST.frontProxy, true)] : []),
    ...(master ? [serviceAccount(cluster), encryption()] : []),
  ];
}

function clusterAuthority(cluster: Cluster, master: boolean): SharedSecretResource {
  const common = authority(cluster, SECRETS.clusterAuthority, 'cluster', TRUST.cluster, master);
  if (!master) return common;
  const owner = privateTo(USERS.controllerManager);
  const signing = [at('cert', SHARED_FILES.signingCert, owner), at('key', SHARED_FILES.signingKey, owner)];
  return { ...common, files: [...common.files, ...signing] };
}

function authority(cluster: Cluster, id: string, name: string, trust: string, holder: boolean): SharedSecretResource {
  const { authorityDays, keyAlgorithm } = cluster.certificates;
  const recipe: SecretRecipe = {
    type: 'authority',
    commonName: `${cluster.name} ${name} authority`,
    days: authorityDays,
    keyAlgorithm,
  };
  const own = [
    at('key', `${PATHS.authorities}/${name}.key`, PRIVATE),
    at('cert', `${PATHS.authorities}/${name}.crt`, PRIVATE),
  ];
  return { kind: 'sharedSecret', id, recipe, holder, files: [...(holder ? own : []), at('bundle', trust, PUBLIC)] };
}

function serviceAccount(cluster: Cluster): SharedSecretResource {
  return {
    kind: 'sharedSecret',
    id: SECRETS.serviceAccount,
    recipe: { type: 'keypair', keyAlgorithm: cluster.certificates.keyAlgorithm },
    holder: true,
    files: [
      at('private', SHARED_FILES.serviceAccountOfApiServer, privateTo(USERS.apiServer)),
      at('private', SHARED_FILES.serviceAccountOfControllerManager, privateTo(USERS.controllerManager)),
      at('public', TRUST.serviceAccount, PUBLIC),
    ],
  };
}

function encryption(): SharedSecretResource {
  return {
    kind: 'sharedSecret',
    id: SECRETS.encryption,
    recipe: { type: 'encryption-config', resources: ['secrets'] },
    holder: true,
    files: [at('config', SHARED_FILES.encryption, privateTo(USERS.apiServer))],
  };
}

function at(item: string, path: string, access: Access): SecretFile {
  return { item, path, ...access };
}
