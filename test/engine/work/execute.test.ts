import { describe, expect, it } from 'vitest';
import type { GateCheck } from '../../../src/cluster/gate.ts';
import type { Stage } from '../../../src/states/stage.ts';
import { execute } from '../../../src/engine/work/execute.ts';
import { runOf, type FakeRun } from '../support/fake-run.ts';

const carried = ({ program, hands, state }: Pick<FakeRun, 'program' | 'hands' | 'state'>) =>
  execute(program, hands, state);

describe('execute', () => {
  it('starts a stage when its needs are done', async () => {
    const fake = runOf({ a: { batches: [['h1']] }, b: { needs: ['a'], batches: [['h2']] } });
    const results = await carried(fake);
    expect(results.map((each) => each.status)).toEqual(['changed', 'changed']);
    expect(fake.log).toEqual(['converge h1', 'a changed', 'converge h2', 'b changed']);
  });

  it('goes by what its plan needs, be it more than its stage', async () => {
    const fake = runOf({ a: { batches: [['h1'], ['h2']] }, b: { batches: [['h3']] } });
    Object.assign(fake.program.stages[1]!.plan, { needs: ['a'] });
    await carried(fake);
    expect(fake.log).toEqual(['converge h1', 'converge h2', 'a changed', 'converge h3', 'b changed']);
  });

  it('takes the batches one after the other', async () => {
    const fake = runOf({ a: { batches: [['h1'], ['h2', 'h3']] } });
    await carried(fake);
    expect(fake.log.slice(0, 3)).toEqual(['converge h1', 'converge h2', 'converge h3']);
  });

  it('starts nothing new after a failure, and the members of a batch do not fail each other', async () => {
    const fake = runOf(
      { a: { batches: [['h1', 'h2'], ['h3']] }, b: { needs: ['a'], batches: [['h4']] } },
      {
        h1: new Error('h1 broke'),
      },
    );
    const results = await carried(fake);
    expect(results.map((each) => each.status)).toEqual(['failed', 'skipped']);
    expect(fake.log).toEqual(['converge h1', 'converge h2', 'a failed', 'b skipped']);
    expect(fake.state.failures.map((error) => error.exitCode)).toEqual([1]);
  });

  it('takes steps of the same kind side by side, and waits for all of them before the next', async () => {
    const step = (together: string, on: string, ...run: string[]) => ({ title: on, on, run, together });
    const around: Stage['around'] = () => ({
      before: [step('stop', 'x', 'fail'), step('stop', 'y', 'a'), step('start', 'x', 'b')],
      after: [],
    });
    const fake = runOf({ a: { batches: [['h1']], around } });
    await carried(fake);
    expect(fake.log).toEqual(['x: fail', 'y: a', 'a failed']);
  });

  it('undoes a step that failed, too: half of it may be done', async () => {
    const around: Stage['around'] = () => ({
      before: [{ title: 'one', on: 'x', run: ['fail'], undo: ['undo', 'one'] }],
      after: [],
    });
    const fake = runOf({ a: { batches: [['h1']], around } });
    const results = await carried(fake);
    expect(results.map((each) => each.status)).toEqual(['failed']);
    expect(fake.log).toEqual(['x: fail', 'x: undo one', 'a failed']);
  });

  it('tells of an undo that fails, by the name of its step and with what is to be done, and still undoes the others', async () => {
    const around: Stage['around'] = () => ({
      before: [
        { title: 'one', on: 'x', run: ['do', 'one'], undo: ['undo', 'one'] },
        { title: 'two', on: 'y', run: ['do', 'two'], undo: ['fail', 'two'] },
      ],
      after: [],
    });
    const { events, ...fake } = runOf({ a: { batches: [['h1']], around } }, { h1: new Error('h1 broke') });
    await carried(fake);
    expect(fake.log).toEqual(['x: do one', 'y: do two', 'converge h1', 'y: fail two', 'x: undo one', 'a failed']);
    const told = events.flatMap((event) => (event.type === 'step' ? [`${event.title} ${event.status}`] : []));
    expect(told.slice(-2)).toEqual(['two not-undone', 'one undone']);
    // What failed first still decides the exit code.
    expect(fake.state.failures.map(({ message }) => message)).toEqual(['a: h1 broke', 'a: could not be undone: two']);
    expect(fake.state.failures[1]).toMatchObject({ host: 'y', details: ['exit code 1'], exitCode: 15 });
    expect(fake.state.failures[1]?.hint).toContain('fail two');
  });

  it('puts steps around each batch, and undoes them in reverse when it fails', async () => {
    const around: Stage['around'] = ({ batch }) => ({
      before: [
        { title: 'one', on: 'x', run: ['do', 'one', ...batch], undo: ['undo', 'one'] },
        { title: 'two', on: 'x', run: ['do', 'two'], undo: ['undo', 'two'] },
      ],
      after: [{ title: 'three', on: 'x', run: ['do', 'three'] }],
    });
    const good = runOf({ a: { batches: [['h1']], around } });
    await carried(good);
    expect(good.log).toEqual(['x: do one h1', 'x: do two', 'converge h1', 'x: do three', 'a changed']);
    const bad = runOf({ a: { batches: [['h1']], around } }, { h1: new Error('h1 broke') });
    await carried(bad);
    expect(bad.log).toEqual(['x: do one h1', 'x: do two', 'converge h1', 'x: undo two', 'x: undo one', 'a failed']);
  });

  it('takes what is for a held gate after it, and not when it does not hold', async () => {
    const around: Stage['around'] = () => ({
      before: [],
      after: [],
      held: [{ title: 'note', on: 'x', run: ['note'] }],
    });
    const gate =
      (wrong?: string): (() => GateCheck[]) =>
      () => [{ title: 'well', asks: [{ host: 'h1', argv: ['ask'] }], check: () => wrong, deadline: 0 }];
    const good = runOf({ a: { batches: [['h1']], around, gate: gate() } });
    await carried(good);
    expect(good.log).toEqual(['converge h1', 'h1: ask', 'x: note', 'a changed']);
    const bad = runOf({ a: { batches: [['h1']], around, gate: gate('sick') } });
    await carried(bad);
    expect(bad.log).not.toContain('x: note');
    expect(bad.log.at(-1)).toBe('a failed');
  });

  it('keeps what a step owes on its host before the step acts', async () => {
    const around: Stage['around'] = () => ({
      before: [{ title: 'one', on: 'x', run: ['do', 'one'], undo: ['undo', 'one'] }],
      after: [],
    });
    const { log, means, ...fake } = runOf({ a: { batches: [['h1']], around } });
    means.journal.note = (host, ...words) => void log.push(`${host} notes ${words.join(' ')}`);
    means.journal.send = (host) => Promise.resolve(void log.push(`${host} has it`));
    await carried(fake);
    expect(log).toEqual([
      'x notes owed a ["undo","one"]',
      'x has it',
      'x: do one',
      'converge h1',
      'x notes settled a',
      'a changed',
    ]);
  });
});
