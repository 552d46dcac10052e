import { describe, expect, it } from 'vitest';
import type { Answer } from '../../src/cluster/gate.ts';
import type { EngineInput } from '../../src/engine/input.ts';
import { checkProblems } from '../../src/engine/read/problems.ts';
import type { Resource } from '../../src/resources/types.ts';
import { directory, file } from '../../src/states/build.ts';
import { STAGES } from '../../src/states/index.ts';
import type { Stage } from '../../src/states/stage.ts';
import { fakeReader } from '../engine/support/fake-reader.ts';
import { factsOf, labCluster } from '../states/cluster.ts';
import { outOfOrder } from '../states/order.ts';
import { dryRun, greetingStage, itemsOf, stageOf } from './dry-run.ts';

const FOLDER = '/etc/greeting';
const argv = ['cat', `${FOLDER}/text`];
const silent = ({ stdout }: Answer): boolean => stdout !== 'hello';

/** With all that a stage may bring: resources, an order of hosts, a gate, a question of preflight. */
const greeting: Stage = greetingStage([file(`${FOLDER}/text`, 'hello'), directory(FOLDER)], {
  rollout: (_cluster, _facts, changed) => changed.map((host) => [host]),
  gate: ({ hosts }) =>
    hosts.map((host) => ({
      title: `${host} greets`,
      host,
      asks: [{ host, argv }],
      check: (answers) => (answers.some(silent) ? 'is silent' : undefined),
      deadline: 1,
    })),
  inquire: ({ newcomers }) => ({
    asks: [...newcomers].map((host) => ({ host, argv })),
    judge: (answers) => answers.filter(silent).map(({ host }) => ({ host, message: `${host} is silent` })),
  }),
});

describe('a stage behind all that it needs', () => {
  const run = dryRun({ stages: [...STAGES, greeting] });

  it('is in the plan with its resources, the requisites first, and its batches and gates', async () => {
    const planned = stageOf(await run, 'greeting');
    expect(planned).toMatchObject({ batches: [['w1'], ['w2']], gates: ['w1 greets', 'w2 greets'] });
    expect(itemsOf(await run, 'greeting', 'w2')).toMatchObject([
      { ref: `directory:${FOLDER}`, comparison: { verb: 'create' } },
      { ref: `file:${FOLDER}/text`, comparison: { verb: 'create', diff: { before: '', after: 'hello' } } },
    ]);
  });

  it('changes nothing of the plan of the others', async () => {
    const [before, after] = [await dryRun({ stages: STAGES }), await run];
    expect(after.plan.stages.filter((stage) => stage.name !== 'greeting')).toEqual(before.plan.stages);
  });

  it('judges answers by a gate that asks no host by itself', async () => {
    const facts = factsOf(await labCluster());
    const [gate] = greeting.gate?.({ cluster: await labCluster(), facts, hosts: ['w1'] }) ?? [];
    const answer = { host: 'w1', exitCode: 0, stdout: 'hello', stderr: '' };
    expect(gate?.check([answer])).toBeUndefined();
    expect(gate?.check([{ ...answer, stdout: '' }])).toBe('is silent');
  });

  it('ends a run with 14 before anything changes, when preflight hears what it does not want', async () => {
    const cluster = await labCluster();
    const reader = fakeReader({ answer: ({ host }) => (host === 'w1' ? { stdout: 'hello' } : {}) });
    const signal = new AbortController().signal;
    const selection = { limit: new Set(['w1', 'w2']) };
    const input = { cluster, stages: [greeting], selection, signal } as unknown as EngineInput;
    const opened = { reader, facts: factsOf(cluster), since: () => 0 };
    await expect(checkProblems(input, opened)).rejects.toMatchObject({ exitCode: 14, message: 'w2 is silent' });
    expect(reader.asked.flat()).toEqual(['w1 cat /etc/greeting/text', 'w2 cat /etc/greeting/text']);
  });
});

it('a stage before what it needs is out of order', () => {
  expect(outOfOrder([...STAGES, greeting])).toEqual([]);
  expect(outOfOrder([greeting, ...STAGES])).toEqual(['greeting needs system']);
});

describe('a resource of a stage', () => {
  it.each<[string, Resource, RegExp]>([
    [
      'requires what a stage describes that it does not need',
      { ...file('/etc/x', ''), requires: ['unit:kubelet.service'] },
      /^greeting on w1: file:\/etc\/x needs unit:kubelet.service, which nodes describes/,
    ],
    ['is what mcpk keeps for itself', file('/var/lib/mcpk/owned.json', ''), /mcpk itself keeps it$/],
    ['is what etcd keeps for itself', file('/var/lib/etcd/member/x', ''), /etcd itself keeps it$/],
    [
      "is of another stage's unit",
      file('/etc/systemd/system/kubelet.service.d/x.conf', ''),
      /kubelet.service is described by nodes$/,
    ],
  ])('that %s is refused', async (_what, resource, message) => {
    const stages = [...STAGES, greetingStage([resource])];
    await expect(dryRun({ stages })).rejects.toThrow(expect.objectContaining({ code: 'invalid', message: expect.stringMatching(message) as string })); // prettier-ignore
  });

  it('may require what a stage describes that it needs', async () => {
    const wants = greetingStage([{ ...file('/etc/x', ''), requires: ['unit:kubelet.service'] }], { needs: ['nodes'] });
    const run = await dryRun({ stages: [...STAGES, wants] });
    expect(itemsOf(run, 'greeting', 'w1')).toHaveLength(1);
  });
});
