import { describe, expect, it } from 'vitest';
import type { Answer } from '../../../src/cluster/gate.ts';
import { bareHost } from '../../../src/cluster/bare-host.ts';
import { McpkError } from '../../../src/core/errors.ts';
import { PATHS } from '../../../src/core/paths.ts';
import type { EngineInput } from '../../../src/engine/input.ts';
import { checkBroken, checkProblems } from '../../../src/engine/read/problems.ts';
import type { Problem, Stage } from '../../../src/states/stage.ts';
import { fakeReader } from '../support/fake-reader.ts';

interface Situation {
  /** Hosts on which mcpk owns something; m1 and w1 are there. */
  owned?: string[];
  limit?: string[];
  skip?: string[];
  /** Seen in the facts. */
  known?: Problem[];
  /** Seen in what hosts answer, beside what stops the run. */
  judged?: Problem[];
  /** Of a rollback. */
  rollback?: boolean;
  /** What m1 says of a restore of etcd. */
  restoring?: string;
  answer?: (host: string) => Partial<Answer>;
}

/** Hosts that were asked, each with the newcomers that it was asked for; then what was told, and what was thrown. */
async function check(situation: Situation): Promise<{ asked: string[]; told: unknown[]; thrown: unknown }> {
  const { owned = [], limit, skip, known = [], judged = [], rollback = false, restoring } = situation;
  const told: unknown[] = [];
  const stage: Partial<Stage> = {
    name: 'preflight',
    problems: () => known,
    broken: () => known,
    inquire: ({ newcomers }) =>
      newcomers.size === 0
        ? undefined
        : {
            asks: ['m1', 'w1'].map((host) => ({ host, argv: ['try', ...newcomers] })),
            judge: (answers) => [
              ...judged,
              ...answers.filter(({ stdout }) => stdout !== '').map(({ host, stdout }) => ({ host, message: stdout })),
            ],
          },
  };
  const hosts = new Map(
    ['m1', 'w1'].map((name) => [
      name,
      {
        ...bareHost(name, ''),
        owned: owned.includes(name) ? [{ ref: 'file:/x', hash: '', stage: 'system' }] : [],
        files: restoring !== undefined && name === 'm1' ? { [PATHS.restoring]: restoring } : {},
      },
    ]),
  );
  const reader = fakeReader({ answer: ({ host }) => situation.answer?.(host) });
  const input = {
    cluster: { hosts: [{ name: 'm1' }, { name: 'w1' }] },
    stages: [stage],
    selection: { ...(limit ? { limit: new Set(limit) } : {}), ...(skip ? { skip: new Set(skip) } : {}) },
    emit: (event: unknown) => told.push(event),
    signal: new AbortController().signal,
  } as unknown as EngineInput;
  const facts = { hosts, unreachable: [], etcd: 'none' as const };
  const opened = { reader, facts, since: () => 7 };
  const checks = async (): Promise<void> => (rollback ? checkBroken : checkProblems)(input, opened);
  const thrown = await checks().then(
    () => undefined,
    (error: unknown) => error,
  );
  return { asked: reader.asked.flat().toSorted(), told, thrown };
}

