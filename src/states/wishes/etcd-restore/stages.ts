import { apiServerGates } from '../../../cluster/api-server.ts';
import { etcdGates } from '../../../cluster/etcd.ts';
import type { Facts } from '../../../cluster/facts.ts';
import { owns } from '../../../cluster/laid.ts';
import { controllerGates } from '../../../cluster/leases.ts';
import { nodeReady } from '../../../cluster/nodes.ts';
import { restoredGate, type RestoredKeys } from '../../../cluster/restored.ts';
import { RESTORE_PHASES, restoringLine, type RestorePhase } from '../../../cluster/restoring.ts';
import { PATHS } from '../../../core/paths.ts';
import { RAISED } from '../../../core/raised-revisions.ts';
import { hostsWith, type Cluster, type Host } from '../../../inventory/types.ts';
import { wantedMembers } from '../../etcd/moves.ts';
import { nodeHosts } from '../../node-rollout.ts';
import type { Stage, StepAround } from '../../stage.ts';
import { SCRIPTS, UNITS } from './scripts.ts';

/** What shall be restored, and how far each host is. */
export interface RestoreGoal {
  /** Of the run that began it. */
  run: string;
  /** Of the snapshot. */
  sha256: string;
  /** What it has; undefined: not counted. */
  keys?: RestoredKeys;
  /** Hosts that were touched. */
  phases: ReadonlyMap<string, RestorePhase>;
  /** Files that come back on masters with the bundle. */
  files: readonly RestoredFile[];
}

export interface RestoredFile {
  host: string;
  path: string;
  owner: string;
  group: string;
  mode: string;
  /** Name under which the run hands it over. */
  sends: string;
}

/** Name under which the run hands over the snapshot, and where it lies on a host until its member has it. */
export const SNAPSHOT = { sends: 'snapshot.db', path: `${PATHS.restore}/snapshot.db` };

/**
 * Watches of what comes after the snapshot end with "compacted", so that nobody goes on with what is gone
 * (kubernetes/kubernetes#107457).
 */
const REVISIONS = [`--bump-revision=${String(RAISED)}`, '--mark-compacted'];

/** Hosts that a restore touches: they have a member, or what reads and writes by it. */
export function restoredHosts(cluster: Cluster): Host[] {
  return cluster.hosts.filter(({ roles }) => roles.includes('master') || roles.includes('etcd'));
}

/**
 * The stages of a restore, each one of which goes on where one before it was cut off. Once API servers have served, the
 * hosts that show nothing are those that are done.
 */
