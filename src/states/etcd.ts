import { etcdFolders } from '../cluster/etcd-folders.ts';
import { etcdGates } from '../cluster/etcd.ts';
import { apiServerGuard, quorumGuard } from '../cluster/guards.ts';
import type { Facts } from '../cluster/facts.ts';
import { ETCD_UNIT } from '../cluster/own-member.ts';
import type { Guard } from '../cluster/gate.ts';
import { PATHS, SECRETS, USERS } from '../core/paths.ts';
import { hostsWith, type Cluster } from '../inventory/types.ts';
import { seriesOf } from '../core/versions.ts';
import { render } from '../render/render.ts';
import { ref } from '../resources/kinds.ts';
import type { Resource, UnitResource } from '../resources/types.ts';
import { file, inputs, linkTo, readableBy, unitPath } from './build.ts';
import { serviceEnvironment } from './environment.ts';
import { LEAVES } from './leaves/names.ts';
import type { GuardContext, Stage, StateContext } from './stage.ts';
import { etcdConfig, JOINING_LINES } from './etcd/config.ts';
import { brokenEtcd } from './etcd/data.ts';
import { membershipProblems } from './etcd/membership.ts';
import { downMembers, etcdRollout, memberGuards, movingHosts, votersThen, wipedHosts } from './etcd/order.ts';
import { upgradeInquiry, upgradesRefused } from './etcd/upgrade.ts';
import { etcdSteps, restartingMembers, restartSteps, stoppedApiServers } from './etcd/steps.ts';

const UNIT = ETCD_UNIT;

export const etcd: Stage = {
  name: 'etcd',
  title: 'etcd',
  about: 'etcd, one member at a time, the leader last; members join, leave and are replaced',
  hosts: (cluster) => hostsWith(cluster, 'etcd'),
  needs: ['artifacts', 'flags', 'certificates', 'retirement'],
  states,
  rollout: etcdRollout,
  down: downMembers,
  due: movingHosts,
  problems: (cluster, facts) => [...membershipProblems(cluster, facts), ...upgradesRefused(cluster, facts)],
  broken: brokenEtcd,
  inquire: upgradeInquiry,
  guard: (context) => [...restartGuards(context), ...memberGuards(context)],
  around: etcdSteps,
  back: { guard: restartGuards, around: restartSteps },
  gate: etcdGates,
  irreversible,
};

function states(context: StateContext): Resource[] {
  const { cluster, host } = context;
  const environment = serviceEnvironment(cluster.etcd.environment, `${PATHS.etcd}/environment`);
  const link = linkTo('etcd', context);
  const config = { ...file(PATHS.etcdConfig, etcdConfig(context), readableBy(USERS.etcd)), readOnce: JOINING_LINES };
  const text = render('etcd/etcd.service', {
    cluster: cluster.name,
    host: host.name,
    config: PATHS.etcdConfig,
    folders: etcdFolders(cluster).join(' '),
    ...environment.data,
  });
  const unitFile = file(unitPath(UNIT), text);
  return [
    link,
    linkTo('etcdctl', context),
    linkTo('etcdutl', context),
    config,
    ...environment.files,
    unitFile,
    unit(context, [ref(link), ref(config), ...environment.files.map(ref), ref(unitFile)]),
  ];
}

function unit({ facts }: StateContext, started: UnitResource['inputs'][number]['ref'][]): UnitResource {
  return {
    kind: 'unit',
    name: UNIT,
    enabled: true,
    state: 'running',
    // A founder is ready only when a quorum is: nobody can wait for it while the others are not started.
    ...(facts.etcd === 'formed' ? {} : { noBlock: true }),
    timeout: 120,
    inputs: [
      ...inputs('restart', [...started, `sharedSecret:${SECRETS.etcdAuthority}`]),
      // Read anew at each handshake (client/pkg/transport/listener.go).
      ...inputs('live', [`certificate:${LEAVES.etcdServer}.crt`, `certificate:${LEAVES.etcdPeer}.crt`]),
    ],
  };
}

function restartGuards(context: GuardContext): Guard[] {
  return [
    ...quorumGuard(context, restartingMembers(context), votersThen(context)),
    ...apiServerGuard(context, stoppedApiServers(context)),
  ];
}

/** Members write what older ones do not read as soon as all run the newer minor version; and who leaves, leaves nothing. */
function irreversible(cluster: Cluster, facts: Facts): string | undefined {
  const from = seriesOf(facts.standing?.etcdVersion ?? '');
  const to = seriesOf(cluster.versions.etcd);
  const wiped = wipedHosts(cluster, facts);
  const why = [
    ...(from === undefined || from === to
      ? []
      : [`etcd ${from} → ${String(to)}: once every member runs it there is no way back by itself`]),
    ...(wiped.length === 0 ? [] : [`the data of etcd on ${wiped.join(', ')} is removed`]),
  ];
  return why.length === 0 ? undefined : why.join('; ');
}
