import { ADMINS } from '../../cluster/access.ts';
import { PATHS } from '../../core/paths.ts';

/** Common names that other stages allow or bind. */
export const NAMES = {
  kubeletClient: 'kube-apiserver-kubelet-client',
  frontProxyClient: 'front-proxy-client',
  /** HAProxy's, in `tls: terminate`. */
  haproxyFrontProxy: 'mcpk-haproxy',
  adminGroup: ADMINS.group,
} as const;

/** Leaves that one service reads, by path: certificate `.crt` and key `.key` beside it. */
export const LEAVES = {
  etcdServer: `${PATHS.etcdPki}/server`,
  etcdPeer: `${PATHS.etcdPki}/peer`,
  apiServer: `${PATHS.apiServer}/server`,
  apiServerEtcdClient: `${PATHS.apiServer}/etcd-client`,
  apiServerKubeletClient: `${PATHS.apiServer}/kubelet-client`,
  apiServerFrontProxy: `${PATHS.apiServer}/front-proxy-client`,
  controllerManager: `${PATHS.controllerManager}/client`,
  controllerManagerServer: `${PATHS.controllerManager}/server`,
  scheduler: `${PATHS.scheduler}/client`,
  schedulerServer: `${PATHS.scheduler}/server`,
  kubeProxy: `${PATHS.kubeProxy}/client`,
} as const;

/** A name that the certificates of all etcd members have for each other, and no other certificate has. */
export const ETCD_PEER = 'etcd-peer';

export const HAPROXY_ENDPOINT_PEM = `${PATHS.haproxyPki}/endpoint.pem`;
export const HAPROXY_FRONT_PROXY_PEM = `${PATHS.haproxyPki}/front-proxy-client.pem`;
