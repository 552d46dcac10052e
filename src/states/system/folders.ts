import { etcdFolders } from '../../cluster/etcd-folders.ts';
import { PATHS, USERS } from '../../core/paths.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { DirectoryResource } from '../../resources/types.ts';
import { directory, FOLDER, folderOf, ROOT_FOLDER } from '../build.ts';
import { isNode } from '../node-rollout.ts';
import type { StateContext } from '../stage.ts';

/** Folders in which more than one stage lays something; kept here so that none owns another's parent. */
export function directories({ cluster, host }: StateContext): DirectoryResource[] {
  const master = host.roles.includes('master');
  return [
    directory(PATHS.kubernetes, FOLDER),
    directory(PATHS.pki, FOLDER),
    ...(host.roles.includes('etcd') ? foldersOfEtcd(cluster) : []),
    ...(master ? masterFolders() : []),
    ...(isNode(host) ? nodeFolders() : []),
  ];
}

function foldersOfEtcd(cluster: Cluster): DirectoryResource[] {
  return [
    directory(PATHS.etcd, folderOf(USERS.etcd)),
    directory(PATHS.etcdPki, folderOf(USERS.etcd)),
    ...etcdFolders(cluster).map((path) => directory(path, { mode: '0700', owner: USERS.etcd, group: USERS.etcd })),
  ];
}

function masterFolders(): DirectoryResource[] {
  return [
    directory(PATHS.authorities, ROOT_FOLDER),
    directory(PATHS.admin, ROOT_FOLDER),
    directory(PATHS.apiServer, folderOf(USERS.apiServer)),
    directory(PATHS.controllerManager, folderOf(USERS.controllerManager)),
    directory(PATHS.scheduler, folderOf(USERS.scheduler)),
    directory(PATHS.haproxy, FOLDER),
    directory(PATHS.haproxyPki, ROOT_FOLDER),
  ];
}

function nodeFolders(): DirectoryResource[] {
  return [
    directory(PATHS.kubelet, ROOT_FOLDER),
    directory(PATHS.kubeProxy, ROOT_FOLDER),
    directory(PATHS.kubeletData, FOLDER),
    directory(`${PATHS.kubeletData}/pki`, ROOT_FOLDER),
  ];
}
