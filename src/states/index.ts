import { addons } from './addons.ts';
import { apiAccess } from './api-access.ts';
import { apiServer } from './api-server.ts';
import { artifacts } from './artifacts.ts';
import { calico } from './calico.ts';
import { certificates } from './certificates.ts';
import { controllers } from './controllers.ts';
import { departure } from './departure.ts';
import { etcdBackup } from './etcd-backup.ts';
import { etcd } from './etcd.ts';
import { flags } from './flags.ts';
import { haproxy } from './haproxy.ts';
import { images } from './images.ts';
import { keepalived } from './keepalived.ts';
import { network } from './network.ts';
import { nodes } from './nodes.ts';
import { preflight } from './preflight.ts';
import { removal } from './removal.ts';
import { retirement } from './retirement.ts';
import { runtime } from './runtime.ts';
import type { Stage } from './stage.ts';
import { system } from './system.ts';
import { verify } from './verify.ts';

/** The order that people see, and a topological order of `needs`: what does not depend on each other overlaps. */
export const STAGES: readonly Stage[] = [
  preflight,
  departure,
  artifacts,
  flags,
  system,
  certificates,
  haproxy,
  keepalived,
  retirement,
  etcd,
  apiServer,
  apiAccess,
  controllers,
  runtime,
  images,
  nodes,
  network,
  calico,
  addons,
  etcdBackup,
  removal,
  verify,
];
