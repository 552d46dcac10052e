import { describe, expect, it } from 'vitest';
import type { Comparison } from '../../src/resources/types.ts';
import type { Stage } from '../../src/states/stage.ts';
import { execute } from '../../src/engine/execute.ts';
import type { Fleet } from '../../src/engine/fleet.ts';
import { asErrors, type Run } from '../../src/engine/run-context.ts';
import type { Event, StagePlan } from '../../src/engine/types.ts';

const CHANGE: Comparison = { result: 'change', verb: 'update', reasons: ['content differs'], hash: 'h', rests: '' };

interface Spec {
  needs?: string[];
  batches?: string[][];
  around?: Stage['around'];
}

/** A run over a fleet that only remembers; `failing` hosts reject their stream. */
function runOf(specs: Record<string, Spec>, failing: readonly string[] = []): { run: Run; log: string[] } {
  const log: string[] = [];
  const fleet: Fleet = {
    sessions: new Map(),
    unreachable: new Map(),
    request: (host) => {
      log.push(`converge ${host}`);
      return failing.includes(host) ? Promise.reject(new Error(`${host} broke`)) : Promise.resolve(0);
    },
    exec: (host, commands) => {
      log.push(`${host}: ${commands.map((each) => each.argv.join(' ')).join('; ')}`);
      return Promise.resolve(commands.map(() => ({ exitCode: 0, stdout: '', stderr: '' })));
    },
    read: () => Promise.reject(new Error('not asked for')),
    upload: () => Promise.reject(new Error('not asked for')),
    close: () => Promise.resolve(),
  };
  const stages = Object.entries(specs).map(([name, spec]): Stage => ({
    name,
    title: name,
    hosts: () => [],
    needs: spec.needs ?? [],
    states: () => [],
    ...(spec.around ? { around: spec.around } : {}),
  }));
  const planOf = (name: string): StagePlan => {
    const batches = specs[name]?.batches ?? [];
    const hosts = batches
      .flat()
      .map((host) => ({ host, items: [{ ref: 'file:/x', title: '/x', kind: 'file', comparison: CHANGE }] }));
    return { name, title: name, needs: [], batches, order: '', gates: [], steps: [], hosts };
  };
  const failures: Run['failures'] = [];
  const run = {
    id: 'r',
    cluster: {},
    stages,
    fleet,
    signal: new AbortController().signal,
    emit: (event: Event) => {
      if (event.type === 'stage-end') log.push(`${event.stage} ${event.status}`);
    },
    since: () => 0,
    facts: { hosts: new Map(), unreachable: [], etcd: 'formed' },
    comparisons: { byHost: new Map(), shared: new Map(), stages: new Map() },
    observed: new Map(),
    laid: new Map(),
    owned: new Map(),
    concerned: new Set(Object.keys(specs)),
    gateHeld: new Set<string>(),
    journal: { caller: '', note: () => undefined, take: () => [], send: () => Promise.resolve() },
    failures,
    forceUnsafe: false,
    stopped: false,
    stop() {
      this.stopped = true;
    },
    fail(error: unknown, stage: string) {
      this.stopped = true;
      failures.push(...asErrors(error, stage));
    },
    turn: (_host: string, work: () => Promise<unknown>) => work(),
    stagePlan: (stage: Stage) => Promise.resolve(planOf(stage.name)),
  };
  return { run: run as unknown as Run, log };
}

describe('execute', () => {
  it('starts a stage when its needs are done', async () => {
    const { run, log } = runOf({ a: { batches: [['h1']] }, b: { needs: ['a'], batches: [['h2']] } });
    const results = await execute(run);
    expect(results.map((each) => each.status)).toEqual(['changed', 'changed']);
    expect(log).toEqual(['converge h1', 'a changed', 'converge h2', 'b changed']);
  });

  it('takes the batches one after the other', async () => {
    const { run, log } = runOf({ a: { batches: [['h1'], ['h2', 'h3']] } });
    await execute(run);
    expect(log.slice(0, 3)).toEqual(['converge h1', 'converge h2', 'converge h3']);
  });

  it('starts nothing new after a failure, and the members of a batch do not fail each other', async () => {
    const { run, log } = runOf({ a: { batches: [['h1', 'h2'], ['h3']] }, b: { needs: ['a'], batches: [['h4']] } }, [
      'h1',
    ]);
    const results = await execute(run);
    expect(results.map((each) => each.status)).toEqual(['failed', 'skipped']);
    expect(log).toEqual(['converge h1', 'converge h2', 'a failed', 'b skipped']);
    expect(run.failures.map((error) => error.exitCode)).toEqual([1]);
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
    await execute(good.run);
    expect(good.log).toEqual(['x: do one h1', 'x: do two', 'converge h1', 'x: do three', 'a changed']);
    const bad = runOf({ a: { batches: [['h1']], around } }, ['h1']);
    await execute(bad.run);
    expect(bad.log).toEqual(['x: do one h1', 'x: do two', 'converge h1', 'x: undo two', 'x: undo one', 'a failed']);
  });
});
