import { etcdQuestions } from '../../cluster/etcd-report.ts';
import type { EtcdReport } from '../../cluster/facts.ts';
import { failure, McpkError } from '../../core/errors.ts';
import { hostsWith, type Host } from '../../inventory/types.ts';
import { ask } from '../hosts/ask.ts';
import { connectHosts, type Fleet } from '../hosts/fleet.ts';
import type { EngineInput } from '../input.ts';

/** Of etcd, with the sessions of those hosts that were reached: it is looked at most when some are not. */
export interface EtcdOpened {
  fleet: Fleet;
  report: EtcdReport;
}

/** `mcpk etcd status`: one round trip to each host of a member, and to no other; takes no lock. */
export async function etcdStatus(input: EngineInput): Promise<EtcdReport> {
  const { fleet, report } = await openEtcd(input, []);
  await fleet.close();
  return report;
}

/**
 * The hosts of etcd's members, and `more`. The caller closes the fleet. Throws what keeps us from the first host when
 * none of the members' is reached, `gate` when none of them tells anything.
 */
export async function openEtcd(input: EngineInput, more: readonly Host[]): Promise<EtcdOpened> {
  const { cluster, emit } = input;
  const members = hostsWith(cluster, 'etcd');
  const { fleet, since } = await connectHosts(input, { hosts: [...new Set([...members, ...more])], lock: 'none' });
  try {
    const reached = members.filter(({ name }) => fleet.sessions.has(name));
    const [first, ...rest] = fleet.unreachable.values();
    if (reached.length === 0 && first) throw failure([first, ...rest]);
    emit({ at: since(), type: 'phase', name: 'gather', state: 'start' });
    const report = await readEtcd(input, fleet);
    emit({ at: since(), type: 'phase', name: 'gather', state: 'end' });
    return { fleet, report };
  } catch (error) {
    await fleet.close();
    throw error;
  }
}

/**
 * What members tell of etcd whose hosts are reached. Throws `gate` when none of them tells anything, the signal's reason
 * when it aborts.
 */
export async function readEtcd(
  { cluster, signal }: Pick<EngineInput, 'cluster' | 'signal'>,
  fleet: Fleet,
): Promise<EtcdReport> {
  const reached = hostsWith(cluster, 'etcd').filter(({ name }) => fleet.sessions.has(name));
  const questions = etcdQuestions(cluster, reached);
  const answers = await ask(fleet, questions.asks, signal);
  // Cut short is not silent.
  signal.throwIfAborted();
  const report = questions.read(answers);
  if (report === undefined) throw silent(reached);
  return report;
}

function silent(reached: readonly Host[]): McpkError {
  const names = reached.map(({ name }) => name).join(', ');
  return new McpkError('gate', `no member of etcd answers on ${names}`, {
    hint: `Look at one of them: mcpk exec --limit ${reached[0]?.name ?? ''} -- journalctl -u etcd -n 30. Before the first apply there is none.`,
  });
}
