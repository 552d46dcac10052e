import { failure, McpkError } from '../../core/errors.ts';
import { serviceOf, versionSetting, type Running } from '../../core/services.ts';
import { skewProblems, type SkewProblem } from '../../core/skew.ts';
import { minorNumber, onlyAnew, seriesOf } from '../../core/versions.ts';
import type { Cluster } from '../../inventory/types.ts';
import type { Brings } from '../../states/stage.ts';
import { changesOf, type HostPlan, type StagePlan } from '../types.ts';

/** What apply brings: what the inventory wants. */
export function bringsWanted({ versions }: Pick<Cluster, 'versions'>): Brings {
  return (_host, service) => {
    const setting = versionSetting(service);
    return setting && versions[setting];
  };
}

/**
 * What runs is followed through a plan, batch by batch: after none of them may versions stand side by side that must
 * not, wherever the run ends. What was so before is not held against a plan, as it may be what mends it.
 *
 * @throws McpkError `refused`
 */
export function checkSkew(stages: readonly StagePlan[], running: Running, brings: Brings): void {
  const found = skewAfter(stages, running, brings);
  const [first, ...rest] = found.map(
    ({ after, problem: { host, message, hint } }) =>
      new McpkError('refused', `after ${after}: ${message}`, { host, hint }),
  );
  if (first) throw failure([first, ...rest]);
}

/** What runs once all of these stages is done. */
export function versionsAfter(stages: readonly StagePlan[], running: Running, brings: Brings): Running {
  return stages.reduce((now, { hosts }) => broughtBy(hosts, now, brings), running);
}

interface Found {
  /** `nodes on w1` */
  after: string;
  problem: SkewProblem;
}

function skewAfter(stages: readonly StagePlan[], running: Running, brings: Brings): Found[] {
  const known = new Set(skewProblems(running).map(({ key }) => key));
  const found: Found[] = [];
  let now = running;
  for (const { name, batches, hosts } of stages) {
    // Of a stage that is deferred the batches are not known yet.
    const all = batches.length > 0 ? batches : [hosts.map(({ host }) => host)];
    for (const batch of all) {
      const then = broughtBy(
        hosts.filter(({ host }) => batch.includes(host)),
        now,
        brings,
      );
      const wrong = [...etcdTakenBack(running, now, then), ...skewProblems(then)].filter(({ key }) => !known.has(key));
      for (const problem of wrong) {
        known.add(problem.key);
        found.push({ after: `${name} on ${batch.join(', ')}`, problem });
      }
      now = then;
    }
  }
  return found;
}

/** What runs once units of these hosts have changed. */
function broughtBy(hosts: readonly HostPlan[], running: Running, brings: Brings): Running {
  const then = new Map(running);
  for (const plan of hosts) {
    const own = { ...then.get(plan.host) };
    for (const { kind, ref, comparison } of changesOf(plan)) {
      const service = kind === 'unit' ? serviceOf(ref.slice('unit:'.length)) : undefined;
      if (service === undefined) continue;
      const { verb } = comparison;
      if (verb === 'stop' || verb === 'remove') delete own[service];
      const version = verb === 'start' || verb === 'restart' ? brings(plan.host, service) : undefined;
      if (version !== undefined) own[service] = version;
    }
    then.set(plan.host, own);
  }
  return then;
}

/** Once all members run the newer minor version they write what the older one can't read: then none goes back. */
function etcdTakenBack(before: Running, now: Running, then: Running): SkewProblem[] {
  const members = [...before.values()].flatMap(({ etcd }) => etcd ?? []);
  return [...then].flatMap(([host, { etcd: to }]): SkewProblem[] => {
    const from = now.get(host)?.etcd;
    if (from === undefined || to === undefined || minorNumber(to) >= minorNumber(from)) return [];
    if (members.some((version) => minorNumber(version) <= minorNumber(to))) return [];
    return [
      {
        key: `etcd ${host} back`,
        host,
        message: `etcd of ${host} would go back from ${from} to ${to}, and no member runs ${to} any more`,
        hint: `No older etcd reads what all members of a newer minor version have written: ${onlyAnew(seriesOf(to) ?? to)}.`,
      },
    ];
  });
}
