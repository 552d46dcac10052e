import { describe, expect, it } from 'vitest';

import { chooseGenerations, parseGenerations, type Generation } from '../../../src/engine/past/generations.ts';
import type { Opened } from '../../../src/engine/read/open.ts';
import { itemsOf } from '../../../src/engine/past/rollback-plan.ts';
import { backwards, rollbackOpened, type RollbackInput } from '../../../src/engine/runs/rollback.ts';
import type { PlanItem } from '../../../src/engine/types.ts';
import type { Stage } from '../../../src/states/stage.ts';
import { factsOf, labCluster } from '../../states/cluster.ts';

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
});

it('where something is broken that must be mended first nothing is put back, and no host asked for what it keeps', async () => {
  const asked: string[] = [];
  const fleet = { sessions: new Map([['m1', {}]]), exec: (host: string) => asked.push(host) };
  const stage: Partial<Stage> = {
    name: 'etcd',
    problems: () => [{ code: 'refused', message: 'the inventory wants what can not be' }],
    broken: () => [{ code: 'refused', host: 'm2', message: 'etcd has lost its quorum' }],
  };
  const input = { stages: [stage], selection: {}, forceUnsafe: true } as unknown as RollbackInput;
  const opened = { fleet, facts: { hosts: new Map(), etcd: 'lost' } } as unknown as Opened;
  await expect(rollbackOpened(input, opened)).rejects.toMatchObject({
    code: 'refused',
    host: 'm2',
    message: 'etcd has lost its quorum',
  });
  expect(asked).toEqual([]);
});