describe('before the first change', () => {
  it.each<[string, Situation, string[]]>([
    ['bare hosts are asked', {}, ['m1 try m1 w1', 'w1 try m1 w1']],
    ['for the sake of the one that joins, its peers are too', { owned: ['m1'] }, ['m1 try w1', 'w1 try w1']],
    ['a cluster that stands is asked nothing', { owned: ['m1', 'w1'] }, []],
    ['a bare host that this run leaves alone is no reason to ask', { owned: ['m1'], limit: ['m1'] }, []],
  ])('%s', async (_name, situation, asked) => {
    expect(await check(situation)).toEqual({ asked, told: [], thrown: undefined });
  });

  it('what hosts answer stops the run with exit 14', async () => {
    const { thrown } = await check({ answer: (host) => ({ exitCode: 0, stdout: `${host} is cut off`, stderr: '' }) });
    expect(thrown).toMatchObject({ exitCode: 14, errors: [{ host: 'm1' }, { message: 'w1 is cut off' }] });
  });

  it('what the facts tell stops it before anybody is asked', async () => {
    const { asked, thrown } = await check({ known: [{ host: 'm1', message: 'is full', hint: 'tidy up' }] });
    expect(asked).toEqual([]);
    expect(thrown).toMatchObject({ exitCode: 14, host: 'm1', message: 'is full', hint: 'tidy up' });
  });

  it('where the stage is skipped, the facts are a warning and nobody is asked', async () => {
    const outcome = await check({ skip: ['preflight'], known: [{ host: 'm1', message: 'is full', hint: 'Tidy up.' }] });
    const warning = { at: 7, type: 'warning', host: 'm1', message: 'is full', hint: 'Tidy up.' };
    expect(outcome).toEqual({ asked: [], told: [warning], thrown: undefined });
  });

  it('what is a warning is told and stops nothing', async () => {
    const known: Problem[] = [{ code: 'warning', host: 'w1', message: 'ends soon', hint: 'Renew it.' }];
    const told = [{ at: 7, type: 'warning', host: 'w1', message: 'ends soon', hint: 'Renew it.' }];
    expect(await check({ owned: ['m1', 'w1'], known })).toEqual({ asked: [], told, thrown: undefined });
    const stopped = await check({ known: [...known, { message: 'is full' }] });
    expect(stopped).toMatchObject({ told, thrown: { exitCode: 14, message: 'is full' } });
  });

  it.each<[string, Situation]>([
    ['of what hosts answer', { judged: [{ code: 'warning', host: 'w1', message: 'ends soon', hint: 'Renew it.' }] }],
    [
      'of what stops a rollback too',
      { rollback: true, known: [{ code: 'warning', host: 'w1', message: 'ends soon', hint: 'Renew it.' }] },
    ],
  ])('a warning %s is told and stops nothing', async (_name, situation) => {
    const told = [{ at: 7, type: 'warning', host: 'w1', message: 'ends soon', hint: 'Renew it.' }];
    expect(await check(situation)).toMatchObject({ told, thrown: undefined });
  });

  it('what a stage refuses ends the run with exit 18, skipped or not', async () => {
    const known: Problem[] = [{ code: 'refused', message: 'would not live', hint: 'Put it back.' }];
    for (const skip of [undefined, ['preflight']]) {
      const { told, thrown } = await check({ known, ...(skip ? { skip } : {}) });
      expect(told).toEqual([]);
      expect(thrown).toMatchObject({ code: 'refused', exitCode: 18, message: 'would not live', hint: 'Put it back.' });
    }
  });

  it('refusals come first among problems of both kinds, so the run ends with 18', async () => {
    const known: Problem[] = [
      { host: 'm1', message: 'is full' },
      { code: 'refused', host: 'w1', message: 'would not live' },
    ];
    const { thrown } = await check({ known });
    expect(thrown).toMatchObject({ exitCode: 18, errors: [{ code: 'refused' }, { code: 'preflight' }] });
    const skipped = await check({ known, skip: ['preflight'] });
    expect(skipped.told).toMatchObject([{ type: 'warning', message: 'is full' }]);
    expect(skipped.thrown).toMatchObject({ exitCode: 18, message: 'would not live' });
  });

  const LOSS: Problem = { host: 'm1', message: 'would lose data', hint: 'Do not.', code: 'refused' };

  it.each<[string, Situation]>([
    ['it would lose data', { known: [LOSS] }],
    ['it would, whatever else is wrong', { known: [{ host: 'w1', message: 'is full' }, LOSS] }],
    ['the stage that says so is skipped', { skip: ['preflight'], known: [LOSS] }],
    ['the run is for another host', { limit: ['w1'], known: [LOSS] }],
  ])('what would lose data ends it with exit 18: %s', async (_name, situation) => {
    const { asked, told, thrown } = await check(situation);
    expect(thrown).toMatchObject({ exitCode: 18 });
    expect(String((thrown as Error).message)).toContain('would lose data');
    expect({ asked, told }).toEqual({ asked: [], told: [] });
  });

  it('a host that is lost meanwhile is unreachable, not cut off from its peers', async () => {
    const lost = new McpkError('unreachable', 'gone', { host: 'w1' });
    const { thrown } = await check({
      answer: () => ({ exitCode: 255, lost }),
    });
    expect(thrown).toBe(lost);
  });
});

describe('while etcd is restored', () => {
  const line = `20261128T174300Z-3f9a ${'ab'.repeat(32)} loaded\n`;

  it.each([
    ['an apply', { restoring: line }],
    ['a rollback', { restoring: line, rollback: true }],
    ['a run without the stages', { restoring: line, skip: ['preflight'] }],
    ['a host that says what is no state of it', { restoring: 'x' }],
  ])('%s is refused, whatever else is wrong', async (_what, situation) => {
    const { asked, thrown } = await check({ known: [{ message: 'something else' }], ...situation });
    expect(asked).toEqual([]);
    expect(thrown).toMatchObject({ exitCode: 18, host: 'm1' });
    expect(String(thrown)).toContain('a restore of etcd is not over');
  });
});
