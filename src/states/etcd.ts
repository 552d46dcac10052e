import { etcdFolders } from '../cluster/etcd-folders.ts';
import { etcdGates } from '../cluster/etcd.ts';
import { apiServerGuard, quorumGuard } from '../cluster/guards.ts';
import type { Facts } from '../cluster/facts.ts';
import { PATHS, SECRETS, USERS } from '../core/paths.ts';
import { hostsWith, type Cluster } from '../inventory/types.ts';
import { seriesOf } from '../core/versions.ts';
import { render } from '../render/render.ts';
import { ref } from '../resources/kinds.ts';
import type { Resource, UnitResource } from '../resources/types.ts';
import { file, inputs, linkTo, readableBy, unitPath } from './build.ts';
import { serviceEnvironment } from './environment.ts';
import { LEAVES } from './leaves/names.ts';
import { oneAtATime } from './masters-rollout.ts';
import type { Stage, StateContext } from './stage.ts';
import { etcdConfig, STATE_LINE } from './etcd/config.ts';
import { brokenEtcd } from './etcd/data.ts';
import { membershipProblems } from './etcd/membership.ts';
import { upgradeInquiry, upgradesRefused } from './etcd/upgrade.ts';
import { etcdSteps, restartingMembers, stoppedApiServers } from './etcd/steps.ts';

const UNIT = 'etcd.service';

export const etcd: Stage = {
  name: 'etcd',
  title: 'etcd',
  hosts: (cluster) => hostsWith(cluster, 'etcd'),
  needs: ['artifacts', 'certificates'],
  states,
  rollout,
  down: (cluster, { standing }) =>
    hostsWith(cluster, 'etcd').flatMap(({ name }) => (standing?.etcd.includes(name) === false ? [name] : [])),
  problems: (cluster, facts) => [...membershipProblems(cluster, facts), ...upgradesRefused(cluster, facts)],
  broken: brokenEtcd,
  inquire: upgradeInquiry,
  guard: (context) => [
    ...quorumGuard(context, restartingMembers(context)),
    ...apiServerGuard(context, stoppedApiServers(context)),
  ],
  around: etcdSteps,
  gate: etcdGates,
  irreversible,
};

function states(context: StateContext): Resource[] {
  const { cluster, host } = context;
  const environment = serviceEnvironment(cluster.etcd.environment, `${PATHS.etcd}/environment`);
  const link = linkTo('etcd', context);
  const config = { ...file(PATHS.etcdConfig, etcdConfig(context), readableBy(USERS.etcd)), readOnce: STATE_LINE };
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

/**
 * A replacement first, as it brings back redundancy; then one at a time, the leader last. Of a cluster that is down
 * those with data together, as nobody is ready alone, and then the replacements, which a quorum must take in.
 */
function rollout(_cluster: Cluster, facts: Facts, changed: readonly string[]): string[][] {
  const hasData = (host: string): boolean => facts.hosts.get(host)?.etcdData ?? false;
  if (facts.etcd === 'down') {
    const together = changed.filter(hasData);
    const fresh = changed.filter((host) => !hasData(host));
    return [...(together.length > 0 ? [together] : []), ...fresh.map((host) => [host])];
  }
  if (facts.etcd !== 'formed') return [[...changed]];
  const leader = facts.standing?.etcdLeader;
  const leads = (host: string): boolean =>
    leader === undefined ? (facts.hosts.get(host)?.holdsVip ?? false) : leader === host;
  return [
    ...oneAtATime(
      changed.filter((host) => !hasData(host)),
      leads,
    ),
    ...oneAtATime(changed.filter(hasData), leads),
  ];
}

/** Members write what older ones do not read as soon as all run the newer minor version. */
function irreversible(cluster: Cluster, facts: Facts): string | undefined {
  const from = seriesOf(facts.standing?.etcdVersion ?? '');
  const to = seriesOf(cluster.versions.etcd);
  if (from === undefined || from === to) return undefined;
  return `etcd ${from} → ${String(to)}: once every member runs it there is no way back by itself`;
}