export function restoreStages(goal: RestoreGoal): Stage[] {
  const line = (phase: RestorePhase): string => restoringLine({ ...goal, phase });
  const serves = [...goal.phases.values()].includes('serving');
  const isBehind = ({ name }: Host, phase: RestorePhase): boolean => {
    const at = goal.phases.get(name) ?? (serves ? 'serving' : undefined);
    return at === undefined || RESTORE_PHASES.indexOf(at) < RESTORE_PHASES.indexOf(phase);
  };
  const behind = (hosts: readonly Host[], phase: RestorePhase): string[] =>
    hosts.filter((host) => isBehind(host, phase)).map(({ name }) => name);
  const members = (cluster: Cluster): Host[] => hostsWith(cluster, 'etcd');
  const masters = (cluster: Cluster): Host[] => hostsWith(cluster, 'master');
  const bare = { states: () => [] };
  return [
    {
      ...bare,
      name: 'stop',
      title: 'No API, and nothing that starts',
      needs: [],
      hosts: restoredHosts,
      due: (cluster) => behind(restoredHosts(cluster), 'serving'),
      around: ({ cluster, facts, batch }) => ({
        before: [
          ...behind(restoredHosts(cluster), 'barred').map((host) => {
            const title = `keep etcd, API server and controllers of ${host} from starting`;
            return scripted(title, host, 'bar', line('barred'), ...unitsOf(cluster, host));
          }),
          // Whether one was stopped before its host was barred nobody knows.
          ...batch.flatMap((host) => stop(cluster, facts, host)),
        ],
        after: [],
      }),
    },
    {
      ...bare,
      name: 'aside',
      title: 'Old data aside',
      needs: ['stop'],
      hosts: members,
      due: (cluster) => behind(members(cluster), 'aside'),
      around: ({ cluster, batch }) => ({
        before: batch.map((host) => {
          const { data, wal } = foldersOf(cluster, host);
          const title = `stop etcd on ${host} and lay its data aside (before-${goal.run})`;
          return scripted(title, host, 'aside', line('aside'), goal.run, data, wal);
        }),
        after: [],
      }),
    },
    {
      ...bare,
      name: 'load',
      title: 'The snapshot in their place',
      needs: ['aside'],
      hosts: members,
      due: (cluster) => behind(members(cluster), 'loaded'),
      around: ({ cluster, batch }) => ({
        before: batch.map((host) => {
          const { data, wal, flags } = foldersOf(cluster, host);
          const member = [...flags, `--initial-cluster-token=${tokenOf(cluster, goal)}`, ...REVISIONS];
          const run = ['load', line('loaded'), goal.run, data, wal, SNAPSHOT.path, ...member] as const;
          return { ...scripted(`restore the snapshot on ${host}`, host, ...run), sends: SNAPSHOT.sends };
        }),
        after: [],
      }),
    },
    {
      ...bare,
      name: 'start',
      title: 'etcd',
      needs: ['load'],
      hosts: members,
      // A way back that was cut off may have stopped it.
      due: (cluster) => behind(members(cluster), 'serving'),
      around: ({ batch }) => ({
        before: batch.map((host) => scripted(`start etcd on ${host}`, host, 'start', line('started'), UNITS.etcd)),
        after: [],
      }),
      // Asked for its health a member waits for a quorum: until there is one, something else is asked.
      gate: (context) => {
        const names = members(context.cluster).map(({ name }) => name);
        return [{ ...restoredGate(names, serves ? undefined : goal.keys), next: () => etcdGates(context) }];
      },
    },
    {
      ...bare,
      name: 'serve',
      title: 'API servers',
      needs: ['start'],
      hosts: masters,
      due: (cluster) => masters(cluster).map(({ name }) => name),
      around: ({ cluster, batch }) => ({
        before: [
          ...goal.files.map(({ host, path, owner, group, mode, sends }) => {
            const title = `put ${path} of the bundle on ${host}`;
            return { ...scripted(title, host, 'put', goal.run, path, `${owner}:${group}`, mode), sends };
          }),
          ...behind(restoredHosts(cluster), 'serving').map((host) =>
            scripted(`note on ${host} that there is no way back from now on`, host, 'mark', line('serving')),
          ),
          ...batch.map((host) =>
            scripted(`start the API server of ${host}`, host, 'start', line('serving'), UNITS.apiServer),
          ),
        ],
        after: [],
      }),
      gate: apiServerGates,
    },
    {
      ...bare,
      name: 'controllers',
      title: 'Scheduler and controller-manager',
      needs: ['serve'],
      hosts: masters,
      due: (cluster) => masters(cluster).map(({ name }) => name),
      around: ({ batch }) => ({
        before: batch.map((host) =>
          scripted(`start the controllers of ${host}`, host, 'start', line('serving'), ...UNITS.controllers),
        ),
        after: [],
      }),
      gate: controllerGates,
    },
    {
      ...bare,
      name: 'nodes',
      title: 'Nodes',
      needs: ['controllers'],
      hosts: nodeHosts,
      due: (cluster) => nodeHosts(cluster).map(({ name }) => name),
      around: ({ cluster, facts, batch }) => ({
        before: batch.flatMap((host) => restartNode(facts, host)),
        // Until here whoever runs the same command goes on with it.
        after: restoredHosts(cluster).map(({ name }) =>
          scripted(`end the restore on ${name}`, name, 'finish', ...unitsOf(cluster, name)),
        ),
      }),
      gate: ({ cluster, facts, hosts }) =>
        hosts.map((host) => nodeReady(cluster, facts, host, { withoutNetwork: true, deadline: 120 })),
    },
  ];
}

