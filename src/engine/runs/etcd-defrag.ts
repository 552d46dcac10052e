import { planDefrag, type Defrag } from '../../cluster/etcd-defrag.ts';
import { etcdQuestions } from '../../cluster/etcd-report.ts';
import type { EtcdReport } from '../../cluster/facts.ts';
import { failure, McpkError } from '../../core/errors.ts';
import { hostsWith } from '../../inventory/types.ts';
import type { Stage } from '../../states/stage.ts';
import type { EngineInput } from '../input.ts';
import { owedBefore } from '../plan/owed-first.ts';
import { open, type Opened } from '../read/open.ts';
import type { Plan, RunResult } from '../types.ts';
import { carryOut } from '../work/carry-out.ts';
import { prepareWish } from './prepare-wish.ts';
import { withUnfinished } from './wish.ts';

export interface DefragInput extends EngineInput {
  /** Share of a member's database, 0 to 1: those with less that is free are left alone. */
  minFree: number;
  stageOf(defrag: Defrag): Stage;
  confirm(plan: Plan, before: EtcdReport): Promise<boolean>;
}

export interface DefragResult extends RunResult {
  before: EtcdReport;
  after: EtcdReport;
}

/**
 * `mcpk etcd defrag`: one member after the other, under the lock and with the guards and gates of apply. Throws
 * `refused` where etcd is not as it must be for that, `gate` when it is still full afterwards. Undefined: nothing to do.
 */
export async function etcdDefrag(input: DefragInput): Promise<DefragResult | undefined> {
  const started = performance.now();
  const opened = await open(input, 'exclusive');
  try {
    const before = await look(input, opened);
    check(before);
    const defrag = planDefrag(before, input.minFree);
    if (defrag.hosts.length === 0) return undefined;
    const stages = [input.stageOf(defrag)];
    const known = await withUnfinished(input, opened);
    const owed = owedBefore(stages, input.cluster, known.facts);
    const doing = await prepareWish(input, known, { stages, owed });
    const result = await carryOut(doing, { confirm: (planned) => input.confirm(planned, before), started });
    const after = await look(input, opened);
    if (result.status === 'succeeded') checkSpace(after);
    return { ...result, before, after };
  } finally {
    await opened.fleet.close();
  }
}

async function look({ cluster, signal }: EngineInput, { reader }: Opened): Promise<EtcdReport> {
  const members = hostsWith(cluster, 'etcd').filter(({ name }) => reader.reaches(name));
  const questions = etcdQuestions(cluster, members);
  const answers = await reader.ask(questions.asks);
  signal.throwIfAborted();
  const report = questions.read(answers);
  if (report === undefined)
    throw new McpkError('refused', 'no member of etcd answers', { hint: 'mcpk apply mends it.' });
  return report;
}

/** A member that is away may be the one that is needed while another one answers nobody. */
function check({ members, alarms }: EtcdReport): void {
  const corrupt = alarms.filter(({ alarm }) => alarm === 'CORRUPT');
  const wrong = [
    ...corrupt.map(
      ({ member }) =>
        new McpkError('refused', `the data of ${member} is not that of the other members (CORRUPT)`, {
          hint: 'Defragmenting does not mend that: replace the member.',
        }),
    ),
    ...members
      .filter(({ healthy }) => !healthy)
      .map(
        ({ name, id, host, problem = 'it never started' }) =>
          new McpkError('refused', `the member ${name === '' ? id : name} is not healthy: ${problem}`, {
            ...(host === undefined ? {} : { host }),
            hint: 'Bring it back first: mcpk apply',
          }),
      ),
  ];
  const [first, ...rest] = wrong;
  if (first) throw failure([first, ...rest]);
}

function checkSpace({ alarms, members }: EtcdReport): void {
  const full = members.filter(({ databaseBytes = 0, quotaBytes = 0 }) => quotaBytes > 0 && databaseBytes >= quotaBytes);
  if (alarms.length === 0 && full.length === 0) return;
  const names = [...new Set([...alarms.map(({ member }) => member), ...full.map(({ name }) => name)])];
  throw new McpkError('gate', `etcd has no space left still: ${names.join(', ')}`, {
    hint: 'What is stored takes the whole quota: delete what is not needed, or raise etcd.quotaBytes and apply.',
  });
}
