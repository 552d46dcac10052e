import { describe, expect, it } from 'vitest';

import {
  chooseGenerations,
  parseGenerations,
  readGenerations,
  type Generation,
} from '../../../src/engine/past/generations.ts';
import { McpkError } from '../../../src/core/errors.ts';
import type { Opened } from '../../../src/engine/read/open.ts';
import { noteLine } from '../../../src/engine/past/journal-lines.ts';
import { owedWords } from '../../../src/engine/past/owed-lines.ts';
import { itemsOf } from '../../../src/engine/past/rollback-plan.ts';
import { backwards } from '../../../src/engine/plan/backwards.ts';
import { rollbackOpened, type RollbackInput } from '../../../src/engine/runs/rollback.ts';
import type { Plan, PlanItem, RunResult, Selection } from '../../../src/engine/types.ts';
import { STAGES } from '../../../src/states/index.ts';
import type { Stage } from '../../../src/states/stage.ts';
import { anyArtifact, factsOf, hostFacts, labCluster, registered } from '../../states/cluster.ts';
import { fakeReader } from '../support/fake-reader.ts';

const cluster = await labCluster();

/** `R3 etcd m1`, `R3-back etcd m1 restores R3`. */
function generations(...texts: string[]): Generation[] {
  return texts.map((text) => {
    const [run = '', stage = '', host = '', restores, target] = text.split(' ');
    const lines = ['unit x - - - -', 'made ./etc/x', ...(restores === undefined ? [] : [`restores ${target}`])];
    return { run, stage, host, lines };
  });
}

const named = ({ run, stage, host }: Generation): string => `${run} ${stage} ${host}`;

describe('which generations a rollback takes', () => {
  const cases: [string, string[], string | undefined, string[]][] = [
    [
      'the last run by default',
      ['R1 etcd m1', 'R2 etcd m1', 'R2 api m1', 'R1 api m2'],
      undefined,
      ['R2 etcd m1', 'R2 api m1'],
    ],
    ['a run that is named', ['R1 etcd m1', 'R2 api m1'], 'R1', ['R1 etcd m1']],
    [
      'the one before a run that was rolled back',
      ['R1 api m1', 'R2 api m1', 'R2-back api m1 restores R2'],
      undefined,
      ['R1 api m1'],
    ],
    [
      'a rollback that is named',
      ['R1 api m1', 'R2 api m1', 'R2-back api m1 restores R2'],
      'R2-back',
      ['R2-back api m1'],
    ],
    [
      'a run whose rollback was rolled back',
      ['R1 api m1', 'R2 api m1', 'R2-back api m1 restores R2', 'R3 api m1 restores R2-back'],
      undefined,
      ['R2 api m1'],
    ],
    ['a run by its last characters', ['R1-aa api m1', 'R2-bb api m2'], 'aa', ['R1-aa api m1']],
    [
      'the places where it is not rolled back yet',
      ['R1 api m1', 'R1 api m2', 'R1-back api m2 restores R1'],
      undefined,
      ['R1 api m1'],
    ],
  ];
  it.each(cases)('%s', (_what, kept, wanted, chosen) => {
    expect(chooseGenerations(generations(...kept), wanted).map(named)).toEqual(chosen);
  });

  const refusals: [string, string[], string | undefined, RegExp][] = [
    ['nothing is kept', [], undefined, /nothing is kept/],
    ['no host keeps it', ['R1 api m1'], 'R9', /no host keeps R9/],
    ['a later run changed the same', ['R1 api m1', 'R2 api m1'], 'R1', /R2 changed api on m1 since/],
    ['it was rolled back already', ['R1 api m1', 'R1-back api m1 restores R1'], 'R1', /rolled back already/],
    ['all is rolled back', ['R1 api m1', 'R1-back api m1 restores R1'], undefined, /nothing is kept/],
  ];
  it.each(refusals)('and it refuses when %s', (_why, kept, wanted, says) => {
    const attempt = (): unknown => chooseGenerations(generations(...kept), wanted);
    expect(attempt).toThrow(expect.objectContaining({ code: 'refused' }));
    const error = ((): { message: string; details: string[] } => {
      try {
        attempt();
      } catch (thrown) {
        return thrown as { message: string; details: string[] };
      }
      throw new Error('did not throw');
    })();
    expect([error.message, ...error.details].join('\n')).toMatch(says);
  });

  it('a stream that changed nothing but the list of what is owned is none', () => {
    const idle = { host: 'm1', run: 'R2', stage: 'artifacts', lines: ['kept ./var/lib/mcpk/owned.json'] };
    expect(chooseGenerations([...generations('R1 api m1'), idle]).map(named)).toEqual(['R1 api m1']);
  });
});

