import { describe, expect, it } from 'vitest';
import type { Command, Fleet } from '../../src/engine/hosts/fleet.ts';
import { runSteps } from '../../src/engine/hosts/gates.ts';
import { emptyObserved } from '../../src/engine/wire/wire.ts';
import { sha256 } from '../../src/resources/identity.ts';
import { file } from '../../src/states/build.ts';
import type { AroundContext, Stage } from '../../src/states/stage.ts';
import { fileState } from '../resources/case.ts';
import { dryRun, greetingStage, stageOf } from './dry-run.ts';
import { fakeFleet } from '../engine/support/fake-fleet.ts';

const step = (what: string, on: string): { title: string; on: string; run: string[]; undo: string[] } => ({
  title: `${what} ${on}`,
  on,
  run: ['announce', what, on],
  undo: ['announce', `un${what}`, on],
});

/** Hosts one by one, each announced on itself before it changes and after. */
const greeting: Stage = greetingStage([file('/etc/greeting', 'hello')], {
  needs: [],
  rollout: (_cluster, _facts, changed) => changed.map((host) => [host]),
  around: ({ batch }: AroundContext) => ({
    before: batch.map((host) => step('close', host)),
    after: batch.map((host) => step('open', host)),
  }),
});

describe('a step', () => {
  it('is in the plan, before or after its own batch', async () => {
    const { steps } = stageOf(await dryRun({ stages: [greeting] }), 'greeting');
    expect(steps).toMatchObject([
      { batch: 0, when: 'before', title: 'close w1', on: 'w1' },
      { batch: 0, when: 'after', title: 'open w1', on: 'w1' },
      { batch: 1, when: 'before', title: 'close w2', on: 'w2' },
      { batch: 1, when: 'after', title: 'open w2', on: 'w2' },
    ]);
  });

  it('is taken for no host that does not change', async () => {
    const paths = { '/etc/greeting': fileState({ sha256: sha256('hello') }) };
    const run = await dryRun({ stages: [greeting], observed: { ...emptyObserved(), paths } });
    expect(stageOf(run, 'greeting')).toMatchObject({ batches: [], steps: [] });
  });

  it('is a command on its host', async () => {
    const asked: [string, readonly Command[]][] = [];
    const exec: Fleet['exec'] = (host, commands) => {
      asked.push([host, commands]);
      return Promise.resolve(commands.map(() => ({ exitCode: 0, stdout: '', stderr: '' })));
    };
    const fleet = fakeFleet({ exec });
    expect(await runSteps(fleet, [step('close', 'w1')], new AbortController().signal)).toMatchObject([{ exitCode: 0 }]);
    expect(asked).toEqual([['w1', [{ argv: ['announce', 'close', 'w1'] }]]]);
  });
});
