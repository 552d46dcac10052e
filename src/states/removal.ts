import { retiredGuard } from '../cluster/guards.ts';
import { leavers } from '../cluster/leaving.ts';
import type { Facts } from '../cluster/facts.ts';
import type { Guard } from '../cluster/gate.ts';
import { askMembers, parseMembers } from '../cluster/members.ts';
import { contactable, hostsWith, type Cluster } from '../inventory/types.ts';
import { nothing } from './build.ts';
import { hostOf } from './etcd/moves.ts';
import { forgotten } from './removal/forgotten.ts';
import { wipeInquiry } from './removal/inquiry.ts';
import { stopKubelet, wipe } from './removal/wipe.ts';
import type { AroundContext, GuardContext, Stage, Steps } from './stage.ts';

/** The last one: what stays serves without them by now. */
export const removal: Stage = {
  name: 'removal',
  title: 'What leaves with hosts',
  about: 'takes Nodes of hosts that leave out of the API, and all that mcpk laid, and that grew of it, off these hosts',
  hosts: contactable,
  needs: ['addons'],
  states: () => [],
  idle: (cluster, facts) => owing(cluster, facts).length === 0,
  takes: (cluster, facts) => leavers(cluster, facts).map(({ host }) => host.name),
  inquire: ({ cluster, facts }) => wipeInquiry(cluster, facts, leavers(cluster, facts)),
  due: owing,
  guard: (context) => [...membersLeftFirst(context), ...retiredGuard(context, context.batch)],
  around,
  back: { around: nothing, guard: () => [] },
  irreversible: (cluster, facts) =>
    leavers(cluster, facts).length === 0 ? undefined : 'keys and data of hosts that leave are destroyed',
};

/**
 * A member's data must not go while etcd counts on it: where a run is told to leave out the stage that takes it out, two
 * such hosts would take a quorum with them for good. Asked only when their turn comes, as that stage has run by then.
 */
function membersLeftFirst({ cluster, facts, batch, ahead }: GuardContext): Guard[] {
  const members = leavers(cluster, facts)
    .filter(({ host, member }) => member && batch.includes(host.name))
    .map(({ host }) => host.name);
  const others = hostsWith(cluster, 'etcd').filter(({ name }) => facts.hosts.has(name) && !members.includes(name));
  if (ahead || members.length === 0 || facts.etcd !== 'formed' || others.length === 0) return [];
  return [
    {
      title: `${members.join(', ')} ${members.length === 1 ? 'is no member' : 'are no members'} of etcd`,
      asks: others.map(({ name }) => askMembers(name)),
      check: (answers) => {
        const known = answers.map((answer) => parseMembers(answer, undefined)).find((each) => each !== undefined);
        if (known === undefined) return 'no member tells who the members are';
        const still = members.filter((name) => known.some((member) => hostOf(member, cluster)?.name === name));
        return still.length === 0 ? undefined : `${still.join(', ')} would leave it without being taken out`;
      },
      deadline: 10,
      consequence:
        'etcd goes on counting on members whose data are destroyed, and has no quorum once too many are. Apply without --only and --skip takes them out first.',
    },
  ];
}

function owing(cluster: Cluster, facts: Facts): string[] {
  return leavers(cluster, facts).map(({ host }) => host.name);
}

function around({ cluster, facts, batch }: AroundContext): Steps {
  const here = leavers(cluster, facts).filter(({ host }) => batch.includes(host.name));
  const wiped = here.map((leaver) => wipe(cluster, facts, leaver));
  return {
    before: [
      ...here.filter(({ node }) => node).map(({ host }) => stopKubelet(host.name)),
      ...here
        .filter(({ whole, node, master }) => whole || node || master)
        .flatMap((leaver) => forgotten(cluster, facts, leaver.host)),
      ...wiped.flatMap(({ before }) => before),
    ],
    after: wiped.flatMap(({ after }) => after),
  };
}