it('what grep says of the undo lists becomes generations, whatever a path looks like', () => {
  const text = [
    '/var/lib/mcpk/generations/R2/etcd.undo:kept ./etc/a b',
    '/var/lib/mcpk/generations/R1/api-server.undo:made ./x/R9/y.undo:z',
    '/var/lib/mcpk/generations/R2/etcd.undo:did etcd.service restart 90',
    '',
  ].join('\n');
  expect(parseGenerations('m1', text)).toEqual([
    { host: 'm1', run: 'R1', stage: 'api-server', lines: ['made ./x/R9/y.undo:z'] },
    { host: 'm1', run: 'R2', stage: 'etcd', lines: ['kept ./etc/a b', 'did etcd.service restart 90'] },
  ]);
});

describe('what hosts keep', () => {
  const signal = new AbortController().signal;

  it('costs one question to each', async () => {
    const reader = fakeReader({
      answer: ({ host }) => ({ stdout: `/var/lib/mcpk/generations/R1/${host}.undo:made ./etc/x\n` }),
    });
    expect((await readGenerations(reader, ['m1', 'w1'], signal)).map(named)).toEqual(['R1 m1 m1', 'R1 w1 w1']);
    expect(reader.asked).toHaveLength(2);
  });

  it('is not taken for nothing where a host is lost, or the run is interrupted', async () => {
    const lost = new McpkError('unreachable', 'm1: lost', { host: 'm1' });
    const reader = fakeReader({ answer: () => ({ exitCode: 255, lost }) });
    await expect(readGenerations(reader, ['m1'], signal)).rejects.toBe(lost);
    const reason = new Error('interrupted');
    await expect(readGenerations(fakeReader(), ['m1'], AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('the plan of a rollback', () => {
  const said = ({ comparison, ref }: PlanItem): string =>
    comparison.result === 'change' ? `${comparison.verb} ${ref}: ${comparison.reasons.join()}` : '';
  const cases: [string[], string[]][] = [
    [
      ['kept ./var/lib/mcpk/owned.json', 'kept ./etc/a b', 'made ./etc/c'],
      ['remove file:/etc/c: not there before R1', 'update file:/etc/a b: as before R1'],
    ],
    [['access 640 0:105 ./etc/a b'], ['update file:/etc/a b: mode 640, owner 0:105']],
    [['folder 755 0:0 ./etc/d'], ['create directory:/etc/d: there before R1']],
    [['sysctl net/ipv4/ip_forward 0'], ['update sysctl:net/ipv4/ip_forward: back to 0']],
    [['unit x enabled active r l', 'did x restart 90'], ['restart unit:x: as it was before R1']],
    [['unit x enabled active r l', 'did x reload 90'], ['reload unit:x: as it was before R1']],
    [['unit x - inactive - -', 'did x enable 90', 'did x start 90'], ['stop unit:x: did not run before R1']],
    [['unit x disabled active - -', 'did x enable 90'], ['enable unit:x: disabled before R1']],
    [['unit x enabled active r l', 'did y restart 90'], []],
  ];
  it.each(cases)('of %j', (lines, items) => {
    expect(itemsOf({ host: 'm1', run: 'R1', stage: 'a', lines }).map(said)).toEqual(items);
  });

  it('takes the stages backwards, each after all that needed it', () => {
    const stage = (name: string, ...needs: string[]): Stage => ({
      name,
      title: name,
      needs,
      hosts: () => [],
      states: () => [],
    });
    const stages = [stage('a'), stage('b', 'a'), stage('c', 'b'), stage('d', 'a')];
    const back = backwards(stages, new Set(['a', 'c', 'd']));
    expect(back.map(({ name, needs }) => [name, needs])).toEqual([
      ['d', []],
      ['c', []],
      ['a', ['c', 'd']],
    ]);
  });

  it('takes a stage that may drain before those that its drains need, and waits for none of them', () => {
    const stage = (name: string, drainsAfter?: string[]): Stage => ({
      ...{ name, title: name, needs: [], hosts: () => [], states: () => [] },
      ...(drainsAfter ? { drainsAfter } : {}),
    });
    const back = backwards([stage('api'), stage('drains', ['api'])], new Set(['api', 'drains']));
    expect(back.map(({ name, needs, drainsAfter }) => [name, needs, drainsAfter])).toEqual([
      ['drains', [], undefined],
      ['api', ['drains'], undefined],
    ]);
  });

  it('has stages that there are none of any more: one after the other, host by host, before all others', () => {
    const known: Stage = { name: 'a', title: 'a', needs: [], hosts: () => [], states: () => [] };
    const back = backwards([known], new Set(['a', 'leftovers', 'gone']));
    expect(back.map(({ name, needs }) => [name, needs])).toEqual([
      ['leftovers', []],
      ['gone', ['leftovers']],
      ['a', ['leftovers', 'gone']],
    ]);
    const facts = factsOf(cluster, {}, {});
    facts.hosts.get('m1')!.holdsVip = true;
    expect(back[0]?.rollout?.(cluster, facts, ['m1', 'm2', 'w1'])).toEqual([['m2'], ['w1'], ['m1']]);
  });

  it('starts what is owed before all others, takes a mark away after them, and neither where its stage goes back itself', () => {
    const stages = ['a', 'b', 'c', 'd', 'e'].map((name, index): Stage => {
      const needs = index === 0 ? [] : ['a'];
      return { name, title: name, needs, hosts: () => [], states: () => [] };
    });
    const owing = { noted: new Set(['a', 'b']), marked: new Set(['c', 'e']) };
    const back = backwards(stages, new Set(['a', 'c', 'gone']), owing);
    expect(back.map(({ name, needs }) => [name, needs])).toEqual([
      ['b', []],
      ['gone', ['b']],
      ['c', ['b', 'gone']],
      ['a', ['b', 'gone', 'c']],
      ['e', ['b', 'gone', 'c', 'a']],
    ]);
  });
});

interface AfterKill {
  selection?: Selection;
  cordoned?: 'mcpk' | 'other';
  /** Of these stages, without their gates; else it is only planned. */
  carriedOut?: readonly string[];
}

/**
 * What a rollback is about to do, and does, when R2 was cut off on m1, between the stop of its API server and the start;
 * `done` as `HOST WHAT`.
 */
async function afterKill(
  generations: Readonly<Record<string, string>>,
  { selection = {}, carriedOut, ...more }: AfterKill = {},
): Promise<{ plan: Plan; done: string[] }> {
  const start = ['systemctl', 'start', 'kube-apiserver.service'];
  const journal = `${noteLine(1795347245120, 'R2', 'owed', owedWords('etcd', start))}\n`;
  const reader = fakeReader({
    answer: ({ host, argv: [program, ...words] }) => {
      if (program === 'grep') return { stdout: generations[host] ?? '' };
      if (program === 'tail') return { stdout: host === 'm1' ? journal : '' };
      if (program === 'cat' && words[0] === '/var/lib/mcpk/unfinished') return { stdout: 'R2 me apply 9d3c\n' };
      return {};
    },
  });
  const cordoned = more.cordoned === undefined ? {} : { cordoned: more.cordoned };
  const nodes = new Map(
    [...registered(cluster)].map(([name, node]) => [name, { ...node, ...(name === 'w1' ? cordoned : {}) }]),
  );
  const hosts = cluster.hosts.map(({ name, internalAddress }) => {
    const owned = [{ ref: 'unit:kube-apiserver.service', hash: '', stage: 'api-server' }];
    return [name, hostFacts(internalAddress, { owned, etcdData: true, unfinished: name === 'm1' })] as const;
  });
  const done: string[] = [];
  const fleet = {
    sessions: new Map(cluster.hosts.map(({ name }) => [name, { traffic: {} }])),
    exec: (host: string, commands: { argv: string[] }[]) => {
      done.push(...commands.map(({ argv }) => `${host} ${argv.join(' ')}`));
      return Promise.resolve(commands.map(() => ({ exitCode: 0, stdout: '', stderr: '' })));
    },
    request: (host: string, _op: string, body: Buffer) => {
      done.push(
        ...(body.toString().match(/\b(restore|settled \S+|result \S+)/g) ?? []).map((what) => `${host} ${what}`),
      );
      return Promise.resolve(0);
    },
  };
  let planned: Plan | undefined;
  const input = {
    cluster,
    stages: carriedOut
      ? STAGES.filter(({ name }) => carriedOut.includes(name)).map((stage) => {
          const ungated = { ...stage };
          delete ungated.gate;
          delete ungated.guard;
          return ungated;
        })
      : STAGES,
    artifacts: anyArtifact,
    manifests: new Map(),
    selection,
    concurrency: 1,
    signal: new AbortController().signal,
    emit: () => undefined,
    command: 'rollback',
    tool: 'test',
    who: 'me',
    confirm: (plan: Plan) => Promise.resolve(((planned = plan), carriedOut !== undefined)),
  } as unknown as RollbackInput;
  const facts = factsOf(cluster, { hosts: new Map(hosts), etcd: 'formed', nodes });
  const opened = { fleet, reader, facts, since: () => 0, exclusive: true } as unknown as Opened;
  const run = rollbackOpened(input, opened);
  if (carriedOut) expect(await run).toMatchObject({ status: 'succeeded', errors: [] });
  else await expect<Promise<RunResult>>(run).rejects.toMatchObject({ code: 'interrupted' });
  return { plan: planned!, done };
}
const plannedAfterKill = async (...of: Parameters<typeof afterKill>): Promise<Plan> => (await afterKill(...of)).plan;

describe('a rollback after a run that was killed between a step and its undo', () => {
  const restarted = (run: string, stage: string, unit: string): string =>
    ['kept ./etc/x', `unit ${unit} enabled active r l`, `did ${unit} restart 90`]
      .map((line) => `/var/lib/mcpk/generations/${run}/${stage}.undo:${line}\n`)
      .join('');
  const taken = ({ stages }: Plan): unknown[] =>
    stages.map(({ name, batches, steps }) => [name, batches, steps.map(({ title, on }) => `${title} (${on})`)]);
  const OWED = 'systemctl start kube-apiserver.service, which a run that was cut off owes (m1)';

  it('starts first what was stopped, where that stage changed nothing yet', async () => {
    const plan = await plannedAfterKill({ m2: restarted('R2', 'controllers', 'kube-scheduler.service') });
    expect(taken(plan)).toEqual([
      ['etcd', [['m1']], [OWED]],
      ['controllers', [['m2']], []],
    ]);
    expect(plan.summary).toMatchObject({ changes: 3, hosts: 2 });
  });

  it('starts it with the stage that goes back, that host first', async () => {
    const [m1, m2] = ['R2', 'R2'].map((run) => restarted(run, 'etcd', 'etcd.service'));
    const plan = await plannedAfterKill({ m1: m1!, m2: m2! });
    expect(plan.stages.map(({ name, batches }) => [name, batches])).toEqual([['etcd', [['m1'], ['m2']]]]);
    const after = plan.stages[0]?.steps.filter(({ batch, when }) => batch === 0 && when === 'after');
    expect(after?.map(({ run }) => run)).toEqual([['systemctl', 'start', 'kube-apiserver.service']]);
  });

  it('leaves it to a later run where the host is left out', async () => {
    const generations = { m2: restarted('R2', 'controllers', 'kube-scheduler.service') };
    const plan = await plannedAfterKill(generations, { selection: { limit: new Set(['m2']) } });
    expect(taken(plan)).toEqual([['controllers', [['m2']], []]]);
  });

  it('does so, and the host owes nothing any more', async () => {
    const generations = { m2: restarted('R2', 'controllers', 'kube-scheduler.service') };
    const { done } = await afterKill(generations, { carriedOut: ['etcd', 'controllers'] });
    const [started, back] = ['m1 systemctl start kube-apiserver.service', 'm2 restore'].map((what) =>
      done.indexOf(what),
    );
    expect(started).toBeGreaterThanOrEqual(0);
    expect(back).toBeGreaterThan(started!);
    expect(done).toEqual(expect.arrayContaining(['m1 settled etcd', 'm1 result succeeded']));
  });

  it('lifts a cordon of mcpk last, and none of an operator', async () => {
    const generations = { m2: restarted('R2', 'controllers', 'kube-scheduler.service') };
    const mine = await plannedAfterKill(generations, { cordoned: 'mcpk' });
    expect(taken(mine).at(-1)).toEqual(['nodes', [['w1']], ['uncordon w1 (m1)']]);
    const others = await plannedAfterKill(generations, { cordoned: 'other' });
    expect(others.stages.map(({ name }) => name)).toEqual(['etcd', 'controllers']);
  });
});

it('where something is broken that must be mended first nothing is put back, and no host asked for what it keeps', async () => {
  const reader = fakeReader();
  const fleet = { sessions: new Map([['m1', {}]]) };
  const stage: Partial<Stage> = {
    name: 'etcd',
    problems: () => [{ code: 'refused', message: 'the inventory wants what can not be' }],
    broken: () => [{ code: 'refused', host: 'm2', message: 'etcd has lost its quorum' }],
  };
  const input = { stages: [stage], selection: {}, forceUnsafe: true } as unknown as RollbackInput;
  const opened = { fleet, reader, facts: { hosts: new Map(), etcd: 'lost' } } as unknown as Opened;
  await expect(rollbackOpened(input, opened)).rejects.toMatchObject({
    code: 'refused',
    host: 'm2',
    message: 'etcd has lost its quorum',
  });
  expect(reader.asked).toEqual([]);
});