/** What gives up a restore that has not come to the API servers: the old data come back. */
export function abandonStages({ phases, ...goal }: Omit<RestoreGoal, 'files'>): Stage[] {
  return [
    {
      name: 'back',
      title: 'The old data in their place',
      needs: [],
      hosts: restoredHosts,
      states: () => [],
      due: () => [...phases.keys()],
      around: ({ cluster, batch }) => ({
        before: [
          ...batch.map((host) =>
            scripted(
              `stop etcd on ${host}`,
              host,
              'halt',
              restoringLine({ ...goal, phase: 'barred' }),
              ...unitsOf(cluster, host),
            ),
          ),
          ...batch.map((host) => {
            const isMember = hostsWith(cluster, 'etcd').some(({ name }) => name === host);
            const { data, wal } = isMember ? foldersOf(cluster, host) : { data: '', wal: '' };
            const title = `put back on ${host} what was there before ${goal.run}, and start it`;
            return scripted(title, host, 'giveBack', goal.run, data, wal, ...unitsOf(cluster, host));
          }),
        ],
        after: [],
      }),
      gate: etcdGates,
    },
  ];
}

/** Side by side with the same script on the other hosts. */
function scripted(title: string, on: string, script: keyof typeof SCRIPTS, ...words: readonly string[]): StepAround {
  return { title, on, run: ['sh', '-c', SCRIPTS[script], 'sh', ...words], together: script };
}

/** What a new cluster is told to be, so that no member of the old one fits in when it comes back. */
function tokenOf({ name }: Cluster, { run }: RestoreGoal): string {
  return `${name}-${run}`;
}

function unitsOf({ hosts }: Cluster, host: string): string[] {
  const roles = hosts.find(({ name }) => name === host)?.roles ?? [];
  return [
    ...(roles.includes('etcd') ? [UNITS.etcd] : []),
    ...(roles.includes('master') ? [UNITS.apiServer, ...UNITS.controllers] : []),
  ];
}

/** The API server goes gracefully: until then it answers those who ask. */
function stop(cluster: Cluster, facts: Facts, host: string): StepAround[] {
  const laid = (unit: string): boolean => owns(facts.hosts.get(host), `unit:${unit}`);
  const units = unitsOf(cluster, host).filter((unit) => unit !== UNITS.etcd && laid(unit));
  if (units.length === 0) return [];
  const title = `stop API server and controllers of ${host}`;
  return [{ title, on: host, run: ['systemctl', 'stop', ...units], together: 'stop' }];
}

/** A kubelet goes on with pods that the snapshot lacks until it starts anew (kubernetes/kubernetes#131115). */
function restartNode(facts: Facts, host: string): StepAround[] {
  const laid = (unit: string): boolean => owns(facts.hosts.get(host), `unit:${unit}`);
  const units = ['kubelet.service', 'kube-proxy.service'].filter(laid);
  if (units.length === 0) return [];
  const title = `restart kubelet and kube-proxy of ${host}`;
  return [{ title, on: host, run: ['systemctl', 'restart', '--no-block', ...units], together: 'restart' }];
}

/** `wal` is empty where the log lies with the data. */
function foldersOf(cluster: Cluster, name: string): { data: string; wal: string; flags: string[] } {
  const wanted = wantedMembers(cluster);
  const own = wanted.find(({ host }) => host === name);
  const all = wanted.flatMap((each) => each.peerUrls.map((url) => `${each.name}=${url}`));
  return {
    data: own?.dataDirectory ?? '',
    wal: own?.walDirectory ?? '',
    flags: [
      `--name=${own?.name ?? ''}`,
      `--initial-cluster=${all.join(',')}`,
      `--initial-advertise-peer-urls=${own?.peerUrls.join(',') ?? ''}`,
    ],
  };
}
