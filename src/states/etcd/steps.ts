import { owns } from '../../cluster/laid.ts';
import type { AroundContext, StepAround, Steps } from '../stage.ts';
import { starting, stopping } from '../unit-steps.ts';
import { add, API_SERVER, leave, move, moveLeader, note, promote } from './member-steps.ts';
import { movesOf, wantedMembers, type Leaver } from './moves.ts';
import { carrierOf } from './order.ts';

/** Around a batch of etcd hosts; before the cluster has formed there is nobody to spare. */
export function etcdSteps(context: AroundContext): Required<Omit<Steps, 'work'>> {
  const { cluster, facts, batch } = context;
  if (facts.etcd === 'none' || facts.etcd === 'forming')
    return {
      before: [],
      after: [],
      held: batch.map((host) => note(`note on ${host} that etcd has formed`, context, host, wantedMembers(cluster))),
    };
  const moves = movesOf(cluster, facts);
  const joiners = moves.joiners.filter(({ host }) => batch.includes(host));
  const carries = batch.includes(carrierOf(cluster, facts, moves) ?? '');
  const leaves = (leavers: readonly Leaver[], joined: readonly string[]): StepAround[] =>
    leavers.flatMap((leaver) => leave(context, leaver, joined));
  const first = carries ? leaves(moves.first, []) : [];
  // While etcd is down nobody can be asked until this very batch is up.
  const isUp = facts.etcd === 'formed';
  const restarts = restartSteps(context);
  return {
    before: [
      ...(isUp ? first : []),
      ...joiners.flatMap((joiner) => add(context, joiner)),
      ...restarts.before,
      ...(isUp ? batch.flatMap((host) => (hasData(context, host) ? move(context, host) : [])) : []),
    ],
    after: [...joiners.flatMap((joiner) => promote(context, joiner)), ...restarts.after],
    held: [
      ...(isUp ? [] : first),
      ...joiners.flatMap(({ host, then }) => [
        ...(hasData(context, host) ? [] : [note(`note on ${host} who its peers are`, context, host, moves.members)]),
        ...leaves(then, [host]),
      ]),
    ],
  };
}

/** Members that go down for a moment, and the API servers that serve from them. */
export function restartSteps(context: AroundContext): Steps {
  const { cluster, facts } = context;
  const running = restartingMembers(context).filter((host) => facts.standing?.etcd.includes(host) ?? true);
  const stopped = stoppedApiServers(context);
  return {
    before: [
      ...running.map((host) => moveLeader(cluster, host)),
      // It talks to this member alone: taken out of rotation first, it fails no request.
      ...stopped.map((host) => ({
        title: `stop the API server of ${host} gracefully`,
        on: host,
        ...stopping(API_SERVER),
      })),
    ],
    after: stopped.map((host) => ({ title: `start the API server of ${host}`, on: host, ...starting(API_SERVER) })),
  };
}

/** Members of the batch, with data, that go down for a moment. */
export function restartingMembers(context: AroundContext): string[] {
  const { facts, batch, restarting } = context;
  if (facts.etcd !== 'formed') return [];
  const wanted = wantedMembers(context.cluster).map(({ host }) => host);
  const restarts = (host: string): boolean =>
    restarting === undefined || (restarting.get(host)?.includes('etcd.service') ?? false);
  return batch.filter((host) => wanted.includes(host) && hasData(context, host) && restarts(host));
}

/** API servers that serve until their member goes down. One that does not is let be: it would only be slow to stop. */
export function stoppedApiServers(context: AroundContext): string[] {
  const { facts } = context;
  const serves = (host: string): boolean => facts.standing?.apiServers.includes(host) ?? true;
  return restartingMembers(context).filter((host) => owns(facts.hosts.get(host), `unit:${API_SERVER}`) && serves(host));
}

function hasData({ facts }: AroundContext, host: string): boolean {
  return facts.hosts.get(host)?.etcdData ?? false;
}
